"""The fate of a backlog at a given rate: by table, and beside a simulation that sends one message at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsqueue.core.backlog import Fate, Slice, fate


@pytest.mark.parametrize(
    ("slices", "rate", "expected"),
    [
        pytest.param([], 10.0, Fate(0, 0, 0.0), id="nothing waits"),
        pytest.param([Slice(100, 60)], 10.0, Fate(100, 0, 10.0), id="all in time"),
        pytest.param([Slice(100, 5)], 10.0, Fate(50, 50, 5.0), id="half of it"),
        pytest.param([Slice(100, -1)], 10.0, Fate(0, 100, 0.0), id="all too late already, which takes no time"),
        pytest.param([Slice(100, 60)], 0.0, Fate(0, 100, None), id="nothing moves"),
        pytest.param([Slice(10, 100), Slice(10, 1)], 10.0, Fate(20, 0, 2.0), id="the urgent ones first"),
        pytest.param([Slice(100, 5), Slice(50, 60)], 10.0, Fate(100, 50, 10.0), id="what expires makes room"),
    ],
)
def test_fate(slices, rate, expected):
    assert fate(slices, rate) == expected


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(-5, 40)), max_size=8),
    st.sampled_from([1.0, 2.0, 4.0]),
)
def test_fate_is_what_sending_one_after_the_other_comes_to(parts, rate):
    now, sent, expired = 0.0, 0, 0
    for count, deadline in sorted(parts, key=lambda part: part[1]):
        for _ in range(count):
            if now + 1 / rate <= deadline:
                now, sent = now + 1 / rate, sent + 1
            else:
                expired += 1

    assert fate([Slice(*part) for part in parts], rate) == Fate(sent, expired, now)
