"""A short run of what `make faults` runs long: whatever goes wrong, the promises hold."""

from __future__ import annotations

import pytest

from lab.faults.scenarios import SCENARIOS

pytestmark = pytest.mark.slow

AT_NINE = {
    "submit killed, three times",
    "submit frozen beyond its leases",
    "store killed, three times",
    "store's connections half open",
    "provider hangs, then answers late",
    "provider limits 10 %",
    "paused and resumed, twice",
}
MEDDLED = {
    "dispatch frozen beyond its leases",
    "store killed, three times",
    "store's primary lost, with Sentinel",
    "provider drops 5 % after taking",
    "each script's answer lost once",
}
TRIALS = [
    pytest.param((scenario, mode), id=f"{scenario.name}{says}")
    for mode, says, chosen in (
        ("", "", {scenario.name for scenario in SCENARIOS}),
        ("evening", ", at nine", AT_NINE),
        ("meddled", ", while somebody cancels and pauses", MEDDLED),
    )
    for scenario in SCENARIOS
    if scenario.name in chosen
]


@pytest.mark.parametrize("trial", TRIALS)
def test_promises_hold_when(trial, rows):
    scenario, mode = trial
    if why := scenario.possible():
        pytest.skip(f"{scenario.name}: {why}")

    row = rows[scenario.name, mode].result()

    assert row.kept, " ".join(f"{name}={value}" for name, value in row._asdict().items())
    assert row.messages, row
