"""What one process counts by itself: calls, events, late receipts. Written with its sign of life, not per message.

What becomes of messages is counted inside the scripts that write it (`tally` in lib.lua): that costs no call,
and a killed process takes no count with it. Here a killed process loses the counts of its last five seconds.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING

from smsqueue.core.submission import Capabilities, SendResult, SendStatus, Submission
from smsqueue.privacy import log
from smsqueue.store.gauges import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.providers.protocol import Provider


class Calls:
    """The calls to one provider: how long they took, how they ended. Written by one thread, read by another."""

    def __init__(self) -> None:
        self._took = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0
        self._results: dict[str, int] = dict.fromkeys(SendStatus, 0)

    def ended(self, status: str, seconds: float) -> None:
        """Count a call."""
        self._took[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds
        self._results[status] += 1

    def totals(self, provider: str) -> dict[str, int]:
        """Return everything counted so far, as fields of the store's counters."""
        fields = {f"took|{provider}|{place}": n for place, n in enumerate(self._took)}
        fields[f"tookms|{provider}"] = int(self._seconds * 1000)
        return fields | {f"call|{provider}|{status}": n for status, n in self._results.items()}


class Measured:
    """A provider whose calls are counted."""

    def __init__(self, provider: Provider, calls: Calls) -> None:
        self._provider, self._calls = provider, calls
        self.can: Capabilities = provider.can

    async def submit(self, submission: Submission) -> SendResult:
        """Submit once; a bug of the adapter counts as a call that nobody knows the end of."""
        begun, status = time.perf_counter(), SendStatus.UNKNOWN
        try:
            result = await self._provider.submit(submission)
            status = result.status
            return result
        finally:
            self._calls.ended(status, time.perf_counter() - begun)

    async def close(self) -> None:
        """Give back connections."""
        await self._provider.close()


class Tally:
    """All counts of this process. They only rise; what the store has of them is remembered."""

    def __init__(self) -> None:
        self._calls: dict[str, Calls] = {}
        self._late: Counter[str] = Counter()
        self._counting = Lock()
        self._written: dict[str, int] = {}

    def calls(self, provider: str) -> Calls:
        """Return the counts of one provider."""
        return self._calls.setdefault(provider, Calls())

    def late(self, how: str, provider: str, country: str) -> None:
        """Count a message that was delivered too late. Threads may share it."""
        with self._counting:
            self._late[f"late|{how}|{provider}|{country}"] += 1

    def news(self) -> dict[str, int]:
        """Return what was counted and is not yet written."""
        totals = {f"event|{name}": n for name, n in list(log.seen.items())}
        totals |= dict(self._late)
        for provider, calls in self._calls.items():
            totals |= calls.totals(provider)
        return {field: new for field, n in totals.items() if (new := n - self._written.get(field, 0))}

    def written(self, news: Mapping[str, int]) -> None:
        """Take in that the store has these."""
        for field, n in news.items():
            self._written[field] = self._written.get(field, 0) + n
