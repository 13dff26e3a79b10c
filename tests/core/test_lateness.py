"""Late receipts: what is counted as late, and what only looks like it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from smsqueue import policy_file
from smsqueue.core import policy as policies
from smsqueue.core.lateness import Lateness, lateness

LATE, QUIET = Lateness


@pytest.fixture(scope="module")
def shipped():
    return policies.read(policy_file.document(None))


def london(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 24, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("category", "region", "at", "expected"),
    [
        pytest.param("service", "GB", london(15, 59, 59), (), id="in time, by day"),
        pytest.param("service", "GB", london(16), (), id="at its deadline"),
        pytest.param("service", "GB", london(16, 0, 1), (LATE,), id="a second after"),
        pytest.param("service", "GB", london(20, 59, 59), (LATE,), id="before nine in the evening"),
        pytest.param("service", "GB", london(21), (LATE, QUIET), id="from nine on it is quiet, guard or not"),
        pytest.param("service", "GB", london(7, 59, 59), (QUIET,), id="too early"),
        pytest.param("service", "GB", london(8), (), id="from eight on it is not quiet, guard or not"),
        pytest.param("promotional", "GB", london(20), (LATE, QUIET), id="the law's hours"),
        pytest.param("otp", "GB", london(23), (LATE,), id="what keeps no hours is late alone"),
        pytest.param("service", "001", london(23), (LATE,), id="nobody knows whether it is quiet there"),
        pytest.param("gone", "GB", london(20), (LATE, QUIET), id="a category that was removed: as promotion"),
    ],
)
def test_what_is_late(shipped, envelope, category, region, at, expected):
    there = envelope(category=category, region=region, deadline=london(12) + timedelta(hours=4))

    assert lateness(there, shipped, at) == expected
