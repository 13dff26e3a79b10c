"""When it is open in all places at once: exact on integer epoch seconds, in gaps, folds and skipped days.

An instant is open if, in every zone, the wall clock lies in a window of its local date.

* A zone is cut into stretches of one UTC offset. Inside one, wall clock and instant differ by a constant, so
  a window of a local day is one interval of instants. Gaps, folds and days that do not exist need no case.
* Intervals are half-open: at 21:00:00 the window 08:00-21:00 is over.
* `guard` seconds are cut off at both ends of every open interval, but not where a block happens to cut it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from smsqueue.core import zones

DAY = 86_400
BLOCK = 8 * DAY
"""What is computed, and kept, at a time."""
HORIZON = 40 * DAY
"""How far a search looks."""

_BLOCKS_KEPT = 64  # more than a year
_MIDNIGHT = 1440  # the last minute of a day, 24:00
_WEEK = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday

Interval: TypeAlias = tuple[int, int]
Windows: TypeAlias = tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Open minutes of the local day, per weekday from Monday: sorted, disjoint, within 0..1440."""

    week: tuple[Windows, ...]

    def __post_init__(self) -> None:
        if len(self.week) != len(_WEEK):
            raise ValueError("a week has seven days")
        for day in self.week:
            end = 0
            for opens, closes in day:
                if not end <= opens < closes <= _MIDNIGHT:
                    raise ValueError("windows of a day are sorted, do not overlap, and lie in 00:00-24:00")
                end = closes

    @classmethod
    def from_quiet(cls, start_minute: int, end_minute: int) -> Schedule:
        """Return the complement of a daily quiet period.

        An end before the start crosses midnight; an end equal to the start means never quiet.
        """
        if start_minute < end_minute:
            day = tuple((a, b) for a, b in ((0, start_minute), (end_minute, _MIDNIGHT)) if a < b)
        elif start_minute > end_minute:
            day = ((end_minute, start_minute),)
        else:
            day = ((0, _MIDNIGHT),)
        return cls((day,) * len(_WEEK))

    def windows(self, day: int) -> Windows:
        """Return the open minutes of a local date, counted in days since 1 January 1970.

        Nothing else knows what makes one date unlike another: public holidays belong here.
        """
        return self.week[(day + _EPOCH_WEEKDAY) % len(_WEEK)]


class Calendar:
    """Open intervals in a set of zones. Threads may share it: what two of them compute at once is equal."""

    def __init__(self, names: tuple[str, ...], schedule: Schedule, guard: int) -> None:
        if not names:
            raise ValueError("a calendar needs a zone: without any it would always be open")
        if guard < 0:
            raise ValueError("a guard takes time away, so it is not negative")
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
        """Return the first closed instant after an open one, or the horizon; None if `at` is closed."""
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
            block = self._build(number)
            kept = self._blocks if len(self._blocks) < _BLOCKS_KEPT else {}
            kept[number] = block
            self._blocks = kept
        return block

    def _build(self, number: int) -> tuple[list[int], list[int]]:
        guard = self._guard
        low, high = number * BLOCK - guard, (number + 1) * BLOCK + guard  # cut there, the guard ends at the block
        common: list[Interval] = [(low, high)]
        for name in zones.distinct(self._names, low, high):
            common = _both(common, _open(name, self._schedule, low, high))
        usable = [(opens + guard, closes - guard) for opens, closes in common if closes - opens > 2 * guard]
        return [opens for opens, _ in usable], [closes for _, closes in usable]


@lru_cache(maxsize=1024)
def calendar_for(names: tuple[str, ...], schedule: Schedule, guard: int) -> Calendar:
    """Share calendars: a few hundred answer for everybody."""
    return Calendar(names, schedule, guard)


def _open(name: str, schedule: Schedule, start: int, end: int) -> list[Interval]:
    """Return the instants of [start, end) that one zone allows: sorted, touching ones merged."""
    found: list[Interval] = []
    for begun, ended, offset in zones.stretches(name, start, end):
        for day in range((begun + offset) // DAY, (ended + offset - 1) // DAY + 1):
            midnight = day * DAY - offset
            for first, last in schedule.windows(day):
                opens, closes = max(begun, midnight + first * 60), min(ended, midnight + last * 60)
                if opens >= closes:
                    continue
                if found and found[-1][1] == opens:
                    found[-1] = (found[-1][0], closes)
                else:
                    found.append((opens, closes))
    return found


def _both(left: list[Interval], right: list[Interval]) -> list[Interval]:
    """Intersect two sorted rows of disjoint intervals."""
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


@lru_cache(maxsize=256)
def parse_schedule(text: str) -> Schedule:
    """Read hours: `Mo-Fr 08:00-20:00; Sa 10:00-20:00; Su off`, `24/7`, or `quiet 21:00-08:00`.

    The first is a subset of OpenStreetMap's opening hours: later rules override earlier ones for the days
    they name, days that none names are closed. Raises ValueError that says what would be right.
    """
    plain = _AROUND.sub(r"\1", " ".join(text.split()))
    if quiet := _QUIET.fullmatch(plain):
        schedule = Schedule.from_quiet(*_period(quiet[1]))
    else:
        schedule = _ALWAYS if plain == "24/7" else _weekly(plain)
    if not any(schedule.week):
        raise ValueError(f'"{plain}" never opens: nothing would ever be sent')
    return schedule


def _weekly(text: str) -> Schedule:
    week: list[Windows] = [()] * len(_WEEK)
    rules = [rule for rule in text.split(";") if rule]
    if not rules:
        raise ValueError('there are no hours: write "Mo-Su 08:00-21:00", "24/7" or "quiet 21:00-08:00"')
    for rule in rules:
        days, _, hours = rule.partition(" ")
        if not hours:
            raise ValueError(f'cannot read "{rule}": write days and hours, "Mo-Su 08:00-21:00", or "Su off"')
        windows = () if hours == "off" else tuple(sorted(_window(part) for part in hours.split(",")))
        for day in _days(days):
            week[day] = windows
    return Schedule(tuple(week))


def _days(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        last = last or first
        if "PH" in (first, last):
            raise ValueError('"PH" needs a calendar of public holidays, and there is none: leave it out')
        if first not in _WEEK or last not in _WEEK:
            raise ValueError(f'cannot read the days "{part}": write {", ".join(_WEEK)}, or a range, "Mo-Fr"')
        start = _WEEK.index(first)
        found += [(start + after) % 7 for after in range((_WEEK.index(last) - start) % 7 + 1)]
    return found


def _window(text: str) -> Interval:
    opens, closes = _period(text)
    if opens >= closes:
        raise ValueError(f'"{text}" ends before it starts: split what crosses midnight, at 24:00 and 00:00')
    return opens, closes


def _period(text: str) -> Interval:
    match = _HOURS.fullmatch(text)
    if match is None:
        raise ValueError(f'cannot read the hours "{text}": write HH:MM-HH:MM, between 00:00 and 24:00')
    return int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])


_ALWAYS = Schedule.from_quiet(0, 0)
_QUIET = re.compile(r"quiet:? ?(\S*)")
_AROUND = re.compile(r"\s*([;,-])\s*")
_TIME = r"(?=[01]|2[0-3]|24:00)([0-9]{2}):([0-5][0-9])"
_HOURS = re.compile(f"{_TIME}-{_TIME}")
