"""Encodings that a canary may hide under. Each layer takes bytes and returns all it could decode in them, joined.

Joined, because a log holds a hundred thousand words that might be Base64: one blob per layer is looked at, not
a hundred thousand pieces.
"""

from __future__ import annotations

import binascii
import re
import zlib
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING

from lab.canary import lzf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BETWEEN = b"\x00\n"
LARGEST = 4 << 20
"""Bytes that one compressed piece may have, and may become."""
STEP = 256
"""Bytes that are decompressed at once: what follows a piece may be anything."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-]{12,}")
_WRAP = re.compile(rb"\n(?<=[A-Za-z0-9+/]{60}\n)(?=[A-Za-z0-9+/])")  # begins with what is rare, to be quick
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_HEX = re.compile(rb"[0-9a-fA-F]{14,}")
_PERCENT = re.compile(rb"%([0-9a-fA-F]{2})")
_QUOTED = re.compile(rb"=([0-9A-F]{2})")
_ESCAPE = re.compile(rb"\\(?:u00([0-9a-fA-F]{2})|x([0-9a-fA-F]{2})|([0-3][0-7]{2})|([\\/\"'bfnrt]))")
_WIDE = re.compile(rb"(?:[ -~]\x00{1,3}){6,}[ -~]?")
_GZIP = re.compile(rb"\x1f\x8b\x08")
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")


def base64(data: bytes) -> bytes:
    """Decode both alphabets, whole or wrapped, at each of four offsets: a canary need not begin where its run does."""
    return BETWEEN.join(_base64(_unwrapped(data)))


def _base64(data: bytes) -> Iterator[bytes]:
    for match in _BASE64.finditer(data):
        run = match[0].translate(_TO_STANDARD)
        for offset in range(4):
            length = len(run) - offset
            rest = length % 4
            end = len(run) - (rest == 1)
            yield binascii.a2b_base64(run[offset:end] + (b"==" if rest == 2 else b"=" if rest == 3 else b""))


def hexadecimal(data: bytes) -> bytes:
    """Decode pairs of digits, whole or wrapped, at both offsets."""
    runs = [match[0] for match in _HEX.finditer(_unwrapped(data))]
    return BETWEEN.join(
        binascii.unhexlify(run[offset : len(run) - (len(run) - offset) % 2]) for run in runs for offset in range(2)
    )


def _unwrapped(data: bytes) -> bytes:
    """Join lines that were broken because they are long."""
    return _WRAP.sub(b"", data.replace(b"\r\n", b"\n"))


def percent(data: bytes) -> bytes:
    """Decode %2B in lines that hold such a thing."""
    return BETWEEN.join(_percent(data))


def _percent(data: bytes) -> Iterator[bytes]:
    for line in data.split(b"\n"):
        if b"%" in line and _PERCENT.search(line):
            yield _PERCENT.sub(_from_hex, line)
            if b"+" in line:  # in a form's field it is a space, before anything else is decoded
                yield _PERCENT.sub(_from_hex, line.replace(b"+", b" "))


def quoted_printable(data: bytes) -> bytes:
    """Decode =2B in lines that hold such a thing, and join lines that end with an equals sign."""
    return BETWEEN.join(_quoted(data))


def _quoted(data: bytes) -> Iterator[bytes]:
    begun: list[bytes] = []
    for line in data.split(b"\n"):
        if line.endswith((b"=", b"=\r")):
            begun.append(line.rstrip(b"\r")[:-1])
        elif begun or (b"=" in line and _QUOTED.search(line)):
            yield _QUOTED.sub(_from_hex, b"".join((*begun, line)))
            begun = []
    if begun:
        yield _QUOTED.sub(_from_hex, b"".join(begun))


def _from_hex(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode())


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
    return {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(character, character)


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
        yield _inflated_from(view[match.start() : match.start() + LARGEST], zlib.decompressobj(window))


def _inflated_from(view: memoryview, decoder: zlib._Decompress) -> bytes:
    piece = b""
    for at in range(0, len(view), STEP):
        before = decoder.copy()
        try:
            piece += decoder.decompress(view[at : at + STEP], LARGEST)
        except zlib.error:
            return piece + _until_broken(before, view[at : at + STEP])
        if decoder.eof or len(piece) >= LARGEST:
            break
    return piece


def _until_broken(decoder: zlib._Decompress, view: memoryview) -> bytes:
    """Decompress byte by byte up to where something else begins: what was cut short is followed by anything."""
    piece = b""
    with suppress(zlib.error):
        for at in range(len(view)):
            piece += decoder.decompress(view[at : at + 1], LARGEST)
    return piece


def redis_lzf(data: bytes) -> bytes:
    """Expand the compressed strings of an RDB file."""
    return BETWEEN.join(lzf.strings(data))


LAYERS: MappingProxyType[str, Callable[[bytes], bytes]] = MappingProxyType(
    {
        "base64": base64,
        "hex": hexadecimal,
        "percent": percent,
        "quoted-printable": quoted_printable,
        "escapes": escapes,
        "utf-16": wide,
        "gzip": gzip,
        "zlib": deflate,
        "lzf": redis_lzf,
    }
)
