"""Where the recipient may be: the zones that a producer names, else every zone of the number's country.

The time zone database is the package `tzdata`, never the system's, which may be years older.
"""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import tzdata

from smsqueue.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

zoneinfo.reset_tzpath(to=())  # before any zone is built: built ones stay

IANA_VERSION: str = tzdata.IANA_VERSION

EXCEPTIONS = frozenset({"Asia/Urumqi", "Europe/Simferopol", "America/Danmarkshavn"})
"""Listed for their country, but nobody lives by them, or the country's other zone is the stricter reading."""

_SAME_UNTIL = 3 * 365 * 86_400
_SAMPLE = 43_200
"""Far below 166 h, the shortest time between two transitions of any zone from 2000 to 2037."""
_LONGEST = 64  # bytes: a field of the envelope


def set_of(*, region: str, explicit: str) -> tuple[str, ...]:
    """Return candidate zones; none when nobody knows: the caller treats that as quiet."""
    if explicit:
        return tuple(explicit.split(","))
    return _countries().get(region, ())


def check(explicit: str) -> None:
    """Accept zone names joined by commas. Raises InvalidMessage for `timezone`."""
    known = isinstance(explicit, str) and len(explicit) <= _LONGEST and all(_is_zone(n) for n in explicit.split(","))
    if not known:
        raise InvalidMessage("timezone", "unknown_zone", "write IANA names like Europe/London, joined by commas")


@lru_cache(maxsize=4096)
def distinct(names: tuple[str, ...], since: int) -> tuple[ZoneInfo, ...]:
    """Keep one zone of each that behave the same in the three years from `since` (s): the calendar gets cheap."""
    kept: dict[tuple[object, ...], ZoneInfo] = {}
    for name in names:
        zone = ZoneInfo(name)
        kept.setdefault(_behaviour(zone, since), zone)
    return tuple(kept.values())


def _behaviour(zone: ZoneInfo, since: int) -> tuple[object, ...]:
    return tuple(segments(zone, since, since + _SAME_UNTIL))


def segments(zone: ZoneInfo, start: int, end: int) -> list[tuple[int, int, int]]:
    """Cut [start, end) where the UTC offset changes: start, end, offset of each. Exact to the second."""
    found: list[tuple[int, int, int]] = []
    begun, offset, at = start, _offset(zone, start), start
    while at < end:
        probe = min(at + _SAMPLE, end)
        if _offset(zone, probe) == offset:
            at = probe
            continue
        before, after = at, probe
        while after - before > 1:
            middle = (before + after) // 2
            if _offset(zone, middle) == offset:
                before = middle
            else:
                after = middle
        found.append((begun, after, offset))
        begun, offset, at = after, _offset(zone, after), after
    if begun < end:
        found.append((begun, end, offset))
    return found


def _offset(zone: ZoneInfo, at: int) -> int:
    local = datetime.fromtimestamp(at, UTC).astimezone(zone)
    offset = local.utcoffset()
    return 0 if offset is None else offset // timedelta(seconds=1)


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    return name in zoneinfo.available_timezones() and not name.startswith(("Etc/Unknown", "posix", "right"))


@lru_cache(maxsize=1)
def _countries() -> Mapping[str, tuple[str, ...]]:
    """Read zone.tab of the package: country -> its zones."""
    found: dict[str, list[str]] = {}
    table = resources.files("tzdata").joinpath("zoneinfo/zone.tab").read_text("utf-8")
    for line in table.splitlines():
        if not line.startswith("#"):
            country, _, name = line.split("\t")[:3]
            if name not in EXCEPTIONS:
                found.setdefault(country, []).append(name)
    return {country: tuple(sorted(names)) for country, names in found.items()}
