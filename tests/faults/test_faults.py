"""A short run of what `make faults` runs long: whatever goes wrong, the promises hold."""

from __future__ import annotations

import os

import pytest

from lab.faults.__main__ import attempt
from lab.faults.scenarios import SCENARIOS

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("SMSQUEUE_FAULT_MESSAGES", "400"))
SEED = 1
LONG = {"submit told to stop, twice", "dispatch told to stop, twice", "broker's connections half open"}
"""They wait for leases and time limits: `make faults` has them."""

AT_NINE = {
    "submit killed, three times",
    "submit frozen beyond its leases",
    "store killed, three times",
    "store's connections half open",
    "provider limits 10 %",
    "paused and resumed, twice",
}


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.name not in LONG], ids=lambda scenario: scenario.name)
def test_promises_hold_when(scenario, tmp_path):
    row = attempt(scenario, tmp_path, count=COUNT, seed=SEED)

    assert row.kept, row
    assert row.found_by_audit == 0, row
    assert row.messages == COUNT


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.name in AT_NINE], ids=lambda scenario: scenario.name)
def test_nothing_goes_late_or_at_night_when_the_clock_strikes_nine_while(scenario, tmp_path):
    row = attempt(scenario, tmp_path, count=COUNT, seed=SEED, evening=True)

    assert row.kept, row
    assert row.found_by_audit == 0, row
