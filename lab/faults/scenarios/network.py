"""What happens on the way to a server or provider: cut, half open, refused, slow, and answers that are lost."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lab.faults.scenario import Scenario
from lab.system import POLICY
from smsqueue import policy_file
from smsqueue.store import pauses
from smsqueue.store.audit import audit
from smsqueue.store.script import Script
from smsqueue.store.store import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.faults.trial import Trial

STORE, BROKER, PROVIDER = "to_store", "to_broker", "to_provider"
TOO_LATE = 2.5
"""Seconds by which an answer is late: more than a call's time limit in a trial."""
TRIES = 20
RECOVERY = frozenset({"recover", "leap"})
"""Scripts whose answers are lost where they are called: see store.py."""


def _cut(which: str) -> Callable[[Trial], None]:
    return lambda trial: trial.again_and_again(4, getattr(trial, which).cut)


def _silence(which: str, seconds: float) -> Callable[[Trial], None]:
    def go(trial: Trial) -> None:
        trial.under_way(0.2)
        proxy = getattr(trial, which)
        proxy.silence()
        trial.pause(seconds)
        proxy.cut()
        proxy.speak()

    return go


def _refuse(which: str, seconds: float) -> Callable[[Trial], None]:
    def go(trial: Trial) -> None:
        trial.under_way(0.2)
        proxy = getattr(trial, which)
        proxy.refuse(refusing=True)
        trial.pause(seconds)
        proxy.refuse(refusing=False)

    return go


def _slow_store(trial: Trial) -> None:
    trial.under_way(0.2)
    trial.to_store.slow_down(0.2)
    trial.pause(3)
    trial.to_store.slow_down(0)


def _late_answers(trial: Trial) -> None:
    trial.under_way(0.2)
    trial.to_provider.slow_down(TOO_LATE, answers_only=True)
    trial.pause(4)
    trial.to_provider.slow_down(0)


def _lose_answers(trial: Trial) -> None:
    """Lose the answer to each script once: redis-py repeats it, and the second run has to answer as the first did."""
    store = trial.client.store
    causes: dict[str, Callable[[], object]] = {
        "stop": lambda: trial.client.cancel(trial.ids[-3:]),
        "pause": lambda: _pause_and_resume(trial),
        "release": lambda: _pause_and_resume(trial),
        "relook": lambda: _new_policy(trial),
        "audit": lambda: audit(store),
        "door": lambda: store.close_door(["promotional"], lasts=timedelta(seconds=1)),
        "throttle": lambda: _misbehaving(trial, "throttle"),
        "health": lambda: _misbehaving(trial, "take_and_drop"),
        "give_back": lambda: _misbehaving(trial, "throttle"),
    }
    trial.under_way(0.05)
    names = [name for name in SCRIPTS if name not in RECOVERY]
    trial.chance.shuffle(names)
    for name in names:
        lost = trial.to_store.lose_answer(Script(name).sha.encode())
        for _ in range(TRIES):
            causes.get(name, lambda: trial.producer.send_more(5))()
            if lost.wait(1):
                break
        trial.expect(lost.is_set(), f"the answer to {name} is lost")


def _pause_and_resume(trial: Trial) -> None:
    pauses.pause(trial.client.store, "tenant", "nobody")
    pauses.resume(trial.client.store, "tenant", "nobody")


def _misbehaving(trial: Trial, act: str) -> None:
    """Let the provider ask for patience, or lose answers, while much is on its way to it."""
    trial.system.configure(shares={act: 0.3})
    trial.producer.send_more(60)
    trial.system.configure(shares={})


def _new_policy(trial: Trial) -> None:
    """Publish a policy that differs in what no message of a trial is asked for."""
    document = policy_file.document(POLICY)
    document["categories"]["bulk"]["max_segments"] = trial.chance.randint(1, 5)
    trial.system.client.store.policies.publish(document)


NETWORK = (
    Scenario("store's connections cut, four times", _cut(STORE)),
    Scenario("store's connections half open", _silence(STORE, 5)),
    Scenario("store refuses connections", _refuse(STORE, 3)),
    Scenario("store answers slowly", _slow_store),
    Scenario("each script's answer lost once", _lose_answers, lasts=10, never=frozenset({"evening"})),
    Scenario("broker's connections cut, four times", _cut(BROKER)),
    Scenario("broker's connections half open", _silence(BROKER, 12)),
    Scenario("provider's connections cut, four times", _cut(PROVIDER)),
    Scenario("provider's connections half open", _silence(PROVIDER, 4)),
    Scenario("provider refuses connections", _refuse(PROVIDER, 1)),
    Scenario("provider's answers come after the time limit", _late_answers),
)
