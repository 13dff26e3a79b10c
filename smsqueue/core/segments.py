"""How many segments a text takes: GSM 03.38 with its extension, else UCS-2; concatenation as handsets do it.

GSM 7-bit: 160 units, 153 per segment when split. UCS-2: 70 and 67, in UTF-16 units. One character outside the
alphabet makes the whole text UCS-2. Nothing that a reader sees as one character is split between segments.
Source: 3GPP TS 23.038 §6.2.1 and TS 23.040 §9.2.3.24.1.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from smsqueue.errors import InvalidMessage

LONGEST = 10_000
"""Characters of a text before any work is spent on it; ten segments have 1,530."""

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"

_GSM = re.compile(f"[{re.escape(BASIC + EXTENSION)}]*")
_EXTENDED = re.compile(f"[{re.escape(EXTENSION)}]")
_CONTROL = re.compile(r"[\x00-\x09\x0b\x0e-\x1f\x7f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ZWJ = "\u200d"
_BMP_END = 0xFFFF


@dataclass(frozen=True, slots=True)
class Measure:
    """A text as it will be sent, and what it takes."""

    text: str = field(repr=False)
    encoding: str  # gsm7 or ucs2
    units: int  # septets or UTF-16 units
    segments: int


def measure(text: str) -> Measure:
    """Measure a text, composed first (NFC). Raises InvalidMessage for `text`."""
    if not isinstance(text, str) or not text.strip():
        raise InvalidMessage("text", "empty", "it is empty, or not a string")
    if len(text) > LONGEST:
        raise InvalidMessage("text", "too_long", f"it has more than {LONGEST} characters")
    if not text.isascii():
        if _SURROGATE.search(text):
            raise InvalidMessage("text", "not_unicode", "it has half a character: a lone surrogate")
        text = unicodedata.normalize("NFC", text)
    if _GSM.fullmatch(text):
        extended = _EXTENDED.findall(text)
        units = len(text) + len(extended)
        if units <= 160:  # noqa: PLR2004 - see above
            return Measure(text, "gsm7", units, 1)
        if not extended:
            return Measure(text, "gsm7", units, -(-units // 153))
        return Measure(text, "gsm7", units, _fill([2 if char in EXTENSION else 1 for char in text], 153))
    if _CONTROL.search(text):
        raise InvalidMessage("text", "control_character", "it has a control character, which no handset shows")
    units = len(text) + sum(ord(char) > _BMP_END for char in text)
    if units <= 70:  # noqa: PLR2004 - see above
        return Measure(text, "ucs2", units, 1)
    return Measure(text, "ucs2", units, _fill(_clusters(text), 67))


def _fill(sizes: list[int], room: int) -> int:
    """Count segments when nothing of a list of sizes may be split, unless it is longer than a segment."""
    segments, free = 1, room
    for size in sizes:
        left = size
        while left > free:
            left -= free if size > room else 0
            segments, free = segments + 1, room
        free -= left
    return segments


def _clusters(text: str) -> list[int]:
    """Return the UTF-16 sizes of what readers see as one character: marks, joined emoji, flags, skin tones."""
    sizes: list[int] = []
    joined, flags = False, 0
    for char in text:
        size = 2 if ord(char) > _BMP_END else 1
        flag = "\U0001f1e6" <= char <= "\U0001f1ff"
        extends = (
            joined
            or char == _ZWJ
            or unicodedata.combining(char)
            or unicodedata.category(char) in {"Mn", "Me", "Mc"}
            or "\U0001f3fb" <= char <= "\U0001f3ff"
            or (flag and flags % 2 == 1)
        )
        if extends and sizes:
            sizes[-1] += size
        else:
            sizes.append(size)
        joined = char == _ZWJ
        flags = flags + 1 if flag else 0
    return sizes
