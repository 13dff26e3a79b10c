"""Tests the search for canaries: `python -m lab.canary`."""

from __future__ import annotations

import sys

from lab.canary.canary import canary
from lab.canary.planted import planted
from lab.canary.selftest import AMERICAN, selftest, speed


def main() -> int:
    """Print what is wrong, and how quick the search is."""
    problems = selftest()
    for problem in problems:
        print(problem)
    forms = len(planted(canary(AMERICAN, 0)))
    print(f"{forms} planted forms, {len(problems)} problems; 10 MB, 5000 canaries: {speed(10, 5000):.1f} s")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
