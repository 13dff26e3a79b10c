"""Which hours hold for whom: rules by country, state and kind of traffic, on ordinary days and on holidays."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsqueue import policy_file, send_hours
from smsqueue.core import policy as policies
from smsqueue.core import public_holidays, zones
from smsqueue.core.calendar import DAY, Calendar
from smsqueue.core.envelope import Envelope
from smsqueue.core.outcome import End, Hold
from smsqueue.core.places import Origin
from smsqueue.core.rules.cap import cap
from smsqueue.core.rules.hours import find, hours, rules_for
from smsqueue.core.schedule import Dated, Schedule, Together, parse_schedule
from smsqueue.core.states import Reason, State
from smsqueue.errors import InvalidPolicy
from tests.core.test_calendar import HOUR, guards, instants, place_sets, properties, schedules, wall

GUARD = timedelta(seconds=60)
MINUTE = timedelta(minutes=1)
STEP = timedelta(minutes=7)

FRENCH = {
    "country": "FR",
    "hours": "Mo-Fr 08:00-20:00; Sa 10:00-20:00; Su,PH off",
    "source": "practice",
    "date": "2026-11-23",
    "confidence": "primary",
}


def document(*rows: dict, **categories: dict) -> dict:
    """The package's document with some rows over its table; every category good for five minutes, none spread."""
    found = policy_file.document(None)
    found["hours"] = send_hours.laid_over(found["hours"], rows)
    for name, category in found["categories"].items():
        category |= {"min_validity": "5m", "spread": "0s", "late_cutoff": "0s", **categories.get(name, {})}
    return found


@pytest.fixture(scope="session")
def shipped():
    return policies.read(document())


@pytest.fixture(scope="session")
def french():
    """The French practice that the scenarios are about."""
    return policies.read(document(FRENCH))


def at(place: str, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(place)).astimezone(UTC)


def message(region: str, category: str, deadline: datetime, *, timezone: str = "", not_before=None) -> Envelope:
    return Envelope(
        id="00AbCdEfGhIjKlMnOp", state=State.QUEUED, category=category, lane="service", region=region, segments=1,
        key_id="k1", created=datetime(2026, 1, 1, tzinfo=UTC), deadline=deadline, fingerprint="f", zones=timezone,
        not_before=not_before,
    )  # fmt: skip


# --- scenarios --------------------------------------------------------------------------------

PARIS = "Europe/Paris"


@pytest.mark.parametrize(
    ("region", "place", "category", "now", "validity", "expected"),
    [
        pytest.param(
            "FR", PARIS, "promotional", "2026-11-21T21:50", timedelta(hours=24), Reason.TTL_BEFORE_WINDOW,
            id="a promotion on Saturday night, good for a day: Monday is too late",
        ),
        pytest.param(
            "FR", PARIS, "promotional", "2026-11-21T21:50", timedelta(hours=48), "2026-11-23T08:01",
            id="good for two days: held until Monday, a minute past eight",
        ),
        pytest.param(
            "FR", PARIS, "promotional", "2026-12-24T19:30", timedelta(hours=72), ("2026-12-24T19:59",),
            id="on Christmas Eve, half an hour before quiet: sent, and the carrier may try for 29 minutes",
        ),
        pytest.param(
            "FR", PARIS, "promotional", "2026-12-24T19:57", timedelta(hours=72), "2026-12-26T10:01",
            id="three minutes before quiet: over Christmas, a Friday, to Saturday at ten",
        ),
        pytest.param(
            "FR", PARIS, "promotional", "2026-12-25T12:00", timedelta(hours=12), Reason.TTL_BEFORE_WINDOW,
            id="at noon on Christmas, good for half a day: it would be stale",
        ),
        pytest.param(
            "FR", PARIS, "promotional", "2026-05-13T20:30", timedelta(hours=72), "2026-05-15T08:01",
            id="on the eve of Ascension Day, a Thursday: held until Friday",
        ),
        pytest.param(
            "FR-57", PARIS, "promotional", "2026-12-24T19:57", timedelta(hours=90), "2026-12-28T08:01",
            id="in the Moselle the day after Christmas is a holiday too, and then comes a Sunday",
        ),
        pytest.param(
            "AU", "Australia/Sydney", "otp", "2026-11-24T03:00", timedelta(minutes=5), ("2026-11-24T03:05",),
            id="a one-time code for Sydney at three in the night: sent",
        ),
        pytest.param(
            "FR", PARIS, "reminder", "2026-12-24T22:30", timedelta(hours=8, minutes=30), Reason.TTL_BEFORE_WINDOW,
            id="a reminder in the evening of something at seven: refused while somebody can still phone",
        ),
        pytest.param(
            "FR", PARIS, "reminder", "2026-12-24T22:30", timedelta(hours=11), "2026-12-25T08:01",
            id="a reminder of something at half past nine: held until the morning, Christmas or not",
        ),
        pytest.param(
            "US", "America/New_York", "promotional", "2026-11-24T12:00", timedelta(hours=24), "2026-11-24T13:01",
            id="somewhere in the United States at noon in New York: held until Hawaii is up",
        ),
        pytest.param(
            "RU", "Europe/Moscow", "service", "2026-11-24T14:30", timedelta(hours=24), "2026-11-25T09:01",
            id="somewhere in Russia after noon in Moscow: held until Kaliningrad is up",
        ),
        pytest.param(
            "IN", "Asia/Kolkata", "service", "2026-11-24T09:00", timedelta(hours=4), "2026-11-24T10:01",
            id="a service message in India: the law speaks of it too",
        ),
        pytest.param(
            "IN", "Asia/Kolkata", "service", "2026-11-24T20:30", timedelta(hours=4), ("2026-11-24T20:59",),
            id="and courtesy holds beside the law",
        ),
        pytest.param(
            "SE", "Europe/Stockholm", "promotional", "2026-11-21T19:30", timedelta(hours=72), ("2026-11-21T19:59",),
            id="a country without a row, on a Saturday evening: the strict default",
        ),
        pytest.param(
            "SE", "Europe/Stockholm", "promotional", "2026-06-20T12:00", timedelta(hours=72), "2026-06-22T10:01",
            id="a country without a row, on Midsummer Day, a Saturday: held until Monday",
        ),
        pytest.param(
            "AC", "Atlantic/St_Helena", "promotional", "2026-04-03T12:00", timedelta(hours=72), "2026-04-04T10:01",
            id="Ascension on Good Friday: its holidays are listed as a part of Saint Helena",
        ),
    ],
)  # fmt: skip
def test_scenarios(french, region, place, category, now, validity, expected):
    now = at(place, now)
    got = hours(message(region, category, now + validity), french, now)

    match expected:
        case Reason():
            assert got == End(State.EXPIRED, expected)
        case str():
            assert got == Hold(at(place, expected), Reason.QUIET_HOURS)
        case (until,):
            assert got == at(place, until)


@pytest.mark.parametrize(
    ("region", "place", "now", "expected"),
    [
        pytest.param("US-FL", "America/New_York", "2026-11-24T20:30", "2026-11-25T08:01", id="Florida closes at eight"),
        pytest.param("US-GA", "America/New_York", "2026-11-24T20:30", "", id="Georgia has no rule but the country's"),
        pytest.param("US-TX", "America/Chicago", "2026-11-22T11:00", "2026-11-22T12:01", id="Texas on a Sunday"),
        pytest.param("US-TX", "America/Chicago", "2026-11-24T08:30", "2026-11-24T09:01", id="Texas on a weekday"),
        pytest.param("US-RI", "America/New_York", "2026-11-28T17:30", "2026-11-30T09:01", id="Rhode Island, Saturday"),
        pytest.param("US-AL", "America/Chicago", "2026-11-26T12:00", "2026-11-27T08:01", id="Alabama on Thanksgiving"),
        pytest.param("US-LA", "America/Chicago", "2026-02-17T12:00", "2026-02-18T08:01", id="Mardi Gras in Louisiana"),
        pytest.param("US-MS", "America/Chicago", "2026-02-17T12:00", "", id="and not in Mississippi"),
        pytest.param("US-UT", "America/Denver", "2026-07-24T12:00", "2026-07-25T08:01", id="Pioneer Day in Utah"),
        pytest.param("US-UT", "America/Denver", "2026-07-26T12:00", "2026-07-27T08:01", id="a Sunday in Utah"),
        pytest.param("US-PA", "America/New_York", "2026-11-29T12:00", "", id="Pennsylvania's Sundays"),
        pytest.param("US-PA", "America/New_York", "2026-11-26T12:00", "2026-11-28T08:01", id="and its holidays"),
    ],
)  # fmt: skip
def test_a_states_rule_holds_together_with_its_countrys(shipped, region, place, now, expected):
    now = at(place, now)
    got = hours(message(region, "promotional", now + timedelta(hours=48), timezone=place), shipped, now)

    if expected:
        assert got == Hold(at(place, expected), Reason.QUIET_HOURS)
    else:
        assert isinstance(got, datetime)


def test_who_belongs_to_no_country_gets_no_promotion_since_nobody_knows_the_holidays(shipped):
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    there = message("001", "promotional", now + DAY * timedelta(seconds=1), timezone=PARIS)

    assert hours(there, shipped, now) == End(State.EXPIRED, Reason.NO_WINDOW)
    assert isinstance(hours(there._replace(category="service"), shipped, now), datetime)


# --- rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "category", "ids"),
    [
        pytest.param("US", "promotional", ["us"], id="a country"),
        pytest.param("US-FL", "promotional", ["us", "us-fl"], id="a state and its country"),
        pytest.param("US-GA", "promotional", ["us"], id="a state without a rule"),
        pytest.param("DE-BY", "promotional", ["de"], id="a subdivision that changes but the holidays"),
        pytest.param("SE", "promotional", ["default"], id="a country without a rule"),
        pytest.param("SE-AB", "promotional", ["default"], id="a subdivision of a country without a rule"),
        pytest.param("FR", "service", ["courtesy"], id="courtesy, whatever the law of promotion says"),
        pytest.param("IN", "service", ["courtesy", "in"], id="courtesy, and a law about service messages"),
        pytest.param("FR", "otp", [], id="no hours at all"),
        pytest.param("FR", "gone", ["fr"], id="a category that was removed: as promotion"),
    ],
)
def test_the_rules_that_hold_have_names(shipped, region, category, ids):
    assert [rule.id for rule in rules_for(region, category, shipped)] == ids


def test_a_rule_says_where_it_comes_from(shipped):
    rule = rules_for("US-FL", "promotional", shipped)[1]

    assert (rule.hours, rule.date, rule.confidence, rule.cap) == ("Mo-Su 08:00-20:00", "2026-11-23", "retold", 3)
    assert "Florida" in rule.source


@pytest.mark.parametrize(
    ("region", "category", "own", "expected"),
    [
        pytest.param("US-FL", "promotional", None, 3, id="the law's"),
        pytest.param("US-FL", "promotional", 2, 2, id="the policy's, which is stricter"),
        pytest.param("US-FL", "promotional", 5, 3, id="the law's, which is stricter"),
        pytest.param("US-GA", "promotional", 5, 5, id="the policy's alone"),
        pytest.param("US-GA", "promotional", None, None, id="none"),
        pytest.param("US-FL", "otp", None, None, id="not of what keeps no hours"),
        pytest.param("US-FL", "gone", None, 3, id="of a category that was removed"),
    ],
)
def test_so_many_a_day(shipped, region, category, own, expected):
    categories = {
        **shipped.categories,
        "promotional": shipped.categories["promotional"].model_copy(update={"cap": own}),
    }
    policy = shipped.model_copy(update={"categories": categories})

    for _ in range(2):
        assert cap(message(region, category, datetime(2026, 11, 25, tzinfo=UTC)), policy) == expected


def test_an_operators_row_for_a_state_of_a_country_without_one_holds_beside_the_default():
    row = {**FRENCH, "country": "SE", "subdivision": "AB", "hours": "Mo-Su 09:00-12:00"}
    policy = policies.read(document(row))

    assert [rule.id for rule in rules_for("SE-AB", "promotional", policy)] == ["default", "se-ab"]


def test_a_policy_whose_holidays_nobody_knows_is_refused_when_it_is_read():
    """In a process of its own, in which the package cannot be imported."""
    program = """
import sys
sys.modules["holidays"] = None
from smsqueue import policy_file
from smsqueue.core import policy
from smsqueue.errors import InvalidPolicy
shipped = policy_file.document(None)
try:
    policy.read(shipped)
except InvalidPolicy as error:
    print(error)
shipped["categories"] = {"otp": shipped["categories"]["otp"]}
shipped["aliases"] = {}
print(policy.read(shipped).categories.keys())
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert "smsqueue[holidays]" in told
    assert "default, us-al" in told
    assert "dict_keys(['otp'])" in told


def test_where_no_row_says_when_it_is_quiet_nothing_goes():
    """A message whose category is gone is treated by the table, which may have lost its row for everywhere."""
    found = document()
    found["hours"] = [FRENCH]
    del found["categories"]["promotional"], found["aliases"]["marketing"]
    now = at(PARIS, "2026-11-24T12:00")
    policy = policies.read(found)

    assert hours(message("DE", "gone", now + timedelta(hours=4)), policy, now) == End(State.EXPIRED, Reason.NO_WINDOW)
    assert hours(message("FR", "gone", now + timedelta(hours=4)), policy, now) == now + timedelta(hours=4)


def test_courtesy_hours_may_name_holidays_too():
    with_holidays = {**document(), "quiet": {"open": "Mo-Su 08:00-21:00; PH 10:00-21:00", "guard": "60s"}}
    now = at(PARIS, "2026-12-25T09:00")
    got = hours(message("FR", "service", now + timedelta(hours=4)), policies.read(with_holidays), now)

    assert got == Hold(at(PARIS, "2026-12-25T10:01"), Reason.QUIET_HOURS)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param(lambda rows: rows[1:], 'for country "*" is missing', id="nothing for other countries"),
        pytest.param(
            lambda rows: [{**rows[0], "classes": ["service"]}, *rows[1:]],
            'for country "*" is missing',
            id="nothing about promotion for other countries",
        ),
        pytest.param(lambda rows: [*rows, rows[3]], "more than one row is about US-CA", id="a row twice"),
        pytest.param(
            lambda rows: [{**rows[0], "hours": "8-20"}, *rows[1:]], 'hours.0.hours: cannot read "8-20"', id="bad hours"
        ),
    ],
)
def test_a_table_that_leaves_somebody_without_hours_is_refused(change, sentence):
    changed = document()
    changed["hours"] = change(changed["hours"])

    with pytest.raises(InvalidPolicy) as caught:
        policies.read(changed)

    assert sentence in str(caught.value)


# --- holidays ---------------------------------------------------------------------------------


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("region", "on", "expected"),
    [
        pytest.param("FR", "2026-12-25", True, id="Christmas in France"),
        pytest.param("FR", "2026-12-26", False, id="the day after"),
        pytest.param("FR-57", "2026-12-26", True, id="in the Moselle"),
        pytest.param("FR-75", "2026-12-25", True, id="in Paris, which has none of its own"),
        pytest.param("FR-75", "2026-12-26", False, id="in Paris, the day after"),
        pytest.param("DE-BY", "2026-11-01", True, id="All Saints in Bavaria"),
        pytest.param("DE", "2026-11-01", False, id="not in all of Germany"),
        pytest.param("US", "2026-07-03", True, id="observed on a Friday"),
        pytest.param("US", "2026-07-04", True, id="and on its day"),
        pytest.param("US-FL", "2026-02-16", True, id="a federal holiday that the state does not keep"),
        pytest.param("TA", "2026-12-25", True, id="Tristan da Cunha"),
        pytest.param("FR", "2039-12-25", True, id="years ahead"),
    ],
)
def test_holidays_are_the_countrys_and_the_subdivisions(region, on, expected):
    assert public_holidays.of(region)(day(on)) is expected


def test_equal_holidays_are_the_same_test_so_that_calendars_are_shared():
    assert public_holidays.of("FR-75") is public_holidays.of("FR")
    assert public_holidays.of("FR-57") is not public_holidays.of("FR")


def test_the_holidays_of_every_country_with_a_clock_are_known():
    assert [region for region in zones._countries() if public_holidays.of(region) is None] == []
    assert public_holidays.of("001") is None
    assert public_holidays.of("UK") is None
    assert public_holidays.of("") is None


# --- what is promised, by another way ---------------------------------------------------------


class Dates(NamedTuple):
    """Days since 1970 as a test of dates, and a readable counterexample."""

    days: frozenset[int]

    def __call__(self, on: int) -> bool:
        return on in self.days


@st.composite
def dated(draw):
    """Rules with holidays around the instant: today, yesterday, tomorrow by one clock or another."""
    moment = draw(instants)
    rules = []
    for _ in range(draw(st.integers(1, 2))):
        schedule = draw(schedules)
        holiday = draw(st.sampled_from([(), (), None, ((0, 1440),), ((600, 720),), ((0, 60), (1380, 1440))]))
        around = draw(st.frozensets(st.integers(-3, 3), max_size=4))
        rules.append(Dated(Schedule(schedule.week, holiday), Dates(frozenset(moment // DAY + n for n in around))))
    return moment, tuple(rules)


date_lines = st.one_of(
    place_sets,
    st.sampled_from([("Pacific/Kiritimati", "Pacific/Pago_Pago"), ("Pacific/Apia",), ("Pacific/Kwajalein",)]),
)


def plain(names: tuple[str, ...], rules: tuple[Dated, ...], moment: int) -> bool:
    """Ask every wall clock, and the calendar on the wall beside it."""
    for name in names:
        local = wall(name, moment)
        on = local.date().toordinal() - date(1970, 1, 1).toordinal()
        minute = local.hour * 60 + local.minute
        for rule in rules:
            windows = rule.schedule.week[local.weekday()]
            if rule.schedule.holiday is not None and on in rule.is_holiday.days:
                windows = rule.schedule.holiday
            if not any(opens <= minute < closes for opens, closes in windows):
                return False
    return True


@properties
@given(date_lines, dated(), st.integers(-30 * HOUR, 30 * HOUR))
def test_open_is_what_every_clock_and_every_local_date_say(names, case, after):
    moment, rules = case

    assert Calendar(names, Together(rules), 0).allowed(moment + after) == plain(names, rules, moment + after)


@properties
@given(date_lines, dated())
def test_the_next_opening_skips_holidays_and_nothing_else(names, case):
    moment, rules = case
    found = Calendar(names, Together(rules), 0).next_open(moment)

    if found is not None:
        assert plain(names, rules, found)
        assert found == moment or not plain(names, rules, found - 1)
    until = min(moment + 2 * DAY if found is None else found, moment + 2 * DAY)
    for quiet in (*range(moment, until, 60), *range(moment - moment % 60 + 60, until, 60)):
        assert not plain(names, rules, quiet), (quiet, found)


@properties
@given(date_lines, dated(), st.sampled_from([1, 60, 120]), st.integers(-120, 120))
def test_a_clock_that_is_wrong_by_less_than_the_guard_never_sends_on_a_holiday(names, case, guard, error):
    moment, rules = case
    error = max(-guard, min(guard, error))
    if Calendar(names, Together(rules), guard).allowed(moment):
        assert plain(names, rules, moment + error)


@properties
@given(date_lines, dated(), guards)
def test_one_more_rule_never_opens_anything(names, case, guard):
    moment, rules = case
    loose, strict = Calendar(names, Together(rules[:1]), guard), Calendar(names, Together(rules), guard)

    assert loose.allowed(moment) or not strict.allowed(moment)
    opens = strict.next_open(moment)
    if opens is not None:
        assert loose.next_open(moment) <= opens


def test_a_holiday_on_a_day_that_did_not_exist_closes_nothing():
    apia = Calendar(
        ("Pacific/Apia",), Dated(Schedule(parse_schedule("24/7").week, ()), Dates(frozenset({day("2011-12-30")}))), 0
    )

    assert apia.allowed(int(at("Pacific/Apia", "2011-12-29T12:00").timestamp()))
    assert apia.allowed(int(at("Pacific/Apia", "2011-12-31T12:00").timestamp()))


EVERY_DAY = dict.fromkeys(range(7), (8, 21))
WEEKS = {
    # region: open hours by weekday from Monday, and whether holidays are closed
    "US": (EVERY_DAY, False),
    "US-FL": (dict.fromkeys(range(7), (8, 20)), False),
    "US-TX": ({**dict.fromkeys(range(6), (9, 21)), 6: (12, 21)}, False),
    "US-RI": ({**dict.fromkeys(range(5), (9, 18)), 5: (10, 17)}, True),
    "US-LA": (dict.fromkeys(range(6), (8, 20)), True),
    "US-PA": (EVERY_DAY, True),
    "FR": ({**dict.fromkeys(range(5), (8.5, 20)), 5: (10, 19)}, True),
    "ZA": ({**dict.fromkeys(range(5), (8, 20)), 5: (9, 13)}, True),
    "IT": (dict.fromkeys(range(6), (8, 22)), False),
    "BE": (dict.fromkeys(range(5), (9, 19)), True),
    "GB": (dict.fromkeys(range(7), (9, 20)), False),
    "SE": (dict.fromkeys(range(6), (10, 20)), True),
    "NZ": (dict.fromkeys(range(6), (10, 20)), True),
    "KI": (dict.fromkeys(range(6), (10, 20)), True),
    "CL": (dict.fromkeys(range(6), (10, 20)), True),
    "EG": (dict.fromkeys(range(6), (10, 20)), True),
}


@cache
def closed_days(region: str, year: int) -> frozenset[date]:
    country, _, state = region.partition("-")
    own = set(holidays.country_holidays(country, subdiv=state, years=year)) if state else set()
    return frozenset(own | set(holidays.country_holidays(country, years=year)))


def may(region: str, moment: datetime) -> bool:
    """Whether the shipped table allows a promotion: written down a second time, asked of every wall clock."""
    week, closed = WEEKS[region]
    for name in zones._countries()[region[:2]]:
        local = moment.astimezone(ZoneInfo(name))
        opens, closes = week.get(local.weekday(), (0, 0))
        if closed and local.date() in closed_days(region, local.year):
            return False
        if not opens <= local.hour + local.minute / 60 < closes:
            return False
    return True


@st.composite
def near_holidays(draw):
    region = draw(st.sampled_from(sorted(WEEKS)))
    on = draw(st.sampled_from(sorted(closed_days(region, draw(st.sampled_from([2026, 2027]))))))
    noon = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    return region, noon + timedelta(seconds=draw(st.integers(-52 * HOUR, 52 * HOUR)))


@properties
@given(near_holidays(), st.integers(6, 80))
def test_no_promotion_goes_where_the_table_is_closed_and_none_waits_longer_than_it_must(shipped, case, validity):
    region, now = case
    got = hours(message(region, "promotional", now + timedelta(hours=validity)), shipped, now)

    def usable(start: datetime) -> bool:
        probes = (start - GUARD, start + MINUTE, start + 5 * MINUTE + GUARD - MINUTE / 60)
        return all(may(region, probe) for probe in probes)

    match got:
        case datetime():
            assert usable(now)
            assert all(may(region, now + (got - now) * part / 8) for part in range(8))
            assert got == now + timedelta(hours=validity) or not may(region, got + GUARD)
        case Hold(until):
            assert usable(until)
            assert not any(usable(now + n * STEP) for n in range(-(-(until - now) // STEP)))
        case End():
            last = now + timedelta(hours=validity) - 5 * MINUTE
            assert not any(usable(now + n * STEP) for n in range(-(-(last - now) // STEP)))


# --- too little in common, or nobody knows where -------------------------------------------------


def quiet_policy(**quiet):
    given = document()
    given["quiet"] = {**given["quiet"], **quiet}
    return policies.read(given)


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("region", "noted", "quiet", "expected"),
    [
        pytest.param("RU", "", {}, (11, Origin.COUNTRY), id="Russia has three hours in common"),
        pytest.param("RU", "", {"min_window": "4h"}, (11, Origin.COUNTRY, None), id="four are wanted: it never opens"),
        pytest.param(
            "RU", "~Europe/Moscow", {"min_window": "4h"}, (1, Origin.PREFIX), id="the prefix alone, if it is known"
        ),
        pytest.param(
            "RU", "", {"min_window": "4h", "instead": {"RU": "Europe/Moscow,Europe/Samara"}}, (2, Origin.POLICY),
            id="the policy's zones instead",
        ),
        pytest.param(
            "RU", "Europe/Kaliningrad,Asia/Kamchatka", {"min_window": "4h", "instead": {"RU": "Europe/Moscow"}},
            (2, Origin.GIVEN, None), id="nobody overrules the producer's",
        ),
        pytest.param(
            "FR", "", {"min_window": "4h", "open": "Mo-Su 10:00-11:00"}, (1, Origin.COUNTRY), id="all that one zone has"
        ),
        pytest.param("US", "~America/Chicago", {}, (1, Origin.PREFIX), id="the prefix alone, where area codes count"),
        pytest.param("001", "", {}, (0, Origin.NOBODY, None), id="nobody knows where"),
        pytest.param("001", "", {"instead": {"*": "Europe/Paris"}}, (1, Origin.POLICY), id="but the policy"),
    ],
)  # fmt: skip
def test_the_hours_that_zones_have_in_common_are_enough_or_not_used(region, noted, quiet, expected):
    policy = quiet_policy(**quiet)
    found = find(region, noted, policy.categories["service"], policy, NOON)

    noon = int(NOON.timestamp())
    behaviours = zones.distinct(found.zones, noon, noon + DAY)
    assert (len(behaviours), found.origin) == expected[:2]
    assert (found.calendar is None) == (len(expected) == 3)


def test_a_day_across_the_date_line_is_common_though_its_offsets_are_a_day_apart():
    """Kiribati and Samoa show the same hour, on different dates."""
    policy = quiet_policy(min_window="10h")

    assert find("KI", "Pacific/Kiritimati,Pacific/Honolulu", policy.categories["service"], policy, NOON).calendar


@pytest.mark.parametrize(
    ("quiet", "said"),
    [
        pytest.param({"min_window": "13h"}, "quiet: min_window lies between 0s and 12h", id="half a day in common"),
        pytest.param({"instead": {"UK": "Europe/London"}}, 'quiet: instead: there is no country "UK"', id="no country"),
        pytest.param({"instead": {"*": "London"}}, "quiet: instead.*: write IANA names", id="no zone"),
        pytest.param({"instead": {"*": ""}}, "quiet: instead.*: write IANA names", id="an empty zone"),
    ],
)
def test_what_is_wrong_about_zones_is_refused(quiet, said):
    with pytest.raises(InvalidPolicy) as caught:
        quiet_policy(**quiet)

    assert said in str(caught.value)
