"""From accept to the provider's first byte, at a hundred single messages per second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.throughput import messages
from lab.system import System
from lab.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path


class Latency(NamedTuple):
    """Milliseconds from the call of `send` to the first byte at the provider."""

    p50: float
    p99: float


def measure(directory: Path, *, rate: int = 100, seconds: int = 20) -> Latency:
    """Send at an even pace; the stand-in notes the instant of each first byte."""
    with System(directory, behaviour={"latency_ms": 100}, SMSQUEUE_PUBLIC_URL="http://127.0.0.1:1") as system:
        system.fleet.workers(dispatch=2, submit=2)
        source = list(messages(rate * seconds + rate))
        for message in source[:rate]:  # warm
            system.client.send(message)
        sent: dict[str, float] = {}
        begin = time.monotonic()
        for n, message in enumerate(source[rate:]):
            time.sleep(max(0.0, begin + n / rate - time.monotonic()))
            at = time.time()
            sent[system.client.send(message).id] = at
        wait_for(lambda: system.counts()["taken"] >= len(source), "all messages at the provider", within=60)
        took = sorted(
            (record["first_bytes"][0] - sent[record["id"]]) * 1000
            for record in system.received()
            if record["id"] in sent
        )
        return Latency(took[len(took) // 2], took[len(took) * 99 // 100])
