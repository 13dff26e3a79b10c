"""When it is open in all places at once: exact on integer epoch seconds, in gaps, folds and skipped days.

An instant is open if, in every zone, the wall clock lies in a window of its local date's weekday.

* A zone is cut into segments of constant UTC offset. Inside one, wall clock and instant differ by a constant,
  so a window of a local day is one interval of instants. Gaps, folds and days that do not exist need no case.
* Intervals are half-open: at 21:00:00 the window 08:00-21:00 is over.
* `guard` seconds are cut off at both true ends of every open interval, never where a block happens to cut.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from smsqueue.core import zones

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAY = 86_400
BLOCK = 8 * DAY
"""What is computed and kept at a time."""
HORIZON = 40 * DAY
"""How far a search looks."""

_EPOCH = date(1970, 1, 1)
_MINUTES = 1440
_WEEK = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")

Interval: TypeAlias = tuple[int, int]
Windows: TypeAlias = tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Open minutes of the local day, per weekday from Monday: sorted, disjoint, within 0..1440.

    Public holidays will replace a day's windows here; the test is by local date, in `_open`.
    """

    week: tuple[Windows, ...]

    def __post_init__(self) -> None:
        if len(self.week) != len(_WEEK):
            raise ValueError("a week has seven days")
        for day in self.week:
            end = 0
            for start, stop in day:
                if not end <= start < stop <= _MINUTES:
                    raise ValueError("windows of a day are sorted, do not overlap, and lie between 00:00 and 24:00")
                end = stop


class Calendar:
    """Open intervals in a set of zones. Safe to share among threads: a block is only ever replaced by its equal."""

    def __init__(self, names: tuple[str, ...], schedule: Schedule, guard: int) -> None:
        if not names:
            raise ValueError("a calendar without a zone would always be open")
        self._names, self._schedule, self._guard = names, schedule, guard
        self._blocks: dict[int, tuple[list[int], list[int]]] = {}

    def allowed(self, at: int) -> bool:
        """Whether an instant is open."""
        return self._interval(at) is not None

    def next_open(self, at: int) -> int | None:
        """Return the first open instant from `at` on; None if there is none within the horizon."""
        if self.allowed(at):
            return at
        limit = at + HORIZON
        for number in range(at // BLOCK, limit // BLOCK + 1):
            starts, _ = self._block(number)
            index = bisect_right(starts, at)
            if index < len(starts):
                return starts[index] if starts[index] <= limit else None
        return None

    def open_until(self, at: int) -> int | None:
        """Return the first instant after an open one that is not; None if `at` is not. At most the horizon."""
        interval = self._interval(at)
        if interval is None:
            return None
        end, limit = interval[1], at + HORIZON
        while end % BLOCK == 0 and end < limit and (following := self._interval(end)) is not None:
            end = following[1]
        return min(end, limit)

    def _interval(self, at: int) -> Interval | None:
        starts, ends = self._block(at // BLOCK)
        index = bisect_right(starts, at) - 1
        return (starts[index], ends[index]) if index >= 0 and at < ends[index] else None

    def _block(self, number: int) -> tuple[list[int], list[int]]:
        block = self._blocks.get(number)
        if block is None:
            if len(self._blocks) >= 64:  # noqa: PLR2004 - a year and more; older ones are not asked for again
                self._blocks = {}
            block = self._blocks[number] = self._build(number)
        return block

    def _build(self, number: int) -> tuple[list[int], list[int]]:
        start, end, guard = number * BLOCK, (number + 1) * BLOCK, self._guard
        low, high = start - 2 * guard - 1, end + 2 * guard + 1  # so that only true ends lose the guard
        common: list[Interval] = [(low, high)]
        year = start // (365 * DAY) * (365 * DAY)
        for zone in zones.distinct(self._names, year - 365 * DAY):
            common = _both(common, _open(zone, self._schedule, low, high))
            if not common:
                break
        starts, ends = [], []
        for first, last in common:
            opens = max(start, first if first == low else first + guard)
            closes = min(end, last if last == high else last - guard)
            if opens < closes:
                starts.append(opens)
                ends.append(closes)
        return starts, ends


@lru_cache(maxsize=1024)
def calendar_for(names: tuple[str, ...], schedule: Schedule, guard: int) -> Calendar:
    """Share calendars: a few hundred answer for everybody."""
    return Calendar(names, schedule, guard)


def _open(zone: ZoneInfo, schedule: Schedule, start: int, end: int) -> list[Interval]:
    """Return the instants of [start, end) that one zone allows: sorted, touching ones merged."""
    found: list[Interval] = []
    for begun, ended, offset in zones.segments(zone, start, end):
        for day in range((begun + offset) // DAY, (ended + offset - 1) // DAY + 1):
            midnight = day * DAY - offset
            for first, last in schedule.week[(_EPOCH + timedelta(days=day)).weekday()]:
                opens, closes = max(begun, midnight + first * 60), min(ended, midnight + last * 60)
                if opens >= closes:
                    continue
                if found and found[-1][1] == opens:
                    found[-1] = (found[-1][0], closes)
                else:
                    found.append((opens, closes))
    return found


def _both(left: list[Interval], right: list[Interval]) -> list[Interval]:
    common: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        opens, closes = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if opens < closes:
            common.append((opens, closes))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return common


_RULE = re.compile(r"(?P<days>[A-Z][a-z](?:[-,][A-Z][a-z])*)\s+(?P<hours>off|[\d:,\- ]+)")
_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
_QUIET = re.compile(r"quiet:?\s+(\d\d):(\d\d)-(\d\d):(\d\d)")


@lru_cache(maxsize=256)
def parse_schedule(text: str) -> Schedule:
    """Read opening hours: `Mo-Fr 08:00-20:00; Sa 10:00-20:00; Su off`, `24/7`, or `quiet 21:00-08:00`.

    Later rules override earlier ones for the days they name; days that none names are closed. Raises
    ValueError with what would be right.
    """
    text = text.strip()
    if text == "24/7":
        return Schedule((((0, _MINUTES),),) * 7)
    if match := _QUIET.fullmatch(text):
        return _complement(_minute(match[1], match[2]), _minute(match[3], match[4]))
    week: list[Windows] = [()] * 7
    rules = [rule.strip() for rule in text.split(";") if rule.strip()]
    if not rules:
        raise ValueError('hours are empty: write "Mo-Su 08:00-21:00", "24/7" or "quiet 21:00-08:00"')
    for rule in rules:
        match = _RULE.fullmatch(rule)
        if match is None:
            raise ValueError(f'cannot read "{rule}": write days and hours, "Mo-Sa 08:00-20:00" or "Su off"')
        windows = () if match["hours"] == "off" else _windows(match["hours"])
        for day in _days(match["days"]):
            week[day] = windows
    return Schedule(tuple(week))


def _windows(text: str) -> Windows:
    found = []
    for part in text.split(","):
        match = _HOURS.fullmatch(part.strip())
        if match is None:
            raise ValueError(f'cannot read hours "{part.strip()}": write HH:MM-HH:MM')
        opens, closes = _minute(match[1], match[2]), _minute(match[3], match[4])
        if opens >= closes:
            raise ValueError(f'"{part.strip()}" ends before it starts: split what crosses midnight at 24:00')
        found.append((opens, closes))
    return tuple(sorted(found))


def _days(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        ends = part.split("-")
        if any(day not in _WEEK for day in ends):
            raise ValueError(f'unknown day in "{part}": {", ".join(_WEEK)}')
        first, last = _WEEK.index(ends[0]), _WEEK.index(ends[-1])
        found += [day % 7 for day in range(first, last + (7 if last < first else 0) + 1)]
    return found


def _minute(hours: str, minutes: str) -> int:
    at = int(hours) * 60 + int(minutes)
    if at > _MINUTES or int(minutes) > 59:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(f"{hours}:{minutes} is no time of day between 00:00 and 24:00")
    return at


def _complement(start: int, end: int) -> Schedule:
    """Return the open hours of a quiet period. start == end: never quiet; start > end crosses midnight."""
    if start == end:
        day: Windows = ((0, _MINUTES),)
    elif start < end:
        day = tuple(part for part in ((0, start), (end, _MINUTES)) if part[0] < part[1])
    else:
        day = ((end, start),) if end < start else ()
    return Schedule((day,) * 7)
