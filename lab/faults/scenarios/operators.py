"""What people do: cancel, pause, damage what lies in the store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lab.faults.scenario import Scenario
from lab.faults.traffic import superseding
from lab.ledger import Stop
from lab.waiting import wait_for
from smsqueue.store import pauses

if TYPE_CHECKING:
    from lab.faults.trial import Trial

TRIES = 10


def _poison(trial: Trial) -> None:
    """Write nonsense into envelopes: whoever decides about them fails."""
    trial.under_way(0.1)
    store = trial.system.client.store
    trial.broken = trial.ids[-3:]
    for id in trial.broken:
        store.redis.hset(store.keys.envelope(id), "cr", "nonsense")


def _cancel(trial: Trial) -> None:
    trial.under_way(0.2)
    trial.expect(any(_cancelled(trial) for _ in range(TRIES)), "something is cancelled in time")


def _cancelled(trial: Trial) -> bool:
    """Cancel all that was accepted, right after some more was; says whether some of it was still there."""
    before = len(trial.ids)
    wait_for(lambda: len(trial.ids) > before or not trial.producer.running, "more messages", every=0.001)
    ids = list(trial.ids)
    answers = trial.system.client.cancel(ids)
    follow, at = {"cancelled": 0, "stopping": 1}, time.time()
    trial.stops += [Stop(id, at, follow[a]) for id, a in zip(ids, answers, strict=True) if a in follow]
    return "cancelled" in answers


def _pause_and_resume(trial: Trial) -> None:
    def once() -> None:
        pauses.pause(trial.system.client.store, "lane", "service")
        trial.pause(1)
        pauses.resume(trial.system.client.store, "lane", "service")

    trial.again_and_again(2, once)


def _nothing(trial: Trial) -> None:
    trial.under_way(0.3)


OPERATORS = (
    Scenario("envelopes that crash whoever decides", _poison, settings={"SMSQUEUE_HINT_LEASE": "1s"}),
    Scenario("all cancelled in mid-flight", _cancel, never=frozenset({"evening", "meddled"})),
    Scenario("newer messages take the place of older ones", _nothing, traffic=superseding, lasts=3),
    Scenario("paused and resumed, twice", _pause_and_resume),
)
