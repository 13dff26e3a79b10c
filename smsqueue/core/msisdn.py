"""Subscriber numbers: any common spelling in, E.164 inside, no digit shown."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

import phonenumbers
from phonenumbers import NumberParseException

from smsqueue.core import numbering
from smsqueue.errors import InvalidMessage

LONGEST = 64
"""Characters of a spelling; a number has 15 digits (E.164)."""

_CLEAN = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_SPELLING = re.compile(r"\+?[0-9 ()./-]+", re.ASCII)
_DASHES = dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFF0D), "-")
NON_GEOGRAPHIC = "001"

FICTION: tuple[tuple[str, int, str], ...] = (
    ("+447700900", 12, "GB"),  # Ofcom, numbers for TV and radio drama: mobile 07700 900000-900999
    ("+33639980", 11, "FR"),  # Arcep, decision 2018-0881, numbers for audiovisual works: 06 39 98 0x xx
    ("+35320910", 12, "IE"),  # ComReg, numbering conditions: 020 910 0000-9999, drama
)
"""Ranges reserved for fiction that the numbering plans call unallocated: prefix, digits in all, region. Those
of the US, Canada, Australia, Germany and Sweden lie inside allocated ranges and need no row."""


@dataclass(frozen=True, slots=True)
class Msisdn:
    """One phone's number in E.164. It shows itself to nobody who does not ask by name."""

    _e164: str = field(repr=False)

    def reveal(self) -> str:
        """Return the number: for sealing, and for nothing else."""
        return self._e164

    def __str__(self) -> str:
        return "<Msisdn>"

    __repr__ = __str__

    def __format__(self, _: str) -> str:
        return "<Msisdn>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a number is not pickled")


class Number(NamedTuple):
    """A number and the country whose plan it belongs to (ISO 3166, or 001 where there is none)."""

    msisdn: Msisdn
    region: str


def parse(text: str, *, region: str = "", accept_fiction: bool = False) -> Number:
    """Read a number. Raises InvalidMessage for `to`; its sentence holds no digit of the input."""
    if not isinstance(text, str) or not text.strip():
        raise InvalidMessage("to", "not_a_number", "it is empty, or not a string")
    clean = _CLEAN.fullmatch(text) is not None
    if clean and (country := numbering.region_of(text)):
        return Number(Msisdn(text), country)
    spelling = text if clean else _spelled(text)
    rule = ""
    try:
        number = phonenumbers.parse(spelling, region or None)
    except NumberParseException as error:
        rule = _RULES.get(error.error_type, "not_a_number")
    if rule:
        raise InvalidMessage("to", rule, _SENTENCES[rule])
    if phonenumbers.is_valid_number(number):
        found = phonenumbers.region_code_for_number(number) or NON_GEOGRAPHIC
        return Number(Msisdn(f"+{number.country_code}{phonenumbers.national_significant_number(number)}"), found)
    e164 = f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    if accept_fiction:
        for prefix, length, country in FICTION:
            if e164.startswith(prefix) and len(e164) == length + 1:
                return Number(Msisdn(e164), country)
    rule = _RULES_POSSIBLE.get(phonenumbers.is_possible_number_with_reason(number), "unallocated")
    raise InvalidMessage("to", rule, _SENTENCES[rule])


def _spelled(text: str) -> str:
    """Bring a spelling into plain digits, plus, spaces and separators, or refuse it."""
    if len(text) > LONGEST:
        raise InvalidMessage("to", "too_long", _SENTENCES["too_long"])
    plain = unicodedata.normalize("NFKC", text).translate(_DASHES)
    plain = "".join(" " if char.isspace() else _digit(char) for char in plain).strip()
    if _SPELLING.fullmatch(plain) is None:
        raise InvalidMessage("to", "not_a_number", _SENTENCES["not_a_number"])
    return "+" + plain[2:] if plain.startswith("00") else plain


def _digit(char: str) -> str:
    """Read a decimal digit of another script as ours; everything else stays and is judged as a whole."""
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)


_RULES = {
    NumberParseException.INVALID_COUNTRY_CODE: "no_country",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_LONG: "too_long",
}
_RULES_POSSIBLE = {
    phonenumbers.ValidationResult.TOO_SHORT: "too_short",
    phonenumbers.ValidationResult.TOO_LONG: "too_long",
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "no_country",
}
_SENTENCES = {
    "not_a_number": "it has characters that no spelling of a phone number has",
    "no_country": "it has no known country code; write it with + in front, or give a region",
    "too_short": "it is shorter than numbers of its country are",
    "too_long": "it is longer than numbers of its country are",
    "unallocated": "no number of this form is allocated in its country",
}
