"""Time zones: which there are, those of a country, and when their clocks change.

There is one time zone database: that of the package `tzdata`, never the system's, which may be years older.
"""

from __future__ import annotations

import io
import struct
import zoneinfo
from datetime import datetime, timedelta
from functools import cache, lru_cache
from importlib import resources
from typing import TypeAlias
from zoneinfo import ZoneInfo

import tzdata

from smsqueue.errors import InvalidMessage

zoneinfo.reset_tzpath(to=())  # what the process shows and what was decided agree

IANA_VERSION: str = tzdata.IANA_VERSION

LONGEST = 64
"""Bytes of the names of one message: they are a field of its envelope."""

DROPPED = frozenset({"America/Danmarkshavn", "Asia/Urumqi", "Europe/Simferopol"})
"""In a country's list, but nobody with a phone lives by them, or only by unofficial clocks."""

ADDED = {
    "AC": ("Atlantic/St_Helena",),  # Ascension and Tristan da Cunha: in ISO 3166 parts of Saint Helena
    "TA": ("Atlantic/St_Helena",),
    "XK": ("Europe/Belgrade",),  # Kosovo: not in ISO 3166; the same hours as all of its neighbours
}
"""Regions of the numbering plans for which the database has no row."""

Stretch: TypeAlias = tuple[int, int, int]
"""Start and end of a time with one UTC offset, and that offset; all in seconds."""

_SECOND = timedelta(seconds=1)
_DAY = 86_400
_STEP = 20 * _DAY  # no yearly rule changes the offset twice within so short a time (tested)
YEAR = 366 * _DAY
"""What is examined, and kept, at a time."""


def of_country(country: str) -> tuple[str, ...]:
    """Return all zones of a country, or of a region of the numbering plans; none when there is no such."""
    return _countries().get(country, ())


def check(explicit: str) -> None:
    """Accept zone names joined by commas. Raises InvalidMessage for `timezone`."""
    if not isinstance(explicit, str) or not named(explicit):
        raise InvalidMessage(
            "timezone",
            "unknown_zone",
            f"write an IANA name like Europe/London, or several joined by commas, in {LONGEST} characters",
        )


@lru_cache(maxsize=1024)
def same(name: str) -> bytes:
    """Return what is equal for two names of one zone, such as Europe/London and Europe/Guernsey."""
    return _content(name)


def distinct(names: tuple[str, ...], start: int, end: int) -> tuple[str, ...]:
    """Keep one zone of each behaviour: every other has, throughout [start, end), the offsets of one kept."""
    return _distinct(names, start // YEAR, (end - 1) // YEAR)


def stretches(name: str, start: int, end: int) -> list[Stretch]:
    """Cut [start, end) where a zone's UTC offset changes, to the second. Neighbours may share an offset."""
    return [
        (max(start, begun), min(end, ended), offset)
        for number in range(start // YEAR, (end - 1) // YEAR + 1)
        for begun, ended, offset in _slice(name, number)
        if begun < end and start < ended
    ]


@lru_cache(maxsize=4096)
def named(text: str) -> tuple[str, ...]:
    """Read names joined by commas; none when this process does not know one of them.

    A producer with a newer database may: nobody's knowledge, then.
    """
    names = tuple(text.split(","))
    return names if len(text) <= LONGEST and _known().issuperset(names) else ()


@cache
def _known() -> frozenset[str]:
    """Read the names of the package; `Factory` is none: it marks a machine that nobody has set up."""
    return frozenset(resources.files(tzdata).joinpath("zones").read_text("utf-8").split()) - {"Factory"}


@cache
def _countries() -> dict[str, tuple[str, ...]]:
    """Read the zones of each country from the package."""
    found: dict[str, tuple[str, ...]] = dict(ADDED)
    for line in resources.files(tzdata).joinpath("zoneinfo/zone.tab").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            country, _, name, *_ = line.split("\t")
            if name not in DROPPED:
                found[country] = (*found.get(country, ()), name)
    return found


@lru_cache(maxsize=4096)
def _distinct(names: tuple[str, ...], first: int, last: int) -> tuple[str, ...]:
    kept: dict[object, str] = {}
    for name in names:
        kept.setdefault(tuple(_slice(name, number) for number in range(first, last + 1)), name)
    return tuple(kept.values())


@lru_cache(maxsize=8192)
def _slice(name: str, number: int) -> tuple[Stretch, ...]:
    """Find the changes of offset in one slice of time: those that the file lists, then those of its last rule."""
    zone, listed = _zone(name)
    start, end = number * YEAR, (number + 1) * YEAR
    moments = [moment for moment in listed if start < moment < end]
    ruled = max(start, listed[-1]) if listed else start
    if ruled < end:
        moments += _sampled(zone, ruled, end)
    begun, offset = start, _offset(zone, start)
    found: list[Stretch] = []
    for moment in moments:
        if (changed := _offset(zone, moment)) != offset:
            found.append((begun, moment, offset))
            begun, offset = moment, changed
    return (*found, (begun, end, offset))


def _sampled(zone: ZoneInfo, at: int, end: int) -> list[int]:
    """Find changes by looking often enough, and by bisection where two looks differ."""
    found: list[int] = []
    offset = _offset(zone, at)
    while at < end:
        before, after = at, min(at + _STEP, end)
        at = after
        if _offset(zone, after) == offset:
            continue
        while after - before > 1:
            middle = (before + after) // 2
            if _offset(zone, middle) == offset:
                before = middle
            else:
                after = middle
        found.append(after)
        at, offset = after, _offset(zone, after)
    return found


@cache
def _zone(name: str) -> tuple[ZoneInfo, tuple[int, ...]]:
    """Load a zone from the package, since one that is built already may come from the system's database.

    With it the instants of change that its file lists, RFC 8536 §3.2; after the last of them a yearly rule holds.
    """
    content = _content(name)
    isut, isstd, leap, times, types, chars = struct.unpack_from(">6l", content, 20)
    second = 44 + 5 * times + 6 * types + chars + 8 * leap + isstd + isut  # behind the part of 32 bits
    (times,) = struct.unpack_from(">l", content, second + 32)
    return ZoneInfo.from_file(io.BytesIO(content)), struct.unpack_from(f">{times}q", content, second + 44)


def _content(name: str) -> bytes:
    return resources.files(tzdata).joinpath(f"zoneinfo/{name}").read_bytes()


def _offset(zone: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    return 0 if offset is None else offset // _SECOND
