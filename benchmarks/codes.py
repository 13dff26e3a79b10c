"""One-time codes beside something else: a few a second, from accept to the provider's first byte."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from smsqueue.core.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from smsqueue.client import Client

PER_SECOND = 5
TO = "+12025550123"


class Waits(NamedTuple):
    """Milliseconds from the call of `send` to the first byte, and how many were sent and never came."""

    codes: int
    p50: float
    p99: float
    worst: float
    missing: int


class Codes:
    """Sends from a thread of its own while the `with` block runs."""

    def __init__(self, client: Client, category: str) -> None:
        self._client, self._category = client, category
        self._sent: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        begun, n = time.monotonic(), 0
        while not self._stopping.wait(max(0.0, begun + n / PER_SECOND - time.monotonic())):
            message = Message(to=TO, text=f"{n:06d} is your code.", category=self._category)
            at = time.time()
            self._sent[self._client.send(message).id] = at
            n += 1

    def waits(self, first_bytes: Mapping[str, float]) -> Waits:
        """Compare with what the provider noted."""
        came = [(first_bytes[id] - at) * 1000 for id, at in self._sent.items() if id in first_bytes]
        return percentiles(came, sent=len(self._sent))


def percentiles(came: list[float], *, sent: int) -> Waits:
    """Return the figures of these waits."""
    if not came:
        return Waits(sent, 0.0, 0.0, 0.0, sent)
    ordered = sorted(came)
    p50, p99 = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    return Waits(sent, p50, p99, ordered[-1], sent - len(came))
