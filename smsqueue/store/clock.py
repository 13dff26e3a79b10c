"""The one clock: the server's time, carried on by this process's monotonic clock between calls."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING

from smsqueue.store.codec import EPOCH, from_ms

if TYPE_CHECKING:
    from collections.abc import Sequence


class ServerClock:
    """What time it is at the server. Safe to share among threads: one reference is replaced as a whole."""

    def __init__(self) -> None:
        self._seen: tuple[datetime, float] | None = None

    def told(self, ms: int) -> None:
        """Take in a time that a script returned a moment ago."""
        self._seen = (from_ms(ms), time.monotonic())

    @property
    def seen(self) -> tuple[datetime, float] | None:
        """The last time that was told, and when by the monotonic clock."""
        return self._seen

    def now(self) -> datetime:
        """Return the server's time. Raises RuntimeError before the first answer of the server."""
        if self._seen is None:
            raise RuntimeError("the server's time is not known before its first answer")
        at, since = self._seen
        return at + timedelta(seconds=time.monotonic() - since)

    def skew(self) -> timedelta:
        """Return by how much this process's own wall clock differs from the server's, as an absolute value."""
        return abs(EPOCH + timedelta(seconds=time.time()) - self.now())


class LatestClock(ServerClock):
    """What time it is at several servers that should agree: as the one says that answered last."""

    def __init__(self, clocks: Sequence[ServerClock]) -> None:
        super().__init__()
        self._clocks = clocks

    @property
    def seen(self) -> tuple[datetime, float] | None:
        """The last time that any of them told."""
        return max(filter(None, (clock.seen for clock in self._clocks)), key=itemgetter(1), default=None)

    def now(self) -> datetime:
        """Return the time by the latest answer. Raises RuntimeError before the first."""
        self._seen = self.seen
        return super().now()

    def skew(self) -> timedelta:
        """Return by how much this process's own wall clock differs from the furthest of them."""
        return max((clock.skew() for clock in self._clocks if clock.seen), default=timedelta(0))

    def spread(self) -> timedelta:
        """Return by how much they differ from each other."""
        times = [clock.now() for clock in self._clocks if clock.seen]
        return max(times) - min(times) if times else timedelta(0)
