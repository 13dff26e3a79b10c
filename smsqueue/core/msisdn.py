"""Subscriber numbers: any common spelling in, E.164 inside, no digit shown.

Whatever is accepted is the one number that the spelling stands for. What a program could read otherwise than
its writer meant is refused: a wrong number is a message read by a stranger.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult

from smsqueue.core import numbering
from smsqueue.errors import InvalidMessage

LONGEST = 64
"""Characters of a spelling; a number has at most 15 digits (E.164)."""

NON_GEOGRAPHIC = "001"
"""The region of numbers that belong to no country, such as +800 (UN M.49: the world)."""


class Fiction(NamedTuple):
    """A range that its regulator reserved for films and books, so that no phone has it."""

    region: str
    prefix: str
    free: int  # digits that follow


FICTION: tuple[Fiction, ...] = (
    Fiction("GB", "+447700900", 3),  # Ofcom, Telephone numbers for drama: 07700 900000 to 900999, mobile
    Fiction("GB", "+441632960", 3),  # the same page: 01632 960000 to 960999, no area
    Fiction("FR", "+3363998", 4),  # Arcep, decision 2018-0881 §2.5.12: 06 39 98 00 00 to 99 99, mobile
    Fiction("IE", "+3532091", 5),  # ComReg 15/136, Numbering Conditions of Use: 020 910 0000 to 919 9999
)
"""Only what the numbering plans call unallocated. Those of the US, Canada, Australia, Germany and Sweden lie
inside allocated ranges and need no row."""


@dataclass(frozen=True, slots=True)
class Msisdn:
    """One phone's number in E.164. It shows itself to nobody who does not ask by name."""

    _e164: str

    def reveal(self) -> str:
        """Return the number: for sealing it, hashing it and calling a provider; for nothing else."""
        return self._e164

    def __str__(self) -> str:
        return "<Msisdn>"

    __repr__ = __str__

    def __format__(self, _: str) -> str:
        return "<Msisdn>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a number is not pickled")


class Number(NamedTuple):
    """A number, and the country whose plan it belongs to: ISO 3166, or 001 where there is none."""

    msisdn: Msisdn
    region: str


def parse(text: str, *, region: str = "", accept_fiction: bool = False) -> Number:
    """Read a number. Raises InvalidMessage for `to`; its sentence holds no digit of the input."""
    if not isinstance(text, str):
        raise _refused("not_a_number")
    if _E164.fullmatch(text) and (home := _home(text, accept_fiction=accept_fiction)):
        return Number(Msisdn(text), home)
    digits = _digits(text)
    answers = [_read(*reading, accept_fiction=accept_fiction) for reading in _readings(digits, region)]
    numbers = {answer for answer in answers if isinstance(answer, Number)}
    if len(numbers) > 1:
        raise _refused("ambiguous")
    for number in numbers:
        return number
    raise _refused(str(answers[0]))


def _home(e164: str, *, accept_fiction: bool) -> str | None:
    """Return the country of a number without asking the library; None: not surely one."""
    if accept_fiction:
        for region, prefix, free in FICTION:
            if e164.startswith(prefix) and len(e164) == len(prefix) + free:
                return region
    return numbering.region_of(e164)


def _digits(text: str) -> str:
    """Bring a spelling into plain digits, with a plus in front or without, or refuse it."""
    if len(text) > LONGEST:
        raise _refused("too_long")
    if not text.isascii():
        text = "".join(_plain(char) for char in text)
    text = text.strip(" \t\r\n")
    if _SPELLING.fullmatch(text) is None:
        raise _refused("not_a_number")
    return _SEPARATORS.sub("", text)


def _plain(char: str) -> str:
    """Read a digit of any script, a space of any width, a dash of any length; drop what nobody sees."""
    if char in _LIKE:
        return _LIKE[char]
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)


def _readings(digits: str, region: str) -> list[tuple[str, str | None]]:
    """List what a spelling may stand for: digits, and the country whose habits they are read by.

    00 is how most of the world dials abroad, so it stands for the plus; but not everywhere. Australia dials
    0011, which without the country's name would pass for 00 and the 1 of North America.
    """
    if not digits.startswith("00"):
        return [(digits, None if digits.startswith("+") else region or None)]
    readings: list[tuple[str, str | None]] = [("+" + digits[2:], None)]
    if region:
        readings.append((digits, region))
    elif digits.startswith("0011"):
        readings.append((digits, "AU"))
    return readings


def _read(digits: str, region: str | None, *, accept_fiction: bool) -> Number | str:
    """Return the number, or the rule that it breaks."""
    if _E164.fullmatch(digits) and (home := _home(digits, accept_fiction=accept_fiction)):
        return Number(Msisdn(digits), home)
    try:
        number = phonenumbers.parse(digits, region)
    except NumberParseException as error:
        return _UNREADABLE.get(error.error_type, "not_a_number")
    e164 = f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    home = _home(e164, accept_fiction=accept_fiction)
    if home is None and phonenumbers.is_valid_number(number):
        home = phonenumbers.region_code_for_number(number)
    if home is None:
        return _IMPOSSIBLE.get(phonenumbers.is_possible_number_with_reason(number), "unallocated")
    return Number(Msisdn(e164), home)


def _refused(rule: str) -> InvalidMessage:
    return InvalidMessage("to", rule, SENTENCES[rule])


SENTENCES = {
    "not_a_number": "it is not written like a phone number",
    "no_country": "it has no known country code; write it with + in front, or give its region",
    "ambiguous": "its leading zeros can be read in two ways; write it with + in front",
    "too_short": "it is shorter than the numbers of its country",
    "too_long": "it is longer than the numbers of its country",
    "unallocated": "its country has allocated no number of this form",
}
"""Every rule that a number can break."""

_UNREADABLE = {
    NumberParseException.INVALID_COUNTRY_CODE: "no_country",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_LONG: "too_long",
}
_IMPOSSIBLE = {
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too_short",
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.TOO_LONG: "too_long",
}

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SPELLING = re.compile(r"\(?\+?[0-9 \t()\[\]./-]*[0-9][0-9 \t()\[\]./-]*")
_SEPARATORS = re.compile(r"[^0-9+]")

_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\ufe58\ufe63\uff0d"
_UNSEEN = "\u00ad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u2060\u2066\u2067\u2068\u2069\ufeff"
"""Marks that address books put around numbers. A phone dials what stands in memory, and so is it read here;
U+202E is not among them, since it shows people the digits back to front."""

_LIKE: dict[str, str] = {
    **dict.fromkeys(_SPACES, " "),
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys(_UNSEEN, ""),
    **dict(zip("＋（）［］．／", "+()[]./", strict=True)),  # noqa: RUF001 - full width is meant
}
