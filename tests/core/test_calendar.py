"""Calendars: open exactly when every wall clock says so, found without looking at every second.

The oracle is `astimezone`; it shares no code with the calculus. Instants that lie just anywhere hardly ever come
near an edge, so the generators aim: at changes of the clock, at the edges of blocks, at hours when clocks change.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from smsqueue.core import zones
from smsqueue.core.calendar import BLOCK, DAY, HORIZON, Calendar, calendar_for, shared
from smsqueue.core.schedule import Dated, Schedule, parse_schedule

properties = settings(
    derandomize=settings.get_current_profile_name() in {"default", "ci"},
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
"""The same examples on every commit; `--hypothesis-profile` with another profile may try more of them, at random."""

HOUR = 3600
PLACES = (
    "UTC", "Europe/Paris", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "America/Santiago",
    "Africa/Cairo", "Asia/Beirut", "America/Havana", "Antarctica/Troll", "Africa/Casablanca", "Pacific/Chatham",
    "Pacific/Apia", "Pacific/Kwajalein", "Atlantic/Azores", "Asia/Kolkata", "America/Vancouver",
    "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Asuncion",
)  # fmt: skip
YEARS = (1993, 2011, 2026, 2027)  # Kwajalein has no 21 August 1993, Apia no 30 December 2011


def epoch(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=UTC).timestamp())


def wall(name: str, at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(name))


def oracle(names: tuple[str, ...], schedule: Schedule, at: int) -> bool:
    for name in names:
        local = wall(name, at)
        minute = local.hour * 60 + local.minute
        if not any(opens <= minute < closes for opens, closes in schedule.week[local.weekday()]):
            return False
    return True


def find_transitions() -> list[tuple[str, int]]:
    """Find every change of offset in some years, by the same database as the code: name and exact second."""
    found = []
    for name in PLACES:
        for year in YEARS:
            at, end = epoch(year, 1, 1), epoch(year + 1, 1, 1)
            while at < end:
                if wall(name, at).utcoffset() != wall(name, at + 6 * HOUR).utcoffset():
                    low, high = at, at + 6 * HOUR
                    while high - low > 1:
                        middle = (low + high) // 2
                        same = wall(name, middle).utcoffset() == wall(name, at).utcoffset()
                        low, high = (middle, high) if same else (low, middle)
                    found.append((name, high))
                at += 6 * HOUR
    return found


TRANSITIONS = find_transitions()

instants = st.one_of(
    st.builds(
        lambda transition, after: transition[1] + after,
        st.sampled_from(TRANSITIONS),
        st.one_of(st.integers(-2 * DAY, DAY), st.integers(-2 * HOUR, 2 * HOUR), st.integers(-2, 2)),
    ),
    st.builds(
        lambda number, after: number * BLOCK + after,
        st.integers(epoch(2026, 1, 10) // BLOCK, epoch(2027, 12, 1) // BLOCK),
        st.integers(-130, 130),
    ),
    st.integers(epoch(1993, 1, 2), epoch(1994, 1, 1)),
    st.integers(epoch(2026, 1, 2), epoch(2028, 1, 1)),
)
minutes = st.one_of(
    st.integers(0, 1440),
    st.sampled_from([0, 30, 59, 60, 61, 90, 119, 120, 121, 150, 179, 180, 181, 1380, 1439, 1440]),
)
times = minutes.filter(lambda minute: minute < 1440)


def merged(windows: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for opens, closes in sorted(windows):
        if found and opens <= found[-1][1]:
            found[-1] = (found[-1][0], max(closes, found[-1][1]))
        else:
            found.append((opens, closes))
    return tuple(found)


days = st.lists(st.tuples(minutes, minutes).filter(lambda pair: pair[0] < pair[1]), max_size=3).map(merged)
WORKDAYS = parse_schedule("Mo-Fr 08:00-20:00; Sa 10:00-20:00; Su off")
COURTESY = parse_schedule("Mo-Su 08:00-21:00")
schedules = st.one_of(
    st.sampled_from(
        [
            WORKDAYS,
            COURTESY,
            parse_schedule("Mo-Sa 09:00-21:00; Su 12:00-21:00"),
            parse_schedule("quiet 00:00-06:00"),
            parse_schedule("quiet 02:30-07:00"),
            parse_schedule("quiet 22:00-02:30"),
            parse_schedule("24/7"),
        ]
    ),
    st.builds(Schedule.from_quiet, times, times),
    st.builds(lambda week: Schedule(tuple(week)), st.lists(days, min_size=7, max_size=7)),
)
places = st.sampled_from(PLACES)
place_sets = st.lists(places, min_size=1, max_size=3, unique=True).map(tuple)
guards = st.sampled_from([0, 1, 60, 120, 900])


# --- what is open -----------------------------------------------------------------------------


@properties
@given(place_sets, schedules, instants)
def test_open_is_what_every_wall_clock_says(names, schedule, at):
    assert Calendar(names, schedule, 0).allowed(at) == oracle(names, schedule, at)


@properties
@given(st.sampled_from(TRANSITIONS), schedules, st.integers(0, 59))
def test_every_minute_around_a_change_of_the_clock(transition, schedule, second):
    name, change = transition
    calendar = Calendar((name,), schedule, 0)

    for at in (change - 1, change, change + 1, *range(change - 4 * HOUR + second, change + 4 * HOUR, 60)):
        assert calendar.allowed(at) == oracle((name,), schedule, at), at - change


@properties
@given(place_sets, schedules, instants)
@example(("Europe/Paris",), COURTESY, epoch(2026, 11, 24, 20))
def test_next_open_is_open_and_nothing_before_it_is(names, schedule, at):
    found = Calendar(names, schedule, 0).next_open(at)

    if found is not None:
        assert at <= found <= at + HORIZON
        assert oracle(names, schedule, found)
        assert found == at or not oracle(names, schedule, found - 1)
    until = min(at + 2 * DAY if found is None else found, at + 2 * DAY)
    for quiet in (*range(at, until, 60), *range(at - at % 60 + 60, until, 60)):
        assert not oracle(names, schedule, quiet), (quiet, found)


@properties
@given(place_sets, schedules, instants)
def test_open_until_is_the_first_second_that_is_not_open(names, schedule, at):
    calendar = Calendar(names, schedule, 0)
    end = calendar.open_until(at)

    if end is None:
        assert not oracle(names, schedule, at)
        return
    assert at < end <= at + HORIZON
    assert oracle(names, schedule, end - 1)
    for inside in range(at, min(end, at + 2 * DAY), 60):
        assert oracle(names, schedule, inside)
    if end < at + HORIZON:
        assert not oracle(names, schedule, end)


@properties
@given(place_sets, schedules, guards, instants, st.integers(0, 3 * DAY))
def test_asking_again_changes_nothing_and_asking_later_is_never_earlier(names, schedule, guard, at, later):
    calendar = Calendar(names, schedule, guard)
    first, second = calendar.next_open(at), calendar.next_open(at + later)

    if first is not None:
        assert calendar.next_open(first) == first
        assert calendar.allowed(first)
    if first is not None and second is not None:
        assert first <= second
    if second is not None and second <= at + HORIZON:
        assert first is not None


@properties
@given(place_sets, places, schedules, guards, instants)
def test_one_more_place_never_opens_anything(names, another, schedule, guard, at):
    loose, strict = Calendar(names, schedule, guard), Calendar((*names, another), schedule, guard)

    assert loose.allowed(at) or not strict.allowed(at)
    opens = strict.next_open(at)
    if opens is not None:
        assert loose.next_open(at) is not None
        assert loose.next_open(at) <= opens


@properties
@given(places, times, times, instants)
def test_a_quiet_period_is_the_exact_complement(name, start, end, at):
    local = wall(name, at)
    minute = local.hour * 60 + local.minute
    if start == end:
        quiet = False
    elif start < end:
        quiet = start <= minute < end
    else:
        quiet = minute >= start or minute < end

    assert Calendar((name,), Schedule.from_quiet(start, end), 0).allowed(at) is not quiet


@pytest.mark.parametrize(
    ("place", "hours", "utc", "expected"),
    [
        pytest.param(
            "Europe/Paris",
            "Mo-Su 02:30-24:00",
            (2026, 3, 29, 0),
            (2026, 3, 29, 1),
            id="an edge in a gap acts at the gap",
        ),
        pytest.param(
            "Europe/Paris",
            "Mo-Su 02:30-24:00",
            (2026, 10, 25, 0),
            (2026, 10, 25, 0, 30),
            id="a fold opens the first time",
        ),
        pytest.param(
            "Europe/Paris",
            "Mo-Su 02:30-24:00",
            (2026, 10, 25, 1),
            (2026, 10, 25, 1, 30),
            id="and closes until the second",
        ),
        pytest.param(
            "Pacific/Apia", "Fr 08:00-20:00", (2011, 12, 30, 6), (2012, 1, 5, 18), id="a Friday that did not exist"
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "Mo-Su 02:00-24:00",
            (2026, 10, 3, 15),
            (2026, 10, 3, 15, 30),
            id="a gap of half an hour",
        ),
        pytest.param(
            "Asia/Kathmandu", "Mo-Su 08:00-20:00", (2026, 1, 1, 0), (2026, 1, 1, 2, 15), id="a quarter of an hour"
        ),
    ],
)
def test_clocks_that_jump(place, hours, utc, expected):
    assert Calendar((place,), parse_schedule(hours), 0).next_open(epoch(*utc)) == epoch(*expected)


def test_a_search_looks_forty_days_ahead_and_no_further():
    """Five hours lie between New York and Paris only in the weeks when one has changed its clocks and the other not."""
    calendar = Calendar(("America/New_York", "Europe/Paris"), parse_schedule("Mo-Su 12:00-12:30,17:00-17:30"), 0)
    opens = epoch(2026, 10, 25, 16)

    assert calendar.next_open(opens - HORIZON) == opens
    assert calendar.next_open(opens - HORIZON - 1) is None


def test_a_window_is_half_open():
    calendar = Calendar(("UTC",), COURTESY, 0)

    assert calendar.allowed(epoch(2026, 11, 24, 8))
    assert calendar.allowed(epoch(2026, 11, 24, 21) - 1)
    assert not calendar.allowed(epoch(2026, 11, 24, 21))


# --- the guard --------------------------------------------------------------------------------


@properties
@given(place_sets, schedules, instants, st.sampled_from([1, 60, 120]), st.integers(-120, 120))
def test_a_clock_that_is_wrong_by_less_than_the_guard_never_sends_at_night(names, schedule, at, guard, error):
    error = max(-guard, min(guard, error))
    if Calendar(names, schedule, guard).allowed(at):
        assert oracle(names, schedule, at + error)


@properties
@given(place_sets, schedules, instants, st.sampled_from([1, 60, 120, 900]))
def test_the_guard_is_cut_off_at_true_edges_and_nowhere_else(names, schedule, at, guard):
    plain, guarded = Calendar(names, schedule, 0), Calendar(names, schedule, guard)
    if plain.allowed(at):
        at = plain.open_until(at)
    start = plain.next_open(at)
    assume(start is not None)
    end = plain.open_until(start)
    assume(end < start + HORIZON)
    block = (start // BLOCK + 1) * BLOCK
    edges = {
        start - 1, start, start + guard - 1, start + guard, start + guard + 1, (start + end) // 2,
        end - guard - 1, end - guard, end - 1, end, block - guard, block - 1, block, block + guard,
    }  # fmt: skip
    for edge in edges:
        if start - 1 <= edge <= end:
            assert guarded.allowed(edge) == (start + guard <= edge < end - guard), (edge - start, end - edge)


@properties
@given(
    places,
    st.integers(epoch(2026, 1, 10) // BLOCK, epoch(2027, 12, 1) // BLOCK),
    st.integers(-20, 20),
    st.booleans(),
    st.sampled_from([60, 600, 900]),
    st.lists(st.integers(-2400, 2400), min_size=20, max_size=20),
)
def test_the_guard_is_cut_off_at_an_edge_beside_a_blocks_edge(name, number, minutes_after, opens, guard, around):
    block = number * BLOCK
    local = wall(name, block + minutes_after * 60)
    minute = local.hour * 60 + local.minute
    quiet = (minute + 720, minute) if opens else (minute, minute + 720)
    schedule = Schedule.from_quiet(*(end % 1440 for end in quiet))
    calendar = Calendar((name,), schedule, guard)

    for at in {block - guard, block - 1, block, block + guard, *(block + seconds for seconds in around)}:
        inside = (*range(at - guard, at + guard, 60), at + guard)
        assert calendar.allowed(at) == all(oracle((name,), schedule, second) for second in inside), at - block


def test_what_is_always_open_has_no_edges():
    calendar = Calendar(("Europe/Paris", "Asia/Tokyo"), parse_schedule("24/7"), 7200)

    for edge in range(epoch(2026, 1, 1) // BLOCK * BLOCK, epoch(2027, 1, 1), BLOCK):
        assert calendar.allowed(edge - 1)
        assert calendar.allowed(edge)
    assert calendar.open_until(epoch(2026, 11, 24)) == epoch(2026, 11, 24) + HORIZON


def test_a_window_shorter_than_two_guards_never_opens():
    calendar = Calendar(("UTC",), parse_schedule("Mo-Su 12:00-12:02"), 60)

    assert calendar.next_open(epoch(2026, 11, 24)) is None


# --- sharing ----------------------------------------------------------------------------------


def test_a_calendar_needs_a_zone_and_a_guard_that_takes_away():
    with pytest.raises(ValueError):
        Calendar((), COURTESY, 0)
    with pytest.raises(ValueError):
        Calendar(("UTC",), COURTESY, -1)


def test_calendars_are_shared():
    names = zones.of_country("US")

    assert calendar_for(names, COURTESY, 60) is calendar_for(names, parse_schedule("quiet 21:00-08:00"), 60)
    assert calendar_for(names, COURTESY, 60) is not calendar_for(names, COURTESY, 61)
    assert calendar_for(names, COURTESY, 60) is not calendar_for(names[1:], COURTESY, 60)


def test_a_shared_calendar_answers_for_its_own_zones_and_hours():
    assert calendar_for(("UTC",), COURTESY, 60).window(epoch(2026, 11, 24)) == (
        epoch(2026, 11, 24, 8, 1),
        epoch(2026, 11, 24, 20, 59),
    )


class Counted:
    """Hours that count how often they are asked."""

    def __init__(self) -> None:
        self.asked = 0

    def windows(self, _: int) -> tuple[tuple[int, int], ...]:
        self.asked += 1
        return ((480, 1260),)


def test_what_was_computed_is_kept():
    hours, first = Counted(), epoch(2026, 11, 24)
    calendar = Calendar(("UTC",), hours, 60)
    for at in (first, first + BLOCK):
        calendar.window(at)
    asked = hours.asked

    for at in (first, first + BLOCK, first):
        calendar.window(at)

    assert 0 < asked == hours.asked


def test_threads_that_share_a_calendar_get_the_same_answers():
    """More instants than blocks are kept, so that blocks come and go under the threads."""
    names = zones.of_country("AU")
    asked = [epoch(2026, 1, 1) + step * 5 * DAY // 3 for step in range(700)]
    expected = [Calendar(names, WORKDAYS, 60).next_open(at) for at in asked]
    common = Calendar(names, WORKDAYS, 60)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: [common.next_open(at) for at in asked], range(8)))

    assert answers == [expected] * 8
    assert len(common._blocks) <= 64


# --- what zones have in common ------------------------------------------------------------------

NOVEMBER = epoch(2026, 11, 24)


@pytest.mark.parametrize(
    ("names", "hours", "least", "enough"),
    [
        pytest.param(("Europe/Paris",), COURTESY, 2 * HOUR, True, id="one zone"),
        pytest.param(("Europe/Paris", "America/New_York"), COURTESY, 7 * HOUR, True, id="six hours apart: seven"),
        pytest.param(("Europe/Paris", "America/New_York"), COURTESY, 7 * HOUR + 1, False, id="but not more"),
        pytest.param(("Europe/London", "Asia/Tokyo"), COURTESY, 4 * HOUR, True, id="four in winter, five in summer"),
        pytest.param(("Europe/London", "Asia/Tokyo"), COURTESY, 5 * HOUR, False, id="enough in summer only"),
        pytest.param(("Europe/Paris", "Pacific/Auckland"), COURTESY, 2 * HOUR, False, id="an hour at both ends"),
        pytest.param(("Europe/Paris",), parse_schedule("Mo-Su 10:00-11:00"), 2 * HOUR, True, id="all there is"),
        pytest.param(
            ("Europe/Paris", "Europe/London"), parse_schedule("Mo-Su 10:00-11:00"), 2 * HOUR, False,
            id="less than all that one zone has",
        ),
        pytest.param(
            ("Europe/Paris", "Europe/Berlin"), parse_schedule("Mo-Su 10:00-11:00"), 2 * HOUR, True,
            id="two zones with the same clocks",
        ),
        pytest.param(
            ("Europe/Paris", "America/New_York"), parse_schedule("We 08:00-21:00"), 2 * HOUR, True,
            id="once a week",
        ),
        pytest.param(
            ("Europe/Paris", "America/New_York"), Schedule(((),) * 7), 2 * HOUR, True,
            id="never: then nothing is all there is",
        ),
    ],
)  # fmt: skip
def test_zones_have_enough_in_common_on_their_best_day(names, hours, least, enough):
    assert shared(names, hours, NOVEMBER, least) is enough


def test_longest_is_the_longest_of_a_block():
    calendar = Calendar(("UTC",), parse_schedule("Mo-Fr 08:00-20:00; Sa 09:00-13:00"), 60)

    assert calendar.longest(NOVEMBER // BLOCK) == 12 * HOUR - 120
    assert Calendar(("UTC",), Schedule(((),) * 7), 0).longest(NOVEMBER // BLOCK) == 0


# --- windows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param((2026, 11, 24, 7, 59), ((2026, 11, 24, 8), (2026, 11, 24, 21)), id="before it opens"),
        pytest.param((2026, 11, 24, 8), ((2026, 11, 24, 8), (2026, 11, 24, 21)), id="as it opens"),
        pytest.param((2026, 11, 24, 12), ((2026, 11, 24, 12), (2026, 11, 24, 21)), id="in it"),
        pytest.param((2026, 11, 24, 21), ((2026, 11, 25, 8), (2026, 11, 25, 21)), id="as it closes: the next"),
        pytest.param((2026, 11, 28, 12), ((2026, 11, 30, 8), (2026, 11, 30, 21)), id="over a weekend"),
    ],
)
def test_a_window_is_what_is_open_from_an_instant_on(at, expected):
    calendar = Calendar(("UTC",), parse_schedule("Mo-Fr 08:00-21:00"), 0)

    assert calendar.window(epoch(*at)) == tuple(epoch(*edge) for edge in expected)


@pytest.mark.parametrize("hours", ["24/7", "Mo-Su 00:00-24:00"])
def test_what_never_closes_is_open_as_far_as_one_looks(hours):
    calendar = Calendar(("UTC",), parse_schedule(hours), 60)
    for at in (NOVEMBER, NOVEMBER // BLOCK * BLOCK, NOVEMBER // BLOCK * BLOCK - 1):
        assert calendar.window(at) == (at, at + HORIZON)


def test_a_window_that_opens_at_the_horizon_is_found_and_no_later_one():
    opens = epoch(2027, 1, 3, 8)
    once = Dated(Schedule(((),) * 7, ((480, 540),)), lambda day: day == opens // DAY)
    calendar = Calendar(("UTC",), once, 0)

    assert calendar.window(opens - HORIZON) == (opens, opens + HOUR)
    assert calendar.window(opens - HORIZON - 1) is None


def test_a_window_that_opens_with_a_block_at_the_horizon_is_found():
    edge = (NOVEMBER // BLOCK + 1) * BLOCK
    once = Dated(Schedule(((),) * 7, ((0, 60),)), lambda day: day == edge // DAY)

    assert Calendar(("UTC",), once, 0).window(edge - HORIZON) == (edge, edge + HOUR)


@pytest.mark.parametrize("second", range(-3, 4))
def test_what_never_closes_is_open_at_the_edges_of_its_blocks_whatever_the_guard(second):
    at = epoch(2026, 11, 24) // BLOCK * BLOCK + second

    for guard in (0, 1, 2):
        assert Calendar(("UTC",), parse_schedule("24/7"), guard).window(at) == (at, at + 40 * DAY)


def test_forty_days_are_looked_ahead():
    calendar = Calendar(("UTC",), Dated(Schedule((((0, 1440),),) * 7, ()), range(20_000, 20_050).__contains__), 0)

    assert calendar.window(20_010 * DAY) == (20_050 * DAY, 20_090 * DAY)
    assert calendar.window(20_010 * DAY - 1) is None
