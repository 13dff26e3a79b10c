"""`make drill`, short: a lost store is restored, recovered and goes on, and nothing is sent a second time."""

from __future__ import annotations

import pytest

from lab.drill import drill

pytestmark = pytest.mark.slow
COUNT = 40


def test_a_drill_comes_to_its_end_and_shows_what_a_person_should_see(tmp_path, capsys):
    ledger = drill(tmp_path, COUNT)
    shown = capsys.readouterr().out

    assert (ledger.gone, ledger.stuck, ledger.twice_not_allowed, ledger.late) == (0, 0, 0, 0)
    assert ledger.states["held"] == COUNT // 10  # what sleeps until later is still to come
    for line in (
        "/readyz: 503, wrong: store",
        "/readyz: 503, wrong: recovery",
        "a producer is told: The store knows less than was seen of it",
        "$ smsqueue recover --yes",
        "0 without a home, 0 orphans, 0 strays",
        "/readyz: 200, wrong: nothing",
        f"{COUNT} messages are forgotten",
    ):
        assert line in shown
