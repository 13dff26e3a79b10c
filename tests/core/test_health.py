"""What a row of ends says about a provider."""

from __future__ import annotations

import pytest

from smsqueue.core.health import Ends, ends
from smsqueue.core.submission import SendStatus


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param("", Ends(well=False, bad=0), id="no calls say nothing"),
        pytest.param("accepted", Ends(well=True, bad=0), id="taken"),
        pytest.param("unknown", Ends(well=False, bad=1), id="an answer was lost"),
        pytest.param("unavailable", Ends(well=False, bad=1), id="it could not be reached"),
        pytest.param("unknown unavailable unknown", Ends(well=False, bad=3), id="three in a row"),
        pytest.param("unknown accepted", Ends(well=True, bad=0), id="it answered after all"),
        pytest.param("unknown accepted unknown unknown", Ends(well=True, bad=2), id="two since it last answered"),
        pytest.param("accepted unknown rejected unavailable", Ends(well=True, bad=1), id="one since"),
    ],
)
def test_only_what_came_since_the_last_answer_counts(row, expected):
    assert ends(SendStatus(status) for status in row.split()) == expected


@pytest.mark.parametrize("status", sorted(set(SendStatus) - {SendStatus.UNKNOWN, SendStatus.UNAVAILABLE}))
def test_a_refusal_is_an_answer(status):
    assert ends([SendStatus.UNKNOWN, status]) == Ends(well=True, bad=0)
