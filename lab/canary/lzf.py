"""LZF as Redis writes it: strings above twenty bytes in an RDB file, so in DUMP and at the head of an AOF."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMPRESSED = b"\xc3"
_LARGEST = 1 << 20


def strings(data: bytes) -> Iterator[bytes]:
    """Yield every compressed string in the data."""
    at = data.find(_COMPRESSED)
    while at >= 0:
        compressed, begin = _length(data, at + 1)
        plain, begin = _length(data, begin)
        if 4 <= compressed < plain <= _LARGEST and begin + compressed <= len(data):
            expanded = expand(data[begin : begin + compressed], plain)
            if expanded is not None:
                yield expanded
        at = data.find(_COMPRESSED, at + 1)


def expand(data: bytes, length: int) -> bytes | None:
    """Return the expanded string, None if it is not LZF of that length."""
    plain, at = bytearray(), 0
    while at < len(data):
        control = data[at]
        at += 1
        if control < 32:  # that many bytes and one as they are
            plain += data[at : at + control + 1]
            at += control + 1
            continue
        size = control >> 5
        if size == 7:
            size += data[at] if at < len(data) else 0
            at += 1
        if at >= len(data):
            return None
        back = len(plain) - ((control & 31) << 8) - data[at] - 1
        at += 1
        if back < 0 or len(plain) > length:
            return None
        for place in range(back, back + size + 2):  # may reach into what it is writing
            plain.append(plain[place])
    return bytes(plain) if len(plain) == length else None


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Read a length of the RDB format; 0 when it is none."""
    first = data[at] if at < len(data) else 0xFF
    if first < 0x40:
        return first, at + 1
    if first < 0x80 and at + 1 < len(data):
        return (first & 0x3F) << 8 | data[at + 1], at + 2
    if first == 0x80:
        return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
    return 0, at
