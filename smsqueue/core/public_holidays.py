"""Public holidays: the country's, or the subdivision's and the country's together when the region names one.

The package `holidays` knows them. It is an extra, so that whoever needs no holidays need not install it. Dates of
lunar calendars are its estimates, and may move by a day.
"""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache
from importlib import import_module, util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from smsqueue.core.schedule import HolidayTest

INSTALL = "the package that knows them is missing: pip install 'smsqueue[holidays]', or write hours without PH"

_EPOCH = date(1970, 1, 1).toordinal()
_ALSO = {"AC": "SH-AC", "TA": "SH-TA"}  # Ascension and Tristan da Cunha: in ISO 3166 parts of Saint Helena


def installed() -> bool:
    """Whether anybody knows any holidays; imports nothing."""
    return util.find_spec("holidays") is not None


def of(region: str) -> HolidayTest | None:
    """Return the test of dates for `FR` or `US-FL`; None when nobody knows the country's holidays.

    A subdivision without holidays of its own has those of its country. Equal holidays are the same object.
    """
    country, _, subdivision = _ALSO.get(region, region).partition("-")
    known = subdivisions(country)
    if known is None:
        return None
    return _test(country, subdivision if subdivision in known else "")


@lru_cache(maxsize=512)
def subdivisions(country: str) -> frozenset[str] | None:
    """Return the subdivisions of which holidays are known (ISO 3166-2, without the country); None: no country."""
    package = _package()
    if package is None:
        return None
    known = _supported(package).get(country)
    return None if known is None else frozenset(known)


@lru_cache(maxsize=1024)
def _test(country: str, subdivision: str) -> HolidayTest:
    def is_holiday(day: int) -> bool:
        return day in _days(country, subdivision, date.fromordinal(_EPOCH + day).year)

    return is_holiday


@lru_cache(maxsize=4096)
def _days(country: str, subdivision: str, year: int) -> frozenset[int]:
    """Return a year's holidays, in days since 1 January 1970. The federal ones count in every state."""
    package = _package()
    if package is None:
        return frozenset()
    found: set[date] = set(package.country_holidays(country, years=year))
    if subdivision:
        found.update(package.country_holidays(country, subdiv=subdivision, years=year))
    return frozenset(day.toordinal() - _EPOCH for day in found)


@cache
def _package() -> ModuleType | None:
    return import_module("holidays") if installed() else None


@cache
def _supported(package: ModuleType) -> dict[str, list[str]]:
    listed: dict[str, list[str]] = package.list_supported_countries(include_aliases=False)
    return listed
