"""Waiting for a thing to become true: polling with a deadline, never a bare sleep."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def wait_for(probe: Callable[[], T], what: str, *, within: float = 15.0, every: float = 0.02) -> T:
    """Call `probe` until it returns something true, and return that. Raises TimeoutError naming what was awaited."""
    deadline = time.monotonic() + within
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {within:g} s")
        time.sleep(every)
