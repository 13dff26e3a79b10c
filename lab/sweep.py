"""A year, instant by instant, for every region: whether the calendars agree with the clocks on the wall.

The oracle shares no line with the calendars: it asks `astimezone` of each zone in the country's list, reads the hours'
text in a way of its own, and the package `holidays` itself. `make sweep` walks every ten minutes of a year; a part of
it belongs to the tests.
"""

from __future__ import annotations

import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import NamedTuple
from zoneinfo import ZoneInfo

import holidays
import tzdata
from phonenumbers import SUPPORTED_REGIONS

from smsqueue import policy_file
from smsqueue.core import policy as policies
from smsqueue.core.rules.hours import find, rules_for

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = datetime(2026, 11, 24, tzinfo=UTC)
YEAR = timedelta(days=365)
STEP = timedelta(minutes=10)
CATEGORIES = ("promotional", "service")
DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


class Swept(NamedTuple):
    """What came of one region."""

    region: str
    instants: int
    open: int
    different: int


def policy() -> policies.Policy:
    """Return the package's own policy, with its table of the world."""
    return policies.read(policy_file.document(None))


def regions() -> list[str]:
    """List every region of the numbering plans, and every state that has a rule of its own."""
    return sorted({*SUPPORTED_REGIONS, *(row.place for row in policy().hours if row.subdivision)})


def sweep(region: str, start: datetime = START, length: timedelta = YEAR, step: timedelta = STEP) -> Swept:
    """Compare calendars and clocks in one region."""
    rules = policy()
    guard = rules.quiet.guard
    instants = opens = different = 0
    for name in CATEGORIES:
        calendar = find(region, "", rules.category(name), rules, start).calendar
        if calendar is None:
            raise LookupError(f"no calendar for {name} in {region}")
        hours = tuple(rule.hours for rule in rules_for(region, name, rules))
        at = start
        while at < start + length:
            expected = all(_open(region, hours, moment) for moment in (at - guard, at, at + guard))
            different += calendar.allowed((at - EPOCH) // timedelta(seconds=1)) is not expected
            opens += expected
            instants += 1
            at += step
    return Swept(region, instants, opens, different)


def _open(region: str, hours: tuple[str, ...], at: datetime) -> bool:
    country = region[:2]
    for zone in _zones(country):
        local = at.astimezone(zone)
        minute = local.hour * 60 + local.minute
        for text in hours:
            week = _week(text)
            on = "PH" if "PH" in week and local.date() in _holidays(region, local.year) else DAYS[local.weekday()]
            if not any(first <= minute < last for first, last in week.get(on, ())):
                return False
    return True


@cache
def _zones(country: str) -> tuple[ZoneInfo, ...]:
    dropped = {"America/Danmarkshavn", "Asia/Urumqi", "Europe/Simferopol"}
    added = {"AC": ["Atlantic/St_Helena"], "TA": ["Atlantic/St_Helena"], "XK": ["Europe/Belgrade"]}
    rows = [line.split("\t") for line in resources.files(tzdata).joinpath("zoneinfo/zone.tab").read_text().splitlines()]
    names = added.get(country) or [row[2] for row in rows if row[0] == country and row[2] not in dropped]
    return tuple(ZoneInfo(name) for name in names)


@cache
def _week(text: str) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for part in text.split("; "):
        named, _, windows = part.partition(" ")
        minutes = [int(hour) * 60 + int(minute) for hour, minute in re.findall(r"(\d\d):(\d\d)", windows)]
        for item in named.split(","):
            first, _, last = item.partition("-")
            every = [first] if not last else DAYS[DAYS.index(first) : DAYS.index(last) + 1]
            for day in every:
                found[day] = list(zip(minutes[::2], minutes[1::2], strict=True))
    return found


@cache
def _holidays(region: str, year: int) -> frozenset[date]:
    country, _, state = {"AC": "SH-AC", "TA": "SH-TA"}.get(region, region).partition("-")
    own = holidays.country_holidays(country, subdiv=state, years=year) if state else ()
    return frozenset({*own, *holidays.country_holidays(country, years=year)})


def main() -> int:
    """Sweep the world, and say what was found."""
    began, every = time.monotonic(), regions()
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(sweep, every, chunksize=4))
    for one in found:
        if one.different:
            print(f"{one.region}: {one.different:,} of {one.instants:,} instants differ")
    asked, different = sum(one.instants for one in found), sum(one.different for one in found)
    print(
        f"{len(found)} regions and states, {' and '.join(CATEGORIES)}, every {STEP} of a year from {START:%Y-%m-%d}, "
        f"tz {tzdata.IANA_VERSION}: {asked:,} instants, {sum(one.open for one in found):,} open, "
        f"differences: {different} ({time.monotonic() - began:.0f} s)"
    )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
