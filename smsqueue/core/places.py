"""Where the recipient of a number may be, as a set of time zones: every one of them has to be open.

A zone that the producer names comes first. Else the number says something, by its prefix, and its country says the
rest. What the prefix says is noted in the envelope at the door, since nobody sees the number afterwards.

The table of prefixes is the package's, `phonenumbers`. It cannot be believed as it stands:

* It gives one prefix the zone of most of its numbers: a mobile of Pensacola begins like one of Tallahassee. So where
  area codes count, all that the table knows inside an area is taken together.
* It names zones that had the same clocks as the country's for some years, Paris for Algeria: those of other
  countries' lists do not count.
* What it says of a whole calling code says nothing that the country does not say better.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from smsqueue.core import zones

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTED = "~"
"""In front of zones that the number told: who decides later may still add those of the country."""

_AREA = {"1": 3, "52": 3, "55": 2}
"""Digits of area codes after calling codes whose numbers, mobile ones too, belong to areas: North America, Mexico,
Brazil. There the prefix decides unless the policy says otherwise: a country's zones together leave too short a day,
and American law presumes that an owner lives where the area code is."""

_TOLL_FREE = ("US", "CA")
"""Who has the numbers of +1 without an area: freephone and personal ones."""

_ALIASES = {
    "Africa/Asmera": "Africa/Asmara",
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Godthab": "America/Nuuk",
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Choibalsan": "Asia/Ulaanbaatar",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Rangoon": "Asia/Yangon",
    "Atlantic/Faeroe": "Atlantic/Faroe",
    "Pacific/Enderbury": "Pacific/Kanton",
    "Pacific/Ponape": "Pacific/Pohnpei",
    "Pacific/Truk": "Pacific/Chuuk",
}
"""Old names in the table -> those of the countries' lists."""

ANYWHERE = "*"
"""The country of rows for countries that have none, and of numbers that nobody can place."""

_OVERLAYS = {
    area: tuple(group.split())
    for group in (
        "1208 1986",
        "1250 1236 1257 1672 1778",
        "1270 1364",
        "1306 1474 1639",
        "1418 1367 1581",
        "1541 1458",
        "1709 1879",
        "1812 1930",
        "1850 1448",
    )
    for area in group.split()
}
"""Areas of more than one zone with a second code on the same ground (NANPA), of which the table knows less."""

_WRONG = {"1907": ("Pacific/Honolulu",)}
"""What the table says and is not so: nobody in Alaska lives by Hawaii's clocks, only by Adak's, which change."""

_ALSO = {f"52{area}": ("America/Chihuahua",) for area in (
    "614", "621", "625", "626", "627", "628", "629", "635", "636", "639", "648", "649", "652", "656", "659",
)}  # fmt: skip
"""What the table does not know yet: Chihuahua has the capital's clock since 2022 (Ley de los Husos Horarios)."""

_BRAZIL = "55"
_OF_DDD = {
    "5565": ("America/Cuiaba",),
    "5566": ("America/Cuiaba",),
    "5567": ("America/Campo_Grande",),
    "5568": ("America/Rio_Branco",),
    "5569": ("America/Porto_Velho",),
    "5581": ("America/Recife", "America/Noronha"),
    "5592": ("America/Manaus",),
    "5593": ("America/Santarem",),
    "5595": ("America/Boa_Vista",),
    "5597": ("America/Manaus", "America/Eirunepe"),
}
"""Brazil by Anatel's areas: all others keep the capital's clock. The table mixes states, and puts Recife on Noronha."""

_SHORT = "A/"
"""America, in a note: an envelope's field is short, and Alaska has three zones."""

_LONG = "America/"
_CODE_LONGEST = 3
_COUNTRY = 2  # letters of a country, which is shorter than any zone


class Strategy(StrEnum):
    """Which zones count for a number, when nobody has named one."""

    COUNTRY = "country"  # the prefix's and all of the country's; where area codes count, the prefix's alone
    PREFIX = "prefix"  # the prefix's alone, wherever it says something
    STRICT = "strict"  # the prefix's and all of the country's, everywhere


def note(e164: str, region: str, strategy: Strategy) -> str:
    """Return what the number adds to its region, for the envelope: `~A/Chicago`; nothing if it adds nothing."""
    return _note(of_number(e164, region), region, strategy)


class Origin(StrEnum):
    """How the zones of a recipient were found."""

    GIVEN = "given"  # the producer named them
    COUNTRY = "country"  # all of the country's, with those that the prefix tells
    PREFIX = "prefix"  # those that the prefix tells
    POLICY = "policy"  # quiet.instead of the policy
    NOBODY = "nobody"  # nobody knows


def ladder(
    region: str,
    noted: str,
    strategy: Strategy,
    instead: Mapping[str, str],
) -> list[tuple[tuple[str, ...], Origin]]:
    """List sets of zones to try, the best first; the next one counts if one leaves too little of the day.

    What the producer named has no other. `instead` is the policy's, by country; `*` is for those that nobody knows.
    """
    if noted and not noted.startswith(NOTED):
        names = zones.named(noted)
        return [(names, Origin.GIVEN)] if names else []
    country = region.partition("-")[0]
    told, own = _expand(noted[1:]), zones.of_country(country)
    steps = []
    if own or told:
        if not (told and _alone(country, strategy)):
            steps.append((tuple(dict.fromkeys((*told, *own))), Origin.COUNTRY))
        if told and strategy is not Strategy.STRICT:
            steps.append((told, Origin.PREFIX))
    if names := zones.named(instead.get(country if own or told else ANYWHERE, "")):
        steps.append((names, Origin.POLICY))
    return steps


def of_number(e164: str, region: str) -> tuple[str, ...]:
    """Return the zones, or countries, that a number's prefix tells; none if it tells no more than its country."""
    digits = e164[1:]
    for length in range(1, _CODE_LONGEST + 1):
        code = digits[:length]
        if int(code) in COUNTRY_CODE_TO_REGION_CODE:
            if area := _AREA.get(code):
                return _of_area(code, digits[: length + area], region)
            return _own(_longest(digits, length), code, region)
    return ()


@lru_cache(maxsize=4096)
def _note(told: tuple[str, ...], region: str, strategy: Strategy) -> str:
    own = {zones.same(name) for name in zones.of_country(region)}
    new = {zones.same(name) for name in _members(told)}
    if new == own or (new <= own and not _alone(region, strategy)):
        return ""
    text = NOTED + ",".join(told).replace(_LONG, _SHORT)
    return text if told and len(text) <= zones.LONGEST else ""  # too long: the country's zones decide, which are more


@lru_cache(maxsize=4096)
def _of_area(code: str, area: str, region: str) -> tuple[str, ...]:
    """Take together all that the table knows of an area, and of those that share its ground."""
    if code == _BRAZIL:
        return _OF_DDD.get(area, ("America/Sao_Paulo",))
    told: dict[str, None] = dict.fromkeys(_ALSO.get(area, ()))
    for prefix in _OVERLAYS.get(area, (area,)):
        inside = [name for key, names in _table().items() if key.startswith(prefix) for name in names]
        told |= dict.fromkeys((*_longest(prefix, len(code)), *inside))
    names = tuple(name for name in _own(tuple(told), code, region) if name not in _WRONG.get(area, ()))
    return _TOLL_FREE if not names and region in _TOLL_FREE else names


def _longest(digits: str, code: int) -> tuple[str, ...]:
    """Find the longest prefix that says more than the calling code of so many digits."""
    table = _table()
    for length in range(min(len(digits), _deepest()), code, -1):
        if found := table.get(digits[:length]):
            return found
    return ()


def _own(names: tuple[str, ...], code: str, region: str) -> tuple[str, ...]:
    """Leave out zones of other countries, or, if nothing remains, of countries with another calling code."""
    known = dict.fromkeys(_ALIASES.get(name, name) for name in names)
    for own in (zones.of_country(region), _of_code(code)):
        if found := tuple(name for name in known if name in own):
            return found
    return ()


@cache
def _of_code(code: str) -> frozenset[str]:
    return frozenset(name for region in COUNTRY_CODE_TO_REGION_CODE[int(code)] for name in zones.of_country(region))


def _alone(country: str, strategy: Strategy) -> bool:
    """Whether the prefix decides without the country."""
    return strategy is Strategy.PREFIX or (strategy is Strategy.COUNTRY and country in _areas())


@cache
def _areas() -> frozenset[str]:
    return frozenset(region for code in _AREA for region in COUNTRY_CODE_TO_REGION_CODE[int(code)])


@lru_cache(maxsize=4096)
def _expand(told: str) -> tuple[str, ...]:
    return _members(tuple(told.replace(_SHORT, _LONG).split(",")))


def _members(told: tuple[str, ...]) -> tuple[str, ...]:
    """Return zones for zones and countries. If one of them is unknown here, in an older database, nothing is known."""
    found: list[str] = []
    for name in told:
        members = zones.of_country(name) if len(name) == _COUNTRY else zones.named(name)
        if not members:
            return ()
        found += members
    return tuple(dict.fromkeys(found))


@cache
def _table() -> dict[str, tuple[str, ...]]:
    from phonenumbers.tzdata import TIMEZONE_DATA  # noqa: PLC0415 - 40 ms, and dispatch never needs it

    return TIMEZONE_DATA


@cache
def _deepest() -> int:
    return max(map(len, _table()))
