"""How many segments a text takes: GSM 03.38 with its extension, else UCS-2; concatenation as handsets do it.

* GSM 7-bit has room for 160 units, 153 in each segment of several; UCS-2 for 70 and 67, in UTF-16 units.
* One character outside the alphabet makes the whole text UCS-2. So a text is composed first (NFC): an e with
  a combining accent becomes the é of the alphabet.
* What a reader sees as one character is not split between segments, unless it is longer than one.
* On request, typographic signs are replaced first (`smart`), and letters of a language's shift table stay in the
  alphabet (`national`).

Source: 3GPP TS 23.038 §6.2.1 and TS 23.040 §9.2.3.24.1.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from smsqueue.core import national, smart
from smsqueue.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smsqueue.core.national import Language

LONGEST = 10_000
"""Characters of a text on which any work is spent; ten segments have 1,530."""

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"
"""Two units each: an escape, then the character. The escape itself is no character of a text."""

_GSM_ALONE, _GSM_EACH = 160, 153
_UCS_ALONE, _UCS_EACH = 70, 67


@dataclass(frozen=True, slots=True)
class Measure:
    """A text as it will be sent, and what it takes."""

    text: str = field(repr=False)
    encoding: str  # gsm7, ucs2, or gsm7-turkish and so on
    units: int  # septets or UTF-16 units
    segments: int


def measure(text: str, *, simplify: bool = False, languages: Iterable[Language] = ()) -> Measure:
    """Measure a text. Raises InvalidMessage for `text`.

    `simplify` asks for smart encoding; `languages` are those whose shift tables every provider of the message uses.
    """
    _check(text)
    if _BASIC.fullmatch(text):
        return _gsm(text, len(text))
    if refused := _REFUSED.search(text):
        raise _unsendable(refused[0])
    text = unicodedata.normalize("NFC", text)
    if _GSM.fullmatch(text):
        return _gsm(text, len(text) + len(_EXTENDED.findall(text)))
    if simplify and _GSM.fullmatch(simple := smart.plain(text)):
        return measure(simple)
    for language in languages:
        if _alphabet(language).fullmatch(text):
            return _national(text, language)
    units = _utf16(text)
    if units <= _UCS_ALONE:
        return Measure(text, "ucs2", units, 1)
    return Measure(text, "ucs2", units, _ucs_segments(text))


def _check(text: str) -> None:
    if not isinstance(text, str):
        raise InvalidMessage("text", "not_text", "it is not a string")
    if len(text) > LONGEST:
        raise InvalidMessage("text", "too_long", f"it has more than {LONGEST} characters")
    if not text or text.isspace():
        raise InvalidMessage("text", "empty", "there is nothing to read in it")


def _gsm(text: str, units: int) -> Measure:
    if units <= _GSM_ALONE:
        return Measure(text, "gsm7", units, 1)
    if units == len(text):
        return Measure(text, "gsm7", units, -(-units // _GSM_EACH))
    return Measure(text, "gsm7", units, _gsm_segments([1 + (char in EXTENSION) for char in text], _GSM_EACH))


def _national(text: str, language: Language) -> Measure:
    sizes = [1 if char in BASIC else 2 for char in text]
    units = sum(sizes)
    return Measure(
        text, f"gsm7-{language}", units, 1 if units <= national.ALONE else _gsm_segments(sizes, national.EACH)
    )


def _gsm_segments(sizes: list[int], each: int) -> int:
    """Count segments when an escape and its character stay together."""
    segments, used = 1, 0
    for size in sizes:
        if used + size > each:
            segments, used = segments + 1, 0
        used += size
    return segments


@cache
def _alphabet(language: Language) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(BASIC + EXTENSION + national.LETTERS[language])}]*")


def _ucs_segments(text: str) -> int:
    """Count segments when what readers see as one character stays together."""
    segments = start = 0
    while start < len(text):
        full = min(start + _UCS_EACH, len(text))
        while _utf16(text[start:full]) > _UCS_EACH:
            full -= 1
        end = full
        while start < end < len(text) and not _may_cut(text[start : end + 1]):
            end -= 1
        segments, start = segments + 1, end if end > start else full
    return segments


def _may_cut(text: str) -> bool:
    """Whether the last character begins a new one to the eye: UAX #29, as far as it matters in a message."""
    before, char = text[-2], text[-1]
    if before == _JOINER or unicodedata.category(char) in _MARKS or _ATTACHED.match(char):
        return False
    if char in _FLAG_LETTERS:
        rest = text[:-1]
        return (len(rest) - len(rest.rstrip(_FLAG_LETTERS))) % 2 == 0
    return True


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _unsendable(char: str) -> InvalidMessage:
    if _SURROGATE.match(char):
        return InvalidMessage("text", "not_unicode", "it has half a character, a lone surrogate")
    return InvalidMessage("text", "control_character", "it has a control character that no handset shows")


_BASIC = re.compile(f"[{re.escape(BASIC)}]*")
_GSM = re.compile(f"[{re.escape(BASIC + EXTENSION)}]*")
_EXTENDED = re.compile(f"[{re.escape(EXTENSION)}]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_REFUSED = re.compile("[\x00-\x09\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Line feed, form feed and carriage return are in the alphabet; no other control character is sent."""

_JOINER = "\u200d"
_MARKS = frozenset({"Mn", "Mc", "Me"})
_ATTACHED = re.compile(
    "[\u200c\u200d"  # joiners
    "\u1160-\u11ff\ud7b0-\ud7fb"  # vowels and finals of Hangul outside a composed syllable
    "\uff9e\uff9f"  # sound marks of half-width kana
    "\U0001f3fb-\U0001f3ff"  # skin tones
    "\U000e0020-\U000e007f]"  # tags, which spell the flags of Scotland and Wales
)
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))  # two of them are a flag
