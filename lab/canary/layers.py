"""Encodings that a canary may hide under. Each layer takes bytes and returns all it could decode in them, joined.

Joined, because a log holds a hundred thousand words that might be Base64: one blob per layer is looked at, not
a hundred thousand pieces.
"""

from __future__ import annotations

import binascii
import re
import zlib
from types import MappingProxyType
from typing import TYPE_CHECKING

from lab.canary import lzf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

BETWEEN = b"\x00\n"
LARGEST = 4 << 20
"""Bytes that one compressed piece may become."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-]{12,}")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_HEX = re.compile(rb"[0-9a-fA-F]{14,}")
_PERCENT = re.compile(rb"%([0-9a-fA-F]{2})")
_ESCAPE = re.compile(rb"\\(?:u00([0-9a-fA-F]{2})|x([0-9a-fA-F]{2})|([0-3][0-7]{2})|([\\/\"'nrt]))")
_WIDE = re.compile(rb"(?:[ -~]\x00{1,3}){6,}[ -~]?")
_GZIP = re.compile(rb"\x1f\x8b\x08")
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")


def base64(data: bytes) -> bytes:
    """Decode both alphabets, beginning at each of four offsets: a canary need not begin where its run does."""
    return BETWEEN.join(_base64(data))


def _base64(data: bytes) -> Iterator[bytes]:
    for match in _BASE64.finditer(data):
        run = match[0].translate(_TO_STANDARD)
        for offset in range(4):
            length = len(run) - offset
            rest = length % 4
            end = len(run) - (rest == 1)
            yield binascii.a2b_base64(run[offset:end] + (b"==" if rest == 2 else b"=" if rest == 3 else b""))


def hexadecimal(data: bytes) -> bytes:
    """Decode pairs of digits, beginning at both offsets."""
    runs = [match[0] for match in _HEX.finditer(data)]
    return BETWEEN.join(
        binascii.unhexlify(run[offset : len(run) - (len(run) - offset) % 2]) for run in runs for offset in range(2)
    )


def percent(data: bytes) -> bytes:
    """Decode %2B in lines that hold such a thing."""
    return BETWEEN.join(
        _PERCENT.sub(lambda match: bytes.fromhex(match[1].decode()), line).replace(b"+", b" ")
        for line in data.split(b"\n")
        if b"%" in line and _PERCENT.search(line)
    )


def escapes(data: bytes) -> bytes:
    """Decode what JSON and Python write with a backslash, in lines that hold such a thing."""
    return BETWEEN.join(
        _ESCAPE.sub(_unescaped, line) for line in data.split(b"\n") if b"\\" in line and _ESCAPE.search(line)
    )


def _unescaped(match: re.Match[bytes]) -> bytes:
    unicode, byte, octal, character = match.groups()
    if unicode or byte:
        return bytes.fromhex((unicode or byte).decode())
    if octal:
        return bytes([int(octal, 8)])
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(character, character)


def wide(data: bytes) -> bytes:
    """Decode ASCII in UTF-16 and UTF-32, either byte order."""
    return BETWEEN.join(match[0].replace(b"\x00", b"") for match in _WIDE.finditer(data))


def gzip(data: bytes) -> bytes:
    """Decompress what begins like a gzip member, whole or cut short."""
    return BETWEEN.join(_inflated(data, _GZIP, 31))


def deflate(data: bytes) -> bytes:
    """Decompress what begins like zlib's format, whole or cut short."""
    return BETWEEN.join(_inflated(data, _ZLIB, 15))


def _inflated(data: bytes, beginning: re.Pattern[bytes], window: int) -> Iterator[bytes]:
    view = memoryview(data)
    for match in beginning.finditer(data):
        decoder, piece = zlib.decompressobj(window), b""
        for at in range(match.start(), min(len(data), match.start() + LARGEST), 256):
            try:
                piece += decoder.decompress(view[at : at + 256], LARGEST)
            except zlib.error:
                break
            if decoder.eof or len(piece) > LARGEST:
                break
        yield piece


def _lzf(data: bytes) -> bytes:
    return BETWEEN.join(_expanded(data))


def _expanded(data: bytes) -> Iterable[bytes]:
    return (piece for piece in lzf.strings(data) if piece)


LAYERS: MappingProxyType[str, Callable[[bytes], bytes]] = MappingProxyType(
    {
        "base64": base64,
        "hex": hexadecimal,
        "percent": percent,
        "escapes": escapes,
        "utf-16": wide,
        "gzip": gzip,
        "zlib": deflate,
        "lzf": _lzf,
    }
)
