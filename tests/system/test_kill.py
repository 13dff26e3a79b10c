"""Killed in mid-flight: the producer's acknowledgements, the store and the provider are compared afterwards.

SMSQUEUE_FAULT_MESSAGES=20000 makes the long run.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from lab.ledger import Ledger, Told, audit
from lab.system import System
from lab.waiting import wait_for
from smsqueue import AcceptanceUnknown, Message, State

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("SMSQUEUE_FAULT_MESSAGES", "1500"))
CAMPAIGN = "faults"
SLOTS = 100


def messages() -> list[Message]:
    return [
        Message(
            to=f"+1{202 + n % 3}555{100 + n % 60:04d}",
            text=f"Message {n}",
            category="otp" if n % 10 == 0 else "alert",
            campaign=CAMPAIGN,
            idempotency_key=str(n),
        )
        for n in range(COUNT)
    ]


def accept(system: System) -> list[str]:
    """Accept all, as a producer does that repeats what it was not sure of."""
    ids: list[str] | None = None
    while True:
        try:
            results = system.client.send_many(messages(), ids=ids)
        except AcceptanceUnknown:
            continue
        return [result.id for result in results]


def moving(system: System) -> int:
    """Count messages that still have to come to rest: everything but submitted, unknown and final."""
    store = system.client.store
    counts: dict[bytes, bytes] = store.redis.hgetall(store.keys.counts(CAMPAIGN))
    return sum(int(counts.get(state.encode(), 0)) for state in (State.QUEUED, State.HELD, State.SUBMITTING))


def under_way(system: System, share: float) -> None:
    wait_for(lambda: system.counts()["taken"] >= COUNT * share, "the flow", within=120)


def finish(system: System, what: str, begun: float, ids: list[str]) -> Ledger:
    wait_for(lambda: moving(system) == 0, "rest", within=240, every=0.1)
    ledger = audit(system, CAMPAIGN, Told(ids))
    row = {
        "scenario": what, "messages": COUNT, "lost": ledger.gone, "homeless": ledger.homeless,
        "twice_allowed": ledger.twice_allowed, "twice_not_allowed": ledger.twice_not_allowed, "late": ledger.late,
        "in_doubt": ledger.in_doubt, "of_these_at_the_provider": ledger.in_doubt_taken,
        "seconds_to_heal": round(time.monotonic() - begun, 1),
    }  # fmt: skip
    report = Path("build/kill.jsonl")
    report.parent.mkdir(exist_ok=True)
    with report.open("a") as file:
        file.write(json.dumps(row) + "\n")
    return ledger


def check(ledger: Ledger, *, doubt: int) -> None:
    assert ledger.accepted == COUNT
    assert (ledger.gone, ledger.stuck) == (0, 0)
    assert ledger.twice_not_allowed == 0
    assert (ledger.late, ledger.at_night) == (0, 0)
    assert ledger.in_doubt <= doubt


@pytest.fixture
def system(tmp_path):
    with System(
        tmp_path, behaviour={"latency_ms": 100}, SMSQUEUE_SLOTS=str(SLOTS), SMSQUEUE_HINT_LEASE="10s"
    ) as running:
        yield running


def test_a_submit_worker_killed_in_mid_flight_leaves_in_doubt_what_it_had_on_the_wire(system):
    system.fleet.workers(dispatch=1, submit=2)
    ids = accept(system)
    under_way(system, 0.3)

    system.fleet.of("submit")[0].kill()
    begun = time.monotonic()
    system.fleet.workers(submit=1)

    check(finish(system, "kill -9 of a submit worker", begun, ids), doubt=SLOTS)


def test_a_dispatch_worker_killed_in_mid_flight_leaves_nothing_in_doubt(system):
    system.fleet.workers(dispatch=2, submit=1)
    ids = accept(system)
    under_way(system, 0.1)

    system.fleet.of("dispatch")[0].kill()

    check(finish(system, "kill -9 of a dispatch worker", time.monotonic(), ids), doubt=0)


def test_a_server_killed_in_mid_flight_comes_back_with_all_it_accepted(system):
    system.fleet.workers(dispatch=1, submit=2)
    ids = accept(system)
    under_way(system, 0.3)

    system.store_server.restart()

    check(finish(system, "kill -9 of the store's server", time.monotonic(), ids), doubt=SLOTS)


def test_a_broker_that_loses_everything_delays_and_loses_nothing(system):
    system.fleet.workers(dispatch=1, submit=1)
    ids = accept(system)
    under_way(system, 0.1)

    system.broker_server.restart()

    check(finish(system, "kill -9 of the broker, which forgets everything", time.monotonic(), ids), doubt=0)


def test_a_submit_worker_told_to_stop_finishes_its_calls_and_gives_back_the_rest(system):
    system.fleet.workers(dispatch=1, submit=2)
    ids = accept(system)
    under_way(system, 0.3)

    assert system.fleet.of("submit")[0].terminate() == 0

    check(finish(system, "SIGTERM of a submit worker", time.monotonic(), ids), doubt=0)
