"""`python -m lab.faults.skewed SECONDS ROLE`: a worker on a machine whose clock is wrong by so much.

It is the fault that is put in here, before anything of ours is loaded: what it then does is its own.
"""

from __future__ import annotations

import sys
import time


def main() -> int:
    """Move this process's wall clock, then be the worker."""
    shift, real = float(sys.argv[1]), time.time
    time.time = lambda: real() + shift
    from workers.main import main as work  # noqa: PLC0415 - the clock is wrong from the first import on

    return work(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
