"""What a provider does: drops, limits, lies, hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.faults.scenario import Scenario
from lab.waiting import wait_for

if TYPE_CHECKING:
    from lab.faults.trial import Trial

SENDER = "+12025550100"
PROBES = 4
"""In eight seconds, once they are four and more apart; the calls before are over by then."""


def _nothing(trial: Trial) -> None:
    trial.under_way(0.1)


def _hang(trial: Trial) -> None:
    trial.under_way(0.2)
    trial.system.configure(latency_ms=5000)
    trial.pause(4)
    trial.system.configure(latency_ms=30)


def _hang_altogether(trial: Trial) -> None:
    """Answer nothing for a while: what was under way is in doubt, and hardly anything besides."""
    trial.under_way(0.2)
    trial.system.configure(hanging=[SENDER])
    store = trial.system.client.store
    ailing = wait_for(lambda: store.redis.hexists(store.keys.health, "ask|twilio"), "bad ends", within=trial.patience)
    trial.pause(8)
    before = trial.states()["unknown"]
    trial.pause(8)
    trial.expect(ailing and trial.states()["unknown"] - before <= PROBES, "it is only probed")
    trial.system.configure(hanging=[])


PROVIDER = (
    Scenario("provider drops 5 % after taking", _nothing, {"shares": {"take_and_drop": 0.05}}),
    Scenario("provider limits 10 %", _nothing, {"shares": {"throttle": 0.1}}, most=5_000),  # all wait each time
    Scenario(
        "provider answers nonsense", _nothing, {"shares": dict.fromkeys(("not_json", "cut_short", "html_502"), 0.03)}
    ),
    Scenario("provider hangs, then answers late", _hang),
    Scenario("provider answers nothing for a while", _hang_altogether),
)
