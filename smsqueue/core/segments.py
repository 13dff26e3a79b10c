"""How many segments a text takes: GSM 03.38 with its extension, else UCS-2; concatenation as handsets do it.

* GSM 7-bit has room for 160 units, 153 in each segment of several; UCS-2 for 70 and 67, in UTF-16 units.
* One character outside the alphabet makes the whole text UCS-2. So a text is composed first (NFC): an e with
  a combining accent becomes the é of the alphabet.
* What a reader sees as one character is not split between segments, unless it is longer than one.

Source: 3GPP TS 23.038 §6.2.1 and TS 23.040 §9.2.3.24.1.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from smsqueue.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    encoding: str  # gsm7 or ucs2
    units: int  # septets or UTF-16 units
    segments: int


def measure(text: str) -> Measure:
    """Measure a text. Raises InvalidMessage for `text`."""
    if not isinstance(text, str):
        raise InvalidMessage("text", "not_text", "it is not a string")
    if len(text) > LONGEST:
        raise InvalidMessage("text", "too_long", f"it has more than {LONGEST} characters")
    if not text or text.isspace():
        raise InvalidMessage("text", "empty", "there is nothing to read in it")
    if _BASIC.fullmatch(text):
        return _gsm(text, len(text))
    if refused := _REFUSED.search(text):
        raise _unsendable(refused[0])
    text = unicodedata.normalize("NFC", text)
    if _GSM.fullmatch(text):
        return _gsm(text, len(text) + len(_EXTENDED.findall(text)))
    units = len(text) + len(_ASTRAL.findall(text))
    if units <= _UCS_ALONE:
        return Measure(text, "ucs2", units, 1)
    return Measure(text, "ucs2", units, _fill(_unsplit(text, _UCS_EACH), _UCS_EACH))


def _gsm(text: str, units: int) -> Measure:
    if units <= _GSM_ALONE:
        return Measure(text, "gsm7", units, 1)
    if units == len(text):
        return Measure(text, "gsm7", units, -(-units // _GSM_EACH))
    return Measure(text, "gsm7", units, _fill((2 if char in EXTENSION else 1 for char in text), _GSM_EACH))


def _unsendable(char: str) -> InvalidMessage:
    if _SURROGATE.match(char):
        return InvalidMessage("text", "not_unicode", "it has half a character, a lone surrogate")
    return InvalidMessage("text", "control_character", "it has a control character that no handset shows")


def _fill(sizes: Iterable[int], room: int) -> int:
    """Count the segments of a row of things that are not split; none is larger than the room."""
    segments, used = 1, 0
    for size in sizes:
        if used + size > room:
            segments, used = segments + 1, 0
        used += size
    return segments


def _unsplit(text: str, room: int) -> Iterator[int]:
    """Give the UTF-16 sizes of a text's clusters; one that has no room comes as its code points."""
    for cluster in _clusters(text):
        size = sum(cluster)
        if size <= room:
            yield size
        else:
            yield from cluster


def _clusters(text: str) -> Iterator[list[int]]:
    """Cut a text where readers see characters: the UTF-16 sizes of each one's code points.

    The rules of UAX #29 that matter for a message: marks, joined emoji, skin tones, keycaps, flags of both kinds,
    Hangul of several letters.
    """
    cluster: list[int] = []
    joined = half_flag = False
    for char in text:
        flag = _FLAG_FIRST <= char <= _FLAG_LAST
        if cluster and not (joined or (flag and half_flag) or (char >= _MARK_FIRST and _extends(char))):
            yield cluster
            cluster, half_flag = [], False
        cluster.append(2 if char > _BMP_LAST else 1)
        joined = char == _JOINER
        half_flag = flag and not half_flag
    yield cluster


def _extends(char: str) -> bool:
    """Whether a character belongs to the one before it."""
    return unicodedata.category(char) in _MARKS or _ATTACHED.match(char) is not None


_BASIC = re.compile(f"[{re.escape(BASIC)}]*")
_GSM = re.compile(f"[{re.escape(BASIC + EXTENSION)}]*")
_EXTENDED = re.compile(f"[{re.escape(EXTENSION)}]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_REFUSED = re.compile("[\x00-\x09\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Line feed, form feed and carriage return are in the alphabet; no other control character is sent."""

_BMP_LAST = "\uffff"
_MARK_FIRST = "\u0300"
_MARKS = frozenset({"Mn", "Mc", "Me"})
_JOINER = "\u200d"
_FLAG_FIRST, _FLAG_LAST = "\U0001f1e6", "\U0001f1ff"  # regional indicators: a flag is two of them
_ATTACHED = re.compile(
    "[\u200c\u200d"  # joiners
    "\u1160-\u11ff\ud7b0-\ud7fb"  # vowels and finals of Hangul that have no syllable of their own
    "\uff9e\uff9f"  # sound marks of half-width kana
    "\U0001f3fb-\U0001f3ff"  # skin tones
    "\U000e0020-\U000e007f]"  # tags, which spell the flags of Scotland and Wales
)
