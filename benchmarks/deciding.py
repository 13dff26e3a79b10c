"""One decision about a message, and the first look at a country's calendar: CPU, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from smsqueue import policy_file
from smsqueue.core import policy as policies
from smsqueue.core.decide import decide
from smsqueue.core.envelope import Envelope
from smsqueue.core.facts import CLEAR
from smsqueue.core.rules.hours import EPOCH, find
from smsqueue.core.states import State

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 24, 17, tzinfo=UTC)
RUNS, TIMES = 7, 20_000


class Deciding(NamedTuple):
    """Best of several runs. Warm: the calendar of the place is known. Cold: nothing of any zone is."""

    promotion_us: float
    code_us: float
    held_us: float
    united_states_cold_ms: float


def measure() -> Deciding:
    """Measure in a process that knows no zone yet."""
    printed = subprocess.run([sys.executable, "-m", "benchmarks.deciding"], capture_output=True, text=True, check=True)
    return Deciding(**json.loads(printed.stdout))


def _measured() -> Deciding:
    policy = policies.read(policy_file.document(None))
    promotional, second = policy.category("promotional"), (NOW - EPOCH) // timedelta(seconds=1)
    began = time.process_time()
    found = find("US", "", promotional, policy, NOW).calendar
    if found is None or not found.allowed(second + 7200):
        raise LookupError("nothing is open all over the United States at two in the afternoon in New York")
    cold = time.process_time() - began
    promotion = _envelope("promotional", "US-NY", "~A/New_York", NOW + timedelta(hours=24))
    code = _envelope("otp", "GB", "", NOW + timedelta(minutes=5))
    night = NOW + timedelta(hours=12)

    def best(envelope: Envelope, now: datetime) -> float:
        return 1e6 * min(_cpu(lambda: decide(envelope, policy, CLEAR, now)) for _ in range(RUNS))

    return Deciding(
        promotion_us=best(promotion, NOW),
        code_us=best(code, NOW),
        held_us=best(promotion, night),
        united_states_cold_ms=1e3 * cold,
    )


def _cpu(run: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(TIMES):
        run()
    return (time.process_time() - began) / TIMES


def _envelope(category: str, region: str, zones: str, deadline: datetime) -> Envelope:
    return Envelope(
        id="00AbCdEfGhIjKlMnOp",
        state=State.QUEUED,
        category=category,
        lane=category,
        region=region,
        zones=zones,
        segments=1,
        key_id="k1",
        created=NOW,
        deadline=deadline,
        fingerprint="f",
    )


if __name__ == "__main__":
    print(json.dumps(_measured()._asdict()))
