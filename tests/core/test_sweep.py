"""A part of the sweep that `make sweep` does: every region, and another hour and minute each time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lab import sweep

STEP = timedelta(hours=37, minutes=50)


@pytest.mark.parametrize("letter", sorted({region[0] for region in sweep.regions()}))
def test_calendars_agree_with_the_clocks_of_every_region(letter):
    found = [sweep.sweep(region, step=STEP) for region in sweep.regions() if region[0] == letter]

    assert {one.region: one.different for one in found if one.different} == {}
    assert all(0 < one.open < one.instants for one in found)
