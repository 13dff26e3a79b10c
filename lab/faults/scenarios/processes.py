"""What happens to workers: killed, told to stop, frozen, and on machines whose clock is wrong."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lab.faults.scenario import Scenario
from lab.faults.traffic import ALIVE, by_day
from lab.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.faults.trial import Trial
    from lab.processes import Process

TEN_MINUTES = 600
SKEWED = "clock.skewed"


def _alive(trial: Trial, role: str) -> Process:
    return trial.chance.choice([p for p in trial.system.fleet.of(role) if p.exit_status is None])


def _kill(role: str) -> Callable[[Trial], None]:
    def go(trial: Trial) -> None:
        def once() -> None:
            _alive(trial, role).kill()
            trial.system.fleet.workers(**{role: 1})

        trial.again_and_again(3, once)

    return go


def _terminate(role: str) -> Callable[[Trial], None]:
    def go(trial: Trial) -> None:
        def once() -> None:
            victim = _alive(trial, role)
            trial.system.fleet.workers(**{role: 1})
            trial.expect(victim.terminate() == 0, f"{role} ends as asked")

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


def _kill_web(trial: Trial) -> None:
    """Kill who takes the receipts; providers repeat those that found nobody."""
    system = trial.system

    def once() -> None:
        for process in system.fleet.of("web"):
            process.kill()
        trial.pause(0.3)
        system.fleet.run("web").wait_until(lambda: system.web_answers("/livez"))

    once()
    trial.again_and_again(3, once)
    wait_for(lambda: trial.at_rest() and not trial.states()["submitted"], "receipts", within=trial.patience)
    trial.expect(trial.states()["delivered"], "receipts arrive")


def _wrong_clocks(trial: Trial) -> None:
    """Let only workers submit whose clocks are wrong: what keeps quiet hours has to wait for others."""
    fleet = trial.system.fleet
    wrong = [_skewed(trial, "submit", by) for by in (TEN_MINUTES, -TEN_MINUTES)]
    wrong.append(_skewed(trial, "dispatch", -TEN_MINUTES))
    for process in wrong:
        process.wait_for_text("worker.ready")
    trial.under_way(0.4)  # the other half: it may go at any hour
    for process in wrong[:2]:
        process.wait_for_text(SKEWED)
    at_any_hour = {person.number for person in ALIVE}
    early = sum(record["to"] not in at_any_hour for record in trial.system.received())
    trial.expect(not early, "workers with wrong clocks hold what keeps quiet hours")
    fleet.workers(submit=1)
    for process in wrong:
        process.terminate()


def _skewed(trial: Trial, role: str, by: int) -> Process:
    return trial.system.fleet.run(role, [sys.executable, "-m", "lab.faults.skewed", str(by), role])


PROCESSES = (
    Scenario("submit killed, three times", _kill("submit")),
    Scenario("dispatch killed, three times", _kill("dispatch")),
    Scenario(
        "web killed, three times, with receipts", _kill_web,
        behaviour={"callbacks": True, "callback_tries": 30}, lasts=4, most=20_000,
    ),
    Scenario("submit told to stop, twice", _terminate("submit")),
    Scenario("dispatch told to stop, twice", _terminate("dispatch")),
    Scenario("submit frozen beyond its leases", _freeze("submit", 5), frozen=5),
    Scenario("dispatch frozen beyond its leases", _freeze("dispatch", 5)),
    Scenario(
        "workers' clocks ten minutes off, either way", _wrong_clocks,
        traffic=by_day, submit=0, never=frozenset({"evening", "meddled"}),
    ),
)  # fmt: skip
