"""What happens to the store's server: killed, frozen, full, without power, rolled back, with a clock that jumps."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.faults.scenario import Scenario
from lab.faults.traffic import by_day
from lab.waiting import wait_for
from smsqueue.errors import StoreBehind
from smsqueue.store.recovery import recover
from smsqueue.store.script import Script

if TYPE_CHECKING:
    from lab.faults.trial import Trial
    from lab.power import Power

EVERYSEC = ("--appendfsync", "everysec")
ROOM = 100_000
"""Bytes that are left when the disk fills up."""
STEP = 8.0
"""Seconds by which the clock jumps: more than any lease of a trial."""
FORGETS = frozenset({"evening"})
"""A store that forgets something forgets how its clock was moved, too."""


def _restart(trial: Trial) -> None:
    trial.again_and_again(3, trial.system.store_server.restart)


def _freeze(trial: Trial) -> None:
    def once() -> None:
        trial.system.store_server.freeze()
        trial.pause(2.5)
        trial.system.store_server.thaw()

    trial.again_and_again(2, once)


def _fill_memory(trial: Trial) -> None:
    trial.under_way(0.2)
    redis = trial.system.client.store.redis
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"]))
    trial.pause(4)
    redis.config_set("maxmemory", 0)


def _fill_disk(trial: Trial) -> None:
    """With `appendfsync always` a server that cannot write ends; whoever watches over it starts it again, in vain."""
    trial.under_way(0.2)
    store = trial.system.store_server
    store.fill_disk(ROOM)
    wait_for(lambda: store.ended, "the server's end", within=trial.patience)
    for _ in range(2):
        store.start()
        store.fill_disk(0)
        wait_for(lambda: store.ended, "the server's end", within=trial.patience)
    store.start()


def _fill_disk_everysec(trial: Trial) -> None:
    """With everysec a server that cannot write refuses to, and goes on by itself when there is room again."""
    trial.under_way(0.2)
    store = trial.system.store_server
    store.fill_disk(ROOM)

    def refuses() -> bool:
        with trial.system.observer() as redis:
            return bool(redis.info("persistence")["aof_last_write_status"] != "ok")

    wait_for(refuses, "refused writes", within=trial.patience)
    trial.pause(2)
    store.fill_disk(None)


def _forget_scripts(trial: Trial) -> None:
    redis = trial.system.client.store.redis

    def once() -> None:
        redis.script_flush()

    trial.again_and_again(5, once)


def _lose_power(trial: Trial) -> None:
    """Nothing that was answered is gone: everybody goes on, and nobody has to recover anything."""
    power = _power(trial)

    def once() -> None:
        power.lose()

    trial.again_and_again(3, once)


def _lose_power_everysec(trial: Trial) -> None:
    """Lose a second: everybody refuses the server until somebody has run `recover`."""
    power = _power(trial)
    trial.under_way(0.3)
    power.note()
    trial.pause(1)
    trial.expect(power.lose(), "something is cut off")
    _recover(trial)


def _roll_back(trial: Trial) -> None:
    """Restore a copy of a second ago, and recover, though an answer of the recovery is lost."""
    trial.under_way(0.2)
    store = trial.system.store_server
    backup = trial.system.directory / "backup"
    store.back_up(backup)
    trial.pause(1)
    store.roll_back(backup)
    _recover(trial)


def _recover(trial: Trial) -> None:
    trial.expect(wait_for(lambda: _is_refused(trial), "refusal"), "the server is refused by who has seen more")
    trial.pause(1)
    lost = [trial.to_store.lose_answer(Script(name).sha.encode()) for name in ("recover", "leap")]
    recover(trial.client.store)
    trial.expect(lost[1].is_set(), "an answer of the recovery is lost")
    trial.forgive_forgotten()


def _is_refused(trial: Trial) -> bool:
    with contextlib.suppress(StoreBehind):
        trial.client.store.greet()
        return False
    return True


def _step_clock(trial: Trial) -> None:
    """Ten minutes back: who keeps quiet hours waits. Then back and forth, by more than any lease."""
    trial.under_way(0.15)
    before = trial.taken()
    trial.set_clock(timedelta(minutes=-10))
    for worker in trial.system.fleet.of("submit"):
        worker.wait_for_text("clock.skewed")
    wait_for(lambda: trial.taken() > before + 10, "the flow of what may go at any hour", within=30)
    trial.set_clock(timedelta(0))
    for _ in range(4):
        trial.pause(0.5)
        trial.set_clock(timedelta(seconds=trial.chance.uniform(-STEP, STEP)))
    trial.set_clock(timedelta(seconds=STEP))  # what sleeps by the clock at its latest wakes at once
    trial.pause(1)
    store = trial.system.client.store
    store.redis.delete(store.keys.clock)


def _fail_over(trial: Trial) -> None:
    """Lose the primary for good; the replica takes over, and the lost one comes back as its replica."""
    servers = trial.system.replicated
    if servers is None:
        raise ValueError("this scenario needs a store with a replica")
    trial.under_way(0.3)
    servers.primary.kill()
    wait_for(lambda: servers.master_port() == servers.replica.port, "the failover", within=60)
    servers.come_back()


def _power(trial: Trial) -> Power:
    if trial.power is None:
        raise ValueError("this scenario has to say that it takes the power away")
    return trial.power


STORE = (
    Scenario("store killed, three times", _restart),
    Scenario("store frozen, twice", _freeze),
    Scenario("store out of memory", _fill_memory),
    Scenario("store's disk full", _fill_disk, most=20_000),
    Scenario("store's disk full, with everysec", _fill_disk_everysec, options=EVERYSEC),
    Scenario("store loses its scripts", _forget_scripts),
    Scenario("store loses power, three times", _lose_power, power=True),
    Scenario(
        "store loses power with everysec, and is recovered", _lose_power_everysec,
        options=EVERYSEC, power=True, lasts=5, never=FORGETS,
    ),
    Scenario("store rolled back a second, and recovered", _roll_back, lasts=5, never=FORGETS),
    Scenario(
        "store's clock stepped, back and forth", _step_clock,
        traffic=by_day, lasts=6, never=frozenset({"evening", "meddled"}),
    ),
    Scenario("store's primary lost, with Sentinel", _fail_over, replicated=True, lasts=8, pace=500, never=FORGETS),
)  # fmt: skip
