"""When it is open in all places at once: exact on integer epoch seconds, in gaps, folds and skipped days.

An instant is open if, in every zone, the wall clock lies in a window of its local date. Weekdays and public
holidays are those of that date.

* A zone is cut into stretches of one UTC offset. Inside one, wall clock and instant differ by a constant, so
  a window of a local day is one interval of instants. Gaps, folds and days that do not exist need no case.
* Intervals are half-open: at 21:00:00 the window 08:00-21:00 is over.
* `guard` seconds are cut off at both ends of every open interval, but not where a block happens to cut it.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING

from smsqueue.core import zones
from smsqueue.core.schedule import intersect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smsqueue.core.schedule import Hours, Interval, Windows

DAY = 86_400
BLOCK = 8 * DAY
"""What is computed, and kept, at a time."""
HORIZON = 40 * DAY
"""How far a search looks."""

_SEASON = 11  # blocks
_BLOCKS_KEPT = 64  # more than a year


class Calendar:
    """Open intervals in a set of zones. Threads may share it: what two of them compute at once is equal."""

    def __init__(self, names: tuple[str, ...], hours: Hours, guard: int) -> None:
        if not names:
            raise ValueError("a calendar needs a zone: without any it would always be open")
        if guard < 0:
            raise ValueError("a guard takes time away, so it is not negative")
        self._names, self._hours, self._guard = names, hours, guard
        self._blocks: dict[int, tuple[list[int], list[int]]] = {}

    def window(self, at: int) -> Interval | None:
        """Return the first open time from `at` on: when it opens, or `at` itself, and the first closed instant after.

        None if nothing opens within the horizon, which is also the farthest that an end is looked for.
        """
        number = at // BLOCK
        starts, ends = self._block(number)
        index = bisect_right(ends, at)
        while index == len(ends):
            number += 1
            if number * BLOCK > at + HORIZON:
                return None
            starts, ends = self._block(number)
            index = 0
        opens, closes = starts[index], ends[index]
        if opens > at + HORIZON:
            return None
        opens = max(opens, at)
        while closes % BLOCK == 0 and closes < opens + HORIZON:  # it may go on in the next block
            starts, ends = self._block(closes // BLOCK)
            if not starts or starts[0] != closes:
                break
            closes = ends[0]
        return opens, min(closes, opens + HORIZON)

    def allowed(self, at: int) -> bool:
        """Whether an instant is open."""
        starts, ends = self._block(at // BLOCK)
        index = bisect_right(ends, at)
        return index < len(ends) and starts[index] <= at

    def next_open(self, at: int) -> int | None:
        """Return the first open instant from `at` on; None if there is none within the horizon."""
        found = self.window(at)
        return found[0] if found else None

    def open_until(self, at: int) -> int | None:
        """Return the first closed instant after an open one, or the horizon; None if `at` is closed."""
        found = self.window(at)
        return found[1] if found and found[0] == at else None

    def longest(self, number: int) -> int:
        """Return the seconds of the longest open interval in one block."""
        return max((closes - opens for opens, closes in zip(*self._block(number), strict=True)), default=0)

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
        common: Windows = ((low, high),)
        first, last = low // DAY - 1, high // DAY + 1  # dates differ by a day at most from those of UTC
        days = {day: self._hours.windows(day) for day in range(first, last + 1)}
        for name in zones.distinct(self._names, low, high):
            common = intersect(common, _open(name, days, low, high))
        usable = [(opens + guard, closes - guard) for opens, closes in common if closes - opens > 2 * guard]
        return [opens for opens, _ in usable], [closes for _, closes in usable]


@lru_cache(maxsize=1024)
def calendar_for(names: tuple[str, ...], hours: Hours, guard: int) -> Calendar:
    """Share calendars: a few hundred answer for everybody."""
    return Calendar(names, hours, guard)


def shared(names: tuple[str, ...], hours: Hours, at: int, least: int) -> bool:
    """Whether zones have enough hours in common: on the best day of each of four weeks, a season apart.

    Enough is `least` seconds at a stretch, or all that there is in one zone alone.
    """
    year = at // zones.YEAR * zones.YEAR
    offsets = [offset for name in names for _, _, offset in zones.stretches(name, year, year + zones.YEAR)]
    calendar = Calendar(names, hours, 0)
    for number in range(year // BLOCK, (year + zones.YEAR) // BLOCK, _SEASON):
        days = range(number * BLOCK // DAY, (number + 1) * BLOCK // DAY)
        alone = max((closes - opens for day in days for opens, closes in hours.windows(day)), default=0) * 60
        enough = min(least, alone)
        apart = max(offsets) - min(offsets)  # what they have in common is less by no more than that
        if alone - apart < enough and calendar.longest(number) < enough:
            return False
    return True


def _open(name: str, days: Mapping[int, Windows], start: int, end: int) -> Windows:
    """Return the instants of [start, end) that one zone allows: sorted, touching ones merged."""
    found: list[Interval] = []
    for begun, ended, offset in zones.stretches(name, start, end):
        for day in range((begun + offset) // DAY, (ended + offset - 1) // DAY + 1):
            midnight = day * DAY - offset
            for first, last in days[day]:
                opens, closes = max(begun, midnight + first * 60), min(ended, midnight + last * 60)
                if opens >= closes:
                    continue
                if found and found[-1][1] == opens:
                    found[-1] = (found[-1][0], closes)
                else:
                    found.append((opens, closes))
    return tuple(found)
