"""Looks that go through much, a little at a time: all pumps share one place in each, which the store keeps.

What is woken is decided anew, and most goes back to where it was.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsqueue.store.store import Store

EVERY, IDLE = 0.1, 1.0
"""Seconds between steps while there is something to look through, and else."""
STEP = 100
"""Messages per step: two pumps wake 2,000 a second, a fifth of what dispatch decides."""
MARGIN = timedelta(minutes=1)
"""What is looked at within this anyway is left alone."""


class Look:
    """Takes a step when it is time; `step` says whether all was seen."""

    def __init__(self, step: Callable[[], bool]) -> None:
        self._step = step
        self._next = 0.0

    def step(self) -> None:
        """Look at the next few, if it is time."""
        if time.monotonic() >= self._next:
            done = self._step()
            self._next = time.monotonic() + (IDLE if done else EVERY)


def relook(store: Store) -> Look:
    """Look once, for each version of the policy, at what quiet hours hold: what may go sooner now goes today."""
    return Look(lambda: store.relook(limit=STEP, margin=MARGIN)[1])


def reroute(store: Store) -> Look:
    """Look at what waits for an ailing provider, whenever another way may have opened."""
    return Look(lambda: store.reroute(limit=STEP)[1])
