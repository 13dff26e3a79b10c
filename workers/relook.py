"""A new policy looks again at what quiet hours hold: a loosened rule or a corrected zone frees today what it should.

A little at a time: each is decided anew, and most go back to where they slept.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smsqueue.store.store import Store

EVERY, IDLE = 0.1, 1.0
"""Seconds between steps while there is something to look through, and else."""
STEP = 100
"""Messages per step: two pumps wake 2,000 a second, a fifth of what dispatch decides."""
MARGIN = timedelta(minutes=1)
"""What is looked at within this anyway is left alone."""


class Relook:
    """Goes once through what sleeps, for each version of the policy; all pumps share one place in it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._next = 0.0

    def step(self) -> None:
        """Wake the next few, if it is time and there is a policy that was not carried through."""
        if time.monotonic() < self._next:
            return
        _, done = self._store.relook(limit=STEP, margin=MARGIN)
        self._next = time.monotonic() + (IDLE if done else EVERY)
