"""Courtesy: while one-time codes are about, calls that carry many messages are made small.

Nothing else happens in the server while a script runs, and an answer waits for all that ran in the same turn: behind
eight calls of two hundred messages, each of the six that a one-time code takes would wait for twenty milliseconds.
"""

from __future__ import annotations

import time

LASTS = 2.0
"""Seconds after a one-time code was seen."""
PART, SMALL = 8, 50
"""An eighth of the usual then, but no fewer messages than these: half a millisecond. Always, it would cost a tenth more
CPU per message."""


class Courtesy:
    """What one process does for the first lane. Threads may share it."""

    def __init__(self) -> None:
        self._until = 0.0

    def make_way(self) -> None:
        """Take in that a message of the first lane is on its way."""
        self._until = time.monotonic() + LASTS

    def most(self, usual: int) -> int:
        """Return how many messages a call may carry now."""
        return min(usual, max(usual // PART, SMALL)) if time.monotonic() < self._until else usual
