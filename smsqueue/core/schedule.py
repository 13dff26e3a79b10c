"""Which minutes of a local day are open: by the week, and on public holidays."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Protocol, TypeAlias

MIDNIGHT = 1440
"""The last minute of a day, 24:00."""

_WEEK = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_HOLIDAY = "PH"
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday

Interval: TypeAlias = tuple[int, int]
Windows: TypeAlias = tuple[Interval, ...]
HolidayTest: TypeAlias = Callable[[int], bool]
"""Whether a local date, counted in days since 1 January 1970, is a public holiday."""


class Hours(Protocol):
    """What a calendar asks. Equal hours are equal, so that calendars can be shared."""

    def windows(self, day: int) -> Windows:
        """Return the open minutes of a local date, counted in days since 1 January 1970."""
        ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """Open minutes of the local day, per weekday from Monday: sorted, disjoint, within 0..1440.

    `holiday` are those of a public holiday; None: a holiday is a day like any other.
    """

    week: tuple[Windows, ...]
    holiday: Windows | None = None

    def __post_init__(self) -> None:
        if len(self.week) != len(_WEEK):
            raise ValueError("a week has seven days")
        for day in (*self.week, self.holiday or ()):
            end = 0
            for opens, closes in day:
                if not end <= opens < closes <= MIDNIGHT:
                    raise ValueError("windows of a day are sorted, do not overlap, and lie in 00:00-24:00")
                end = closes

    @classmethod
    def from_quiet(cls, start_minute: int, end_minute: int) -> Schedule:
        """Return the complement of a daily quiet period.

        An end before the start crosses midnight; an end equal to the start means never quiet.
        """
        if start_minute < end_minute:
            day = tuple((a, b) for a, b in ((0, start_minute), (end_minute, MIDNIGHT)) if a < b)
        elif start_minute > end_minute:
            day = ((end_minute, start_minute),)
        else:
            day = ((0, MIDNIGHT),)
        return cls((day,) * len(_WEEK))

    @property
    def longest(self) -> int:
        """The minutes of its longest time without a closing; seven days if it never closes."""
        best = run = 0
        for day in (*self.week, *self.week):
            for opens, closes in day or ((0, 0),):
                run = run + closes if opens == 0 else closes - opens
                best = max(best, run)
                run = run if closes == MIDNIGHT else 0
        return min(best, len(_WEEK) * MIDNIGHT)

    def windows(self, day: int) -> Windows:
        """Return the open minutes of a local date. Raises ValueError when it would have to know the holidays."""
        if self.holiday is not None:
            raise ValueError("these hours name public holidays (PH): say whose, with Dated")
        return self.week[(day + _EPOCH_WEEKDAY) % len(_WEEK)]


@dataclass(frozen=True, slots=True)
class Dated:
    """A schedule, and the public holidays that it goes by."""

    schedule: Schedule
    is_holiday: HolidayTest

    def windows(self, day: int) -> Windows:
        """Return the open minutes of a local date."""
        holiday = self.schedule.holiday
        if holiday is not None and self.is_holiday(day):
            return holiday
        return self.schedule.week[(day + _EPOCH_WEEKDAY) % len(_WEEK)]


@dataclass(frozen=True, slots=True)
class Together:
    """Several hours at once: open is what all of them open."""

    every: tuple[Hours, ...]

    def windows(self, day: int) -> Windows:
        """Return the open minutes of a local date."""
        common: Windows = ((0, MIDNIGHT),)
        for hours in self.every:
            common = intersect(common, hours.windows(day))
        return common


def intersect(left: Windows, right: Windows) -> Windows:
    """Return what two sorted rows of disjoint intervals have in common."""
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
    return tuple(common)


@lru_cache(maxsize=256)
def parse_schedule(text: str) -> Schedule:
    """Read hours: `Mo-Fr 08:00-20:00; Sa 10:00-20:00; Su,PH off`, `24/7`, or `quiet: 21:00-08:00`.

    The first is a subset of OpenStreetMap's opening hours: later rules override earlier ones for the days
    they name, days that none names are closed. PH are public holidays: their hours replace the weekday's; without
    any, a holiday is a day like any other. Raises ValueError that says what would be right.
    """
    plain = _AROUND.sub(r"\1", " ".join(text.split()))
    schedule = Schedule.from_quiet(*_period(quiet[1])) if (quiet := _QUIET.fullmatch(plain)) else _weekly(plain)
    if not any(schedule.week):
        raise ValueError(f'"{plain}" never opens: nothing would ever be sent')
    return schedule


def _weekly(text: str) -> Schedule:
    days: dict[str, Windows] = dict.fromkeys(_WEEK, ())
    rules = [rule for rule in text.split(";") if rule]
    if not rules:
        raise ValueError('there are no hours: write "Mo-Su 08:00-21:00", "24/7" or "quiet: 21:00-08:00"')
    for rule in rules:
        if rule == "24/7":
            days.update(dict.fromkeys(_WEEK, ((0, MIDNIGHT),)))
            continue
        named, _, hours = rule.partition(" ")
        if not hours:
            raise ValueError(f'cannot read "{rule}": write days and hours, "Mo-Su 08:00-21:00", or "Su off"')
        days.update(dict.fromkeys(_days(named), _windows(hours)))
    return Schedule(tuple(days[name] for name in _WEEK), days.get(_HOLIDAY))


def _days(text: str) -> list[str]:
    found: list[str] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if part == _HOLIDAY:
            found.append(_HOLIDAY)
            continue
        last = last if dash else first
        if first not in _WEEK or last not in _WEEK:
            raise ValueError(
                f'cannot read the days "{part}": write {", ".join(_WEEK)}, a range, "Mo-Fr", or PH for public holidays'
            )
        start = _WEEK.index(first)
        found += [_WEEK[(start + after) % 7] for after in range((_WEEK.index(last) - start) % 7 + 1)]
    return found


def _windows(text: str) -> Windows:
    if text == "off":
        return ()
    windows = sorted(_window(part) for part in text.split(","))
    for (_, closes), (opens, _) in pairwise(windows):
        if opens < closes:
            raise ValueError(f'the windows of "{text}" overlap: write what they cover together as one')
    return tuple(windows)


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


_QUIET = re.compile(r"quiet:? ?(\S*)")
_AROUND = re.compile(r"\s*([;,-])\s*")
_TIME = r"(?=[01]|2[0-3]|24:00)([0-9]{2}):([0-5][0-9])"
_HOURS = re.compile(f"{_TIME}-{_TIME}")
