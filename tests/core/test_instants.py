"""From a message's instants, which have fractions of seconds, to whole seconds and back: never before, never after."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from smsqueue.core import policy as policies
from smsqueue.core.outcome import End, Hold
from smsqueue.core.rules.hours import hours, is_quiet
from smsqueue.core.states import Reason, State

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PART = timedelta(milliseconds=700)
OPENS = timedelta(hours=20, minutes=1)  # after noon: one minute past eight in London


def test_a_validity_ends_on_a_whole_second_and_not_after_the_deadline(envelope, policy, noon):
    message = envelope(deadline=noon + 10 * MINUTE + PART)

    assert hours(message, policy(quiet="off"), noon) == noon + 10 * MINUTE
    assert hours(message, policy(), noon) == noon + 10 * MINUTE


def test_less_than_the_least_validity_is_left_by_a_part_of_a_second(envelope, policy, noon):
    message = envelope(deadline=noon + 5 * MINUTE + PART)

    assert hours(message, policy(quiet="off"), noon) == noon + 5 * MINUTE
    assert hours(message, policy(quiet="off"), noon + SECOND) == End(State.EXPIRED, Reason.TTL_TOO_SHORT)


@pytest.mark.parametrize(
    ("start", "now", "expected"),
    [
        pytest.param(HOUR, timedelta(0), Hold(HOUR, Reason.SCHEDULED), id="an instant of whole seconds"),
        pytest.param(
            HOUR + PART, timedelta(0), Hold(HOUR + SECOND, Reason.SCHEDULED), id="one with a part: not before"
        ),
        pytest.param(PART, PART, Hold(SECOND, Reason.SCHEDULED), id="this very instant, which began a part ago"),
        pytest.param(timedelta(0), timedelta(0), None, id="this very instant"),
        pytest.param(-HOUR, timedelta(0), None, id="long ago"),
        pytest.param(9 * HOUR, timedelta(0), Hold(OPENS, Reason.QUIET_HOURS), id="a quiet instant"),
        pytest.param(OPENS, timedelta(0), Hold(OPENS, Reason.SCHEDULED), id="the opening itself"),
        pytest.param(OPENS - PART, timedelta(0), Hold(OPENS, Reason.SCHEDULED), id="a part of a second before it"),
        pytest.param(OPENS - SECOND, timedelta(0), Hold(OPENS, Reason.QUIET_HOURS), id="a second before it"),
        pytest.param(-HOUR, 9 * HOUR, Hold(OPENS, Reason.QUIET_HOURS), id="long ago, and it is night"),
    ],
)
def test_never_before_the_instant_that_the_producer_asked_for(envelope, policy, noon, start, now, expected):
    message = envelope(not_before=noon + start, deadline=noon + 23 * HOUR)

    got = hours(message, policy(), noon + now)

    assert got == (Hold(noon + expected.until, expected.reason) if expected else noon + 9 * HOUR - MINUTE)


@pytest.mark.parametrize(
    ("id", "seconds"),  # its CRC-32 as a part of half an hour
    [
        pytest.param("", 0, id="none: the first of all"),
        pytest.param("00AbCdEfGhIjKlMnOp", 0x13D63C55 * 1800 // 2**32, id="one"),
        pytest.param("00zzzzzzzzzzzzzzzz", 0xDDD8123D * 1800 // 2**32, id="another"),
    ],
)
def test_a_message_has_its_place_in_the_morning_by_its_id(envelope, policy, noon, id, seconds):
    message = envelope(id=id, deadline=noon + 23 * HOUR)

    got = hours(message, policy(spread="30m"), noon + 10 * HOUR)

    assert got == Hold(noon + OPENS + seconds * SECOND, Reason.QUIET_HOURS)


def test_places_in_the_morning_are_even_over_all_ids(envelope, policy, noon):
    rules, tenths = policy(spread="10m"), [0] * 10
    for number in range(1000):
        message = envelope(id=f"00{number:016}", deadline=noon + 23 * HOUR)
        tenths[(hours(message, rules, noon + 10 * HOUR).until - noon - OPENS) // MINUTE] += 1

    assert min(tenths) > 60


@pytest.mark.parametrize(
    ("after", "quiet"),
    [
        pytest.param(timedelta(0), False, id="noon"),
        pytest.param(9 * HOUR - SECOND, False, id="the last second before nine"),
        pytest.param(9 * HOUR, True, id="nine"),
        pytest.param(9 * HOUR + MINUTE, True, id="a minute past nine"),
        pytest.param(14 * HOUR, True, id="two at night"),
        pytest.param(OPENS - MINUTE - SECOND, True, id="the last second before eight"),
        pytest.param(OPENS - MINUTE, False, id="eight"),
    ],
)
def test_what_was_delivered_in_the_night_surely_was_quiet(envelope, policy, noon, after, quiet):
    assert is_quiet(envelope(), policy(), noon + after) is quiet
    assert is_quiet(envelope(), policy(quiet="off"), noon + after) is False
    assert is_quiet(envelope(region="001"), policy(), noon + after) is False


def test_not_even_the_last_second_of_three_minutes_is_quiet(envelope, policy, noon):
    document = policy(min_validity="30s").model_dump(mode="json")
    rules = policies.read({**document, "quiet": {"open": "Mo-Su 08:00-08:03", "guard": "60s"}})

    assert isinstance(hours(envelope(), rules, noon - 4 * HOUR + 90 * SECOND), datetime)
    assert not is_quiet(envelope(), rules, noon - 4 * HOUR + 119 * SECOND)


def test_where_nobody_knows_it_never_goes_unless_its_category_goes_at_any_hour(envelope, policy, noon):
    assert hours(envelope(region="001"), policy(), noon) == End(State.EXPIRED, Reason.NO_WINDOW)
    assert hours(envelope(region="001"), policy(quiet="off"), noon) == noon + 4 * HOUR


def test_a_category_without_quiet_hours_goes_at_night(envelope, policy, noon):
    message = envelope(deadline=noon + 12 * HOUR)

    assert hours(message, policy(quiet="off"), noon + 10 * HOUR) == noon + 12 * HOUR


@pytest.mark.parametrize(
    ("reach", "goes"),
    [
        pytest.param((), False, id="both keep messages in queues of their own"),
        pytest.param(("second",), True, id="one of them hands the validity on"),
        pytest.param(("first", "second"), True, id="both do"),
    ],
)
def test_the_cut_off_holds_if_no_provider_hands_the_validity_on(envelope, policy, noon, reach, goes):
    rules = policy(late_cutoff="1h", providers={name: {"reaches_carrier": True} for name in reach})
    message = envelope(deadline=noon + 23 * HOUR)

    got = hours(message, rules, noon + 8 * HOUR + 30 * MINUTE)

    assert got == (noon + 9 * HOUR - MINUTE if goes else Hold(noon + OPENS, Reason.QUIET_HOURS))
