"""Tests the search for canaries: `python -m lab.canary`."""

from __future__ import annotations

import sys

from lab.canary.canary import canary
from lab.canary.selftest import NUMBER, planted, selftest, speed


def main() -> int:
    """Print what is wrong, and how quick the search is."""
    problems = selftest()
    for problem in problems:
        print(problem)
    forms = len(planted(canary(NUMBER, 0)))
    print(f"{forms} planted forms, {len(problems)} problems; 20 MB, 3000 canaries: {speed(20, 3000):.1f} s")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
