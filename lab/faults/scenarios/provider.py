"""What a provider does: drops, limits, lies, hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.faults.scenario import Scenario

if TYPE_CHECKING:
    from lab.faults.trial import Trial


def _nothing(trial: Trial) -> None:
    trial.under_way(0.1)


def _hang(trial: Trial) -> None:
    trial.under_way(0.2)
    trial.system.configure(latency_ms=5000)
    trial.pause(4)
    trial.system.configure(latency_ms=30)


PROVIDER = (
    Scenario("provider drops 5 % after taking", _nothing, {"shares": {"take_and_drop": 0.05}}),
    Scenario("provider limits 10 %", _nothing, {"shares": {"throttle": 0.1}}),
    Scenario(
        "provider answers nonsense", _nothing, {"shares": dict.fromkeys(("not_json", "cut_short", "html_502"), 0.03)}
    ),
    Scenario("provider hangs, then answers late", _hang),
)
