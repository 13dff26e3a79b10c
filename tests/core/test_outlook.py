"""Outlook: what would become of a message to a place, and why, before there is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from smsqueue import policy_file
from smsqueue.core import policy as policies
from smsqueue.core import zones
from smsqueue.core.outlook import WINDOWS, Window, outlook
from smsqueue.core.places import Origin
from smsqueue.core.states import Reason


@pytest.fixture(scope="module")
def shipped():
    return policies.read(policy_file.document(None))


def utc(*fields: int) -> datetime:
    return datetime(2026, *fields, tzinfo=UTC)


EVENING = utc(11, 24, 22)


@pytest.mark.parametrize(
    ("region", "noted", "category", "at", "expected"),
    [
        pytest.param(
            "US-FL", "~A/New_York,A/Chicago", "promotional", EVENING,
            (Origin.PREFIX, 3, Reason.NONE, EVENING, utc(11, 25, 0, 59)),
            id="Florida at five in the afternoon: until eight in New York, with the late cutoff",
        ),
        pytest.param(
            "US-FL", "~A/New_York,A/Chicago", "promotional", utc(11, 25, 0, 30),
            (Origin.PREFIX, 3, Reason.QUIET_HOURS, utc(11, 25, 14, 1), utc(11, 26, 0, 30)),
            id="Florida at half past seven: it is eight o'clock in Chicago first",
        ),
        pytest.param(
            "RU", "", "promotional", EVENING,
            (Origin.COUNTRY, None, Reason.QUIET_HOURS, utc(11, 25, 7, 1), utc(11, 25, 9, 59)),
            id="Russia: three hours",
        ),
        pytest.param(
            "FR", "", "service", EVENING, (Origin.COUNTRY, None, Reason.TTL_BEFORE_WINDOW, None, None),
            id="four hours of validity end before the morning of France",
        ),
        pytest.param(
            "FR", "", "otp", EVENING, (Origin.NOBODY, None, Reason.NONE, EVENING, EVENING + timedelta(minutes=5)),
            id="a one-time code at any hour",
        ),
        pytest.param(
            "001", "", "service", EVENING, (Origin.NOBODY, None, Reason.NO_WINDOW, None, None),
            id="a number of no country",
        ),
    ],
)  # fmt: skip
def test_what_would_become_of_a_message(shipped, region, noted, category, at, expected):
    found = outlook(region, noted, category, shipped, at)

    assert (found.origin, found.cap, found.reason, found.goes, found.valid_until) == expected
    assert (found.policy, found.category, found.region) == (shipped.version, category, region)
    assert found.spread == (timedelta(minutes=30) if found.reason is Reason.QUIET_HOURS else timedelta(0))
    assert (found.at, found.tzdata) == (at, zones.IANA_VERSION)


def test_a_window_has_its_opening_and_not_its_closing():
    window = Window(utc(11, 24, 8), utc(11, 24, 21))

    assert [window.has(at) for at in (utc(11, 24, 7, 59), window.opens, utc(11, 24, 20, 59), window.closes)] == [
        False,
        True,
        True,
        False,
    ]


def test_the_next_windows_are_listed_in_order_and_are_open(shipped):
    found = outlook("FR", "", "promotional", shipped, EVENING)

    assert len(found.windows) == WINDOWS == 7
    assert found.windows[0].opens == found.goes == utc(11, 25, 7, 31)
    for earlier, later in zip(found.windows, found.windows[1:], strict=False):
        assert earlier.opens < earlier.closes < later.opens
    assert not any(window.opens.weekday() == 6 for window in found.windows)


def test_rules_and_zones_are_told_with_their_source(shipped):
    found = outlook("US-FL", "~A/New_York,A/Chicago", "promotional", shipped, EVENING)

    assert [rule.id for rule in found.rules] == ["us", "us-fl"]
    assert all(rule.source and rule.date for rule in found.rules)
    assert found.zones == ("America/New_York", "America/Chicago")


@pytest.mark.parametrize(
    ("category", "rules", "zones"),
    [
        pytest.param("promotional", ["fr"], ("Europe/Paris",), id="the law's"),
        pytest.param("service", ["courtesy"], ("Europe/Paris",), id="the policy's own"),
        pytest.param("otp", [], (), id="none, wherever it goes"),
    ],
)
def test_the_rules_are_those_of_the_category(shipped, category, rules, zones):
    found = outlook("FR", "", category, shipped, EVENING)

    assert ([rule.id for rule in found.rules], found.zones) == (rules, zones)
    assert bool(found.windows) is bool(rules)


def test_a_window_that_is_open_is_listed_from_the_second_that_is_asked_about(shipped):
    now = utc(11, 24, 12).replace(microsecond=500_000)

    first = outlook("FR", "", "promotional", shipped, now).windows[0]

    assert (first.opens, first.has(now)) == (utc(11, 24, 12), True)


def test_hours_that_never_close_are_one_window_as_far_as_anybody_looks():
    document = policy_file.document(None)
    document["quiet"]["open"] = "24/7"

    found = outlook("FR", "", "service", policies.read(document), EVENING)

    assert found.windows == (Window(EVENING, EVENING + timedelta(days=40)),)
