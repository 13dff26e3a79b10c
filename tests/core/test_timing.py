"""The decision about time: scenarios that users will read, and the promises never late and never at night."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smsqueue.core import zones
from smsqueue.core.calendar import DAY, HORIZON, Calendar
from smsqueue.core.schedule import Schedule, parse_schedule
from smsqueue.core.timing import Expire, Hold, Send, TimingReason, when
from tests.core.test_calendar import HOUR, guards, instants, oracle, place_sets, properties, schedules

MINUTE = 60
GUARD = 60
LEAST = 5 * MINUTE

PARIS, MOSCOW, NEW_YORK, SYDNEY = "Europe/Paris", "Europe/Moscow", "America/New_York", "Australia/Sydney"
FRENCH_PROMOTION = parse_schedule("Mo-Fr 08:00-20:00; Sa 10:00-20:00; Su off")
COURTESY = parse_schedule("Mo-Su 08:00-21:00")

TTL = Expire(TimingReason.TTL)
TTL_TOO_SHORT = Expire(TimingReason.TTL_TOO_SHORT)
TTL_BEFORE_WINDOW = Expire(TimingReason.TTL_BEFORE_WINDOW)
NO_WINDOW = Expire(TimingReason.NO_WINDOW)


def at(place: str, text: str, fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(place), fold=fold).timestamp())


def ask(calendar: Calendar | None, now: int, deadline: int, not_before: int = 0, min_validity: int = LEAST):
    return when(now=now, calendar=calendar, deadline=deadline, not_before=not_before, min_validity=min_validity)


# --- scenarios --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "now", "deadline", "expected"),
    [
        pytest.param(
            FRENCH_PROMOTION,
            "2026-11-21T21:50",
            "2026-11-22T21:50",
            TTL_BEFORE_WINDOW,
            id="a promotion on Saturday night, good for a day: Monday is too late",
        ),
        pytest.param(
            FRENCH_PROMOTION,
            "2026-11-21T21:50",
            "2026-11-23T21:50",
            Hold(at(PARIS, "2026-11-23T08:01")),
            id="a promotion on Saturday night, good for two days: held until Monday, a minute past eight",
        ),
        pytest.param(
            FRENCH_PROMOTION,
            "2026-12-24T19:30",
            "2026-12-27T19:30",
            Send(at(PARIS, "2026-12-24T19:59")),
            id="a promotion half an hour before quiet: sent, and the carrier may try for 29 minutes",
        ),
        pytest.param(
            FRENCH_PROMOTION,
            "2026-11-20T19:57",
            "2026-11-23T19:57",
            Hold(at(PARIS, "2026-11-21T10:01")),
            id="a promotion three minutes before quiet: too little to deliver in, held until Saturday at ten",
        ),
        pytest.param(
            FRENCH_PROMOTION,
            "2026-11-20T19:54",
            "2026-11-23T19:54",
            Send(at(PARIS, "2026-11-20T19:59")),
            id="a promotion exactly its least validity before quiet: sent",
        ),
        pytest.param(
            COURTESY,
            "2026-11-23T22:30",
            "2026-11-24T07:00",
            TTL_BEFORE_WINDOW,
            id="a reminder in the evening of something at seven: refused while somebody can still phone",
        ),
        pytest.param(
            COURTESY,
            "2026-11-23T22:30",
            "2026-11-24T09:30",
            Hold(at(PARIS, "2026-11-24T08:01")),
            id="a reminder in the evening of something at half past nine: held until the morning",
        ),
        pytest.param(
            COURTESY,
            "2026-11-23T22:30",
            "2026-11-24T08:06",
            Hold(at(PARIS, "2026-11-24T08:01")),
            id="a deadline that leaves exactly the least validity: held",
        ),
        pytest.param(
            COURTESY,
            "2026-11-23T22:30",
            "2026-11-24T08:05:59",
            TTL_BEFORE_WINDOW,
            id="a deadline that leaves a second less: expired",
        ),
        pytest.param(
            COURTESY, "2026-11-24T10:00", "2026-11-24T10:04", TTL_TOO_SHORT, id="open, but stale in four minutes"
        ),
        pytest.param(
            COURTESY,
            "2026-11-24T10:00",
            "2026-11-24T10:05",
            Send(at(PARIS, "2026-11-24T10:05")),
            id="open, and just good for its least validity",
        ),
        pytest.param(COURTESY, "2026-11-24T10:00", "2026-11-24T10:00", TTL, id="the deadline is now"),
        pytest.param(COURTESY, "2026-11-24T23:00", "2026-11-24T22:00", TTL, id="the deadline has passed, at night too"),
        pytest.param(
            COURTESY,
            "2026-11-24T08:00:59",
            "2026-11-24T12:00",
            Hold(at(PARIS, "2026-11-24T08:01")),
            id="a second before the guard of the morning is over",
        ),
        pytest.param(
            COURTESY,
            "2026-03-29T01:30",
            "2026-03-29T12:00",
            Hold(at(PARIS, "2026-03-29T08:01")),
            id="the night that is an hour shorter",
        ),
        pytest.param(
            COURTESY,
            "2026-10-25T01:30",
            "2026-10-25T12:00",
            Hold(at(PARIS, "2026-10-25T08:01")),
            id="the night that is an hour longer",
        ),
    ],
)
def test_in_france(hours, now, deadline, expected):
    calendar = Calendar((PARIS,), hours, GUARD)

    assert ask(calendar, at(PARIS, now), at(PARIS, deadline)) == expected


@pytest.mark.parametrize(
    ("region", "place", "now", "expected"),
    [
        pytest.param("US", NEW_YORK, "2026-11-24T12:00", Hold(at(NEW_YORK, "2026-11-24T13:01")), id="noon in New York"),
        pytest.param("US", NEW_YORK, "2026-11-24T13:01", Send(at(NEW_YORK, "2026-11-24T20:59")), id="eight in Hawaii"),
        pytest.param("RU", MOSCOW, "2026-11-24T14:30", Hold(at(MOSCOW, "2026-11-25T09:01")), id="afternoon in Moscow"),
        pytest.param("RU", MOSCOW, "2026-11-24T09:01", Send(at(MOSCOW, "2026-11-24T11:59")), id="morning in Moscow"),
        pytest.param(
            "CN", "Asia/Shanghai", "2026-11-24T08:01", Send(at("Asia/Shanghai", "2026-11-24T20:59")), id="China"
        ),
        pytest.param("FR", PARIS, "2026-11-24T08:01", Send(at(PARIS, "2026-11-24T20:59")), id="France"),
    ],
)
def test_somewhere_in_a_country(region, place, now, expected):
    calendar = Calendar(zones.of_country(region), COURTESY, GUARD)

    assert ask(calendar, at(place, now), at(place, now) + 2 * DAY) == expected


def test_a_code_at_three_in_the_morning_is_sent():
    now = at(SYDNEY, "2026-11-24T03:00")

    assert ask(None, now, now + 300, min_validity=30) == Send(now + 300)


def test_a_code_that_is_nearly_over_is_not_sent():
    now = at(SYDNEY, "2026-11-24T03:00")

    assert ask(None, now, now + 29, min_validity=30) == TTL_TOO_SHORT
    assert ask(None, now, now, min_validity=30) == TTL


def test_a_window_inside_the_repeated_hour_opens_the_first_time():
    calendar = Calendar((PARIS,), parse_schedule("Mo-Su 02:30-24:00"), 0)
    now = at(PARIS, "2026-10-25T02:15")

    assert ask(calendar, now, now + DAY) == Hold(at(PARIS, "2026-10-25T02:30"))
    assert ask(calendar, at(PARIS, "2026-10-25T02:40"), now + DAY) == Send(at(PARIS, "2026-10-25T02:00", fold=1))


def test_a_message_for_later_is_held_even_when_it_is_open():
    now = at(PARIS, "2026-11-24T10:00")

    assert ask(None, now, now + DAY, not_before=now + HOUR) == Hold(now + HOUR)
    assert ask(Calendar((PARIS,), COURTESY, GUARD), now, now + DAY, not_before=now + HOUR) == Hold(now + HOUR)


def test_a_message_for_the_night_is_held_until_the_morning_after():
    now, night = at(PARIS, "2026-11-24T10:00"), at(PARIS, "2026-11-25T03:00")

    got = ask(Calendar((PARIS,), COURTESY, GUARD), now, night + DAY, not_before=night)

    assert got == Hold(at(PARIS, "2026-11-25T08:01"))


def test_a_retry_after_the_deadline_lacks_time_and_not_a_window():
    now = at(PARIS, "2026-11-24T10:00")

    assert ask(Calendar((PARIS,), COURTESY, GUARD), now, now + HOUR, not_before=now + 2 * HOUR) == TTL_TOO_SHORT


def test_hours_that_never_open_say_so():
    never = Calendar(("UTC",), Schedule(((),) * 7), 0)
    apart = Calendar(("Pacific/Pago_Pago", "Asia/Tokyo"), parse_schedule("Mo-Su 09:00-10:00"), 0)

    assert ask(never, 0, DAY) == NO_WINDOW
    assert ask(apart, 0, DAY) == NO_WINDOW


def test_windows_shorter_than_the_least_validity_are_passed_over():
    calendar = Calendar(("UTC",), parse_schedule("Mo-Fr 12:00-12:10; Sa 10:00-20:00"), 0)
    monday = at("UTC", "2026-11-23T00:00")

    assert ask(calendar, monday, monday + 7 * DAY, min_validity=HOUR) == Hold(at("UTC", "2026-11-28T10:00"))
    assert ask(calendar, monday, monday + 4 * DAY, min_validity=HOUR) == TTL_BEFORE_WINDOW


def test_reasons_are_the_words_that_are_logged():
    assert [str(reason) for reason in TimingReason] == ["ttl", "ttl_too_short", "ttl_before_window", "no_window"]


# --- never late, never at night, never given up too early -------------------------------------


class Case(NamedTuple):
    """A message and the place where it is wanted."""

    names: tuple[str, ...]
    schedule: Schedule
    guard: int
    now: int
    life: int
    wait: int
    min_validity: int

    @property
    def deadline(self) -> int:
        return self.now + self.life

    def open(self, start: int, end: int) -> bool:
        """Whether all of a time is open, with the guard around it."""
        first, last = start - self.guard, end + self.guard - 1
        return all(oracle(self.names, self.schedule, second) for second in (*range(first, last, 60), last))

    def decide(self, now: int) -> Send | Hold | Expire:
        calendar = Calendar(self.names, self.schedule, self.guard)
        return ask(calendar, now, self.deadline, self.now + self.wait, self.min_validity)


lives = st.one_of(st.integers(1, 4 * DAY), st.sampled_from([LEAST - 1, LEAST, LEAST + 1]))
waits = st.one_of(st.just(0), st.integers(0, 2 * DAY))
least = st.one_of(st.integers(MINUTE, HOUR), st.just(LEAST))
cases = st.builds(Case, place_sets, schedules, guards, instants, lives, waits, least)


@settings(properties, max_examples=3 * properties.max_examples)
@given(cases)
def test_a_decision_is_never_late_never_at_night_and_gives_up_only_for_good(case):
    match case.decide(case.now):
        case Send(valid_until):
            assert case.wait == 0
            assert case.now + case.min_validity <= valid_until <= case.deadline
            assert case.open(case.now, valid_until)
            if valid_until < case.deadline:
                assert not case.open(case.now, valid_until + 1), "cut earlier than necessary"
        case Hold(until):
            assert max(case.now + 1, case.now + case.wait) <= until
            assert case.open(until, until + case.min_validity)
            assert isinstance(case.decide(until), Send), "held again at the hour it was held for"
            if until > case.now + case.wait:
                assert not case.open(until - 1, until - 1 + case.min_validity), "held longer than necessary"
        case Expire(reason):
            assert reason is not TimingReason.TTL
            for start in range(case.now + case.wait, case.deadline - case.min_validity + 1, 300):
                assert not case.open(start, start + case.min_validity), "given up too early"


@properties
@given(place_sets, schedules, guards, instants, st.sampled_from([MINUTE, LEAST, HOUR]))
def test_the_last_seconds_of_a_window_are_left_alone(names, schedule, guard, moment, min_validity):
    calendar = Calendar(names, schedule, guard)
    start = calendar.next_open(moment)
    assume(start is not None)
    end = calendar.open_until(start)
    assume(end < start + HORIZON)

    for now in (start, end - min_validity - 1, end - min_validity, end - min_validity + 1, end - 1):
        if not start <= now < end:
            continue
        deadline = now + 20 * DAY
        if end - now >= min_validity:
            assert ask(calendar, now, deadline, min_validity=min_validity) == Send(end)
        else:
            later = fitting(calendar, end, deadline, min_validity)
            got = ask(calendar, now, deadline, min_validity=min_validity)
            assert isinstance(got, Expire) if later is None else got == Hold(later)


def fitting(calendar: Calendar, after: int, deadline: int, min_validity: int) -> int | None:
    """Find the next window that is long enough, by walking through them."""
    while (opens := calendar.next_open(after)) is not None and opens + min_validity <= deadline:
        after = calendar.open_until(opens)
        if min(after, deadline) - opens >= min_validity:
            return opens
    return None


@properties
@given(instants, lives, waits, least)
def test_what_ignores_quiet_hours_waits_for_nothing(now, life, wait, min_validity):
    got = ask(None, now, now + life, now + wait, min_validity)

    if life - wait < min_validity:
        assert got == TTL_TOO_SHORT
    else:
        assert got == (Hold(now + wait) if wait else Send(now + life))


# --- the morning ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spread", "deadline", "expected"),
    [
        pytest.param(0, "2026-11-25T21:00", "08:01:00", id="at once where nothing is spread"),
        pytest.param(1200, "2026-11-25T21:00", "08:21:00", id="at its place after the opening"),
        pytest.param(1200, "2026-11-25T08:15", "08:10:00", id="earlier where its deadline would be missed"),
        pytest.param(20 * HOUR, "2026-11-27T21:00", "20:54:00", id="earlier where its window would be missed"),
    ],
)
def test_what_the_night_held_goes_at_its_place_in_the_morning(spread, deadline, expected):
    calendar = Calendar((PARIS,), COURTESY, GUARD)
    now, end = at(PARIS, "2026-11-24T22:30"), at(PARIS, deadline)
    hold = when(now=now, calendar=calendar, deadline=end, not_before=0, min_validity=LEAST, spread=spread)

    assert hold == Hold(at(PARIS, f"2026-11-25T{expected}"))
    later = when(now=hold.until, calendar=calendar, deadline=end, not_before=0, min_validity=LEAST, spread=spread)
    assert isinstance(later, Send)


def test_an_instant_that_the_producer_chose_is_not_spread():
    calendar = Calendar((PARIS,), COURTESY, GUARD)
    now, start = at(PARIS, "2026-11-24T07:00"), at(PARIS, "2026-11-24T10:00")

    for open_hours in (calendar, None):
        got = when(now=now, calendar=open_hours, deadline=now + DAY, not_before=start, min_validity=LEAST, spread=HOUR)
        assert got == Hold(start)


# --- cut-off and spread -------------------------------------------------------------------------

PARISIAN = Calendar((PARIS,), COURTESY, GUARD)
OPENS, CLOSES = "2026-11-25T08:01", "2026-11-25T20:59"


@pytest.mark.parametrize(
    ("now", "cutoff", "expected"),
    [
        pytest.param("2026-11-25T19:59", 60, Send(at(PARIS, CLOSES)), id="exactly at the cut-off"),
        pytest.param("2026-11-25T20:00", 60, Hold(at(PARIS, "2026-11-26T08:01")), id="a minute after it"),
        pytest.param("2026-11-25T20:00", 59, Send(at(PARIS, CLOSES)), id="at a later one"),
        pytest.param("2026-11-25T20:54", 0, Send(at(PARIS, CLOSES)), id="none: as long as the least validity is left"),
        pytest.param("2026-11-25T20:55", 0, Hold(at(PARIS, "2026-11-26T08:01")), id="none, and less is left"),
        pytest.param("2026-11-25T20:54", 4, Send(at(PARIS, CLOSES)), id="one below the least validity changes nothing"),
    ],
)
def test_a_cut_off_ends_submits_before_the_window_ends(now, cutoff, expected):
    given = {"calendar": PARISIAN, "deadline": at(PARIS, "2026-11-27T12:00"), "not_before": 0, "min_validity": LEAST}

    assert when(now=at(PARIS, now), cutoff=cutoff * MINUTE, **given) == expected
    if cutoff == 0:
        assert when(now=at(PARIS, now), **given) == expected


def test_without_a_cut_off_the_whole_window_counts():
    """A second counts: none is the default."""
    given = {"calendar": PARISIAN, "deadline": at(PARIS, "2026-11-27T12:00"), "not_before": 0, "min_validity": 1}

    assert when(now=at(PARIS, CLOSES) - 1, **given) == Send(at(PARIS, CLOSES))
    assert when(now=at(PARIS, CLOSES) - 1, **{**given, "min_validity": 0}) == Send(at(PARIS, CLOSES))


@pytest.mark.parametrize(
    ("deadline", "spread", "cutoff", "expected"),
    [
        pytest.param("2026-11-26T08:00", 30, 0, "2026-11-25T08:31", id="as its id decides"),
        pytest.param("2026-11-25T08:20", 30, 0, "2026-11-25T08:15", id="cut where the deadline would be missed"),
        pytest.param("2026-11-26T08:00", 13 * 60, 0, "2026-11-25T20:54", id="cut where the window would be missed"),
        pytest.param("2026-11-26T08:00", 13 * 60, 60, "2026-11-25T19:59", id="cut where the cut-off would be missed"),
    ],
)
def test_what_waits_for_the_morning_is_spread_over_it(deadline, spread, cutoff, expected):
    got = when(
        now=at(PARIS, "2026-11-25T03:00"), calendar=PARISIAN, deadline=at(PARIS, deadline), not_before=0,
        min_validity=LEAST, spread=spread * MINUTE, cutoff=cutoff * MINUTE,
    )  # fmt: skip

    assert got == Hold(at(PARIS, expected))


@pytest.mark.parametrize("calendar", [None, PARISIAN], ids=["at any hour", "in the open"])
def test_what_was_asked_for_a_later_instant_is_not_spread(calendar):
    slot = at(PARIS, "2026-11-25T12:00")

    got = when(
        now=at(PARIS, "2026-11-25T11:00"), calendar=calendar, deadline=slot + 3600, not_before=slot, min_validity=LEAST,
        spread=30 * MINUTE,
    )  # fmt: skip

    assert got == Hold(slot)
