"""The one clock: the server's time, carried on by this process's monotonic clock between calls."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from smsqueue.store.codec import EPOCH, from_ms


class ServerClock:
    """What time it is at the server. Safe to share among threads: one reference is replaced as a whole."""

    def __init__(self) -> None:
        self._seen: tuple[datetime, float] | None = None

    def told(self, ms: int) -> None:
        """Take in a time that a script returned a moment ago."""
        self._seen = (from_ms(ms), time.monotonic())

    def now(self) -> datetime:
        """Return the server's time. Raises RuntimeError before the first answer of the server."""
        if self._seen is None:
            raise RuntimeError("the server's time is not known before its first answer")
        at, since = self._seen
        return at + timedelta(seconds=time.monotonic() - since)

    def skew(self) -> timedelta:
        """Return by how much this process's own wall clock differs from the server's, as an absolute value."""
        return abs(EPOCH + timedelta(seconds=time.time()) - self.now())
