"""What can go wrong. Each scenario is a function that lets it go wrong while messages flow."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from redis import Redis

from smsqueue.store import pauses
from smsqueue.store.recovery import recover
from workers.celery_app import KEY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.faults.trial import Trial


@dataclass(frozen=True)
class Scenario:
    """One thing that goes wrong, and how the stand-in behaves meanwhile."""

    name: str
    go: Callable[[Trial], None]
    behaviour: dict[str, Any] = field(default_factory=dict)


def _kill(role: str) -> Callable[[Trial], None]:
    def go(trial: Trial) -> None:
        def once() -> None:
            alive = [p for p in trial.system.fleet.of(role) if p.exit_status is None]
            trial.chance.choice(alive).kill()
            trial.system.fleet.workers(**{role: 1})

        trial.again_and_again(3, once)

    return go


def _terminate(role: str) -> Callable[[Trial], None]:
    def go(trial: Trial) -> None:
        def once() -> None:
            alive = [p for p in trial.system.fleet.of(role) if p.exit_status is None]
            trial.system.fleet.workers(**{role: 1})
            trial.chance.choice(alive).terminate()

        trial.again_and_again(2, once)

    return go


def _freeze(role: str, seconds: float) -> Callable[[Trial], None]:
    def go(trial: Trial) -> None:
        trial.under_way(0.2)
        victim = trial.chance.choice(trial.system.fleet.of(role))
        victim.freeze()
        trial.pause(seconds)
        victim.thaw()

    return go


def _restart_store(trial: Trial) -> None:
    trial.again_and_again(3, trial.system.store_server.restart)


def _freeze_store(trial: Trial) -> None:
    def once() -> None:
        trial.system.store_server.freeze()
        trial.pause(2.5)
        trial.system.store_server.thaw()

    trial.again_and_again(2, once)


def _fill_store(trial: Trial) -> None:
    trial.under_way(0.2)
    redis = trial.system.client.store.redis
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"]))
    trial.pause(4)
    redis.config_set("maxmemory", 0)


def _forget_scripts(trial: Trial) -> None:
    trial.again_and_again(5, trial.forget_scripts)


def _empty_broker(trial: Trial) -> None:
    def once() -> None:
        with Redis.from_url(trial.system.broker_server.url) as broker:
            broker.flushall()

    trial.again_and_again(3, once)


def _restart_broker(trial: Trial) -> None:
    trial.again_and_again(2, trial.system.broker_server.restart)


def _lose_power(trial: Trial) -> None:
    """Cut the append-only file where it was when the server last answered, and start on that."""
    trial.under_way(0.3)
    store = trial.system.store_server
    store.freeze()  # it has answered nothing that is not on disk: what comes after the last fsync is lost
    store.lose_power()


def _roll_back(trial: Trial) -> None:
    """Restore a copy of a second ago, and recover."""
    trial.under_way(0.2)
    store = trial.system.store_server
    backup = trial.system.directory / "backup"
    store.back_up(backup)
    trial.pause(1)
    store.roll_back(backup)
    trial.pause(1)  # everybody refuses it now
    recover(trial.system.client.store)
    trial.forgive_lost()


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


def _refuse_store(trial: Trial) -> None:
    trial.under_way(0.2)
    trial.to_store.refuse(refusing=True)
    trial.pause(3)
    trial.to_store.refuse(refusing=False)


def _slow_store(trial: Trial) -> None:
    trial.under_way(0.2)
    trial.to_store.slow_down(0.2)
    trial.pause(3)
    trial.to_store.slow_down(0)


def _nothing(trial: Trial) -> None:
    trial.under_way(0.1)


def _kill_simulator(trial: Trial) -> None:
    trial.under_way(0.2)
    trial.system.configure(latency_ms=5000)
    trial.pause(4)
    trial.system.configure(latency_ms=30)


def _forge(trial: Trial) -> None:
    """Push garbage and forged tasks into the Celery queues."""
    trial.under_way(0.1)
    body = json.dumps([["not", "ids"], {}, {}])
    for queue in ("dispatch.otp", "dispatch.service", "submit.twilio.service"):
        with Redis.from_url(trial.system.broker_server.url) as broker:
            for element in ("{", "[]", json.dumps({"body": body}), json.dumps({"no": "headers"})):
                broker.lpush(f"{KEY_PREFIX}{queue}", element)


def _poison(trial: Trial) -> None:
    """Write nonsense into envelopes: whoever decides about them fails."""
    trial.under_way(0.1)
    store = trial.system.client.store
    trial.poisoned = trial.ids[-3:]
    for id in trial.poisoned:
        store.redis.hset(store.keys.envelope(id), "cr", "nonsense")


def _cancel(trial: Trial) -> None:
    trial.under_way(0.2)
    trial.system.client.cancel(list(trial.ids))


def _pause_and_resume(trial: Trial) -> None:
    def once() -> None:
        pauses.pause(trial.system.client.store, "lane", "service")
        trial.pause(1)
        pauses.resume(trial.system.client.store, "lane", "service")

    trial.again_and_again(2, once)


NONSENSE = {"shares": dict.fromkeys(("not_json", "cut_short", "html_502"), 0.03)}

SCENARIOS = (
    Scenario("submit killed, three times", _kill("submit")),
    Scenario("dispatch killed, three times", _kill("dispatch")),
    Scenario("submit told to stop, twice", _terminate("submit")),
    Scenario("dispatch told to stop, twice", _terminate("dispatch")),
    Scenario("submit frozen beyond its leases", _freeze("submit", 7)),
    Scenario("dispatch frozen beyond its leases", _freeze("dispatch", 7)),
    Scenario("store killed, three times", _restart_store),
    Scenario("store frozen, twice", _freeze_store),
    Scenario("store out of memory", _fill_store),
    Scenario("store loses its scripts", _forget_scripts),
    Scenario("store loses power", _lose_power),
    Scenario("store rolled back a second, and recovered", _roll_back),
    Scenario("broker emptied, three times", _empty_broker),
    Scenario("broker killed and empty, twice", _restart_broker),
    Scenario("store's connections cut, four times", _cut("to_store")),
    Scenario("store's connections half open", _silence("to_store", 6)),
    Scenario("store refuses connections", _refuse_store),
    Scenario("store answers slowly", _slow_store),
    Scenario("broker's connections half open", _silence("to_broker", 6)),
    Scenario("provider drops 5 % after taking", _nothing, {"shares": {"take_and_drop": 0.05}}),
    Scenario("provider limits 10 %", _nothing, {"shares": {"throttle": 0.1}}),
    Scenario(
        "provider answers nonsense", _nothing, {"shares": {"not_json": 0.03, "cut_short": 0.03, "html_502": 0.03}}
    ),
    Scenario("provider hangs, then answers late", _kill_simulator),
    Scenario("garbage and forged tasks", _forge),
    Scenario("envelopes that crash whoever decides", _poison),
    Scenario("all cancelled in mid-flight", _cancel),
    Scenario("paused and resumed, twice", _pause_and_resume),
)

NEVER_AT_NINE = {"store rolled back a second, and recovered", "all cancelled in mid-flight"}
"""With the first the store forgets how its clock was moved; with the second nothing is left that nine could hold."""
