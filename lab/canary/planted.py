"""A canary written in every way in which a careless program, protocol or file format would write it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import quopri
import struct
import zlib
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from lab.canary.canary import Canary

NEEDED_FOR = {
    "base64": "base64",
    "hex": "hex",
    "percent": "percent throughout",
    "quoted-printable": "quoted-printable throughout",
    "escapes": "JSON escapes",
    "utf-16": "UTF-16, big end first",
    "gzip": "gzip",
    "zlib": "zlib",
    "lzf": "LZF",
}
"""For each layer a planted form that only it brings to light."""


def planted(one: Canary) -> dict[str, bytes]:
    """Return data that hold a canary, each in a way of its own."""
    return {**_written(one), **_encoded(one), **_compressed(one), **_binary(one), **_digested(one)}


def _both(one: Canary) -> bytes:
    return json.dumps({"to": one.number, "body": one.text}).encode()


def _written(one: Canary) -> dict[str, bytes]:
    country, area, rest = one.number.removesuffix(one.national), one.national[:3], one.national[3:]
    return {
        "the number": one.number.encode(),
        "the number without plus": one.digits.encode(),
        "the national number": one.national.encode(),
        "the number with a trunk prefix": b"0" + one.national.encode(),
        "the number written for people": f"{country} ({area}) {rest[:3]}-{rest[3:]}".encode(),
        "the number with dots": f"{area}.{rest[:3]}.{rest[3:]}".encode(),
        "the number with its digits apart": " ".join(one.national).encode(),
        "the number among digits": b"99" + one.digits.encode() + b"1759280000",
        "the text": one.text.encode(),
        "the text in capitals": one.text.upper().encode(),
        "the token alone": one.token.encode(),
    }


def _encoded(one: Canary) -> dict[str, bytes]:
    number, text, both = one.number.encode(), one.text.encode(), _both(one)
    # the number stands where the line ends, at whichever column a writer breaks it
    wrapped, wrapped_hex = b"w" * 50 + number + b"w" * 90, b"w" * 25 + number + b"w" * 40
    return {
        "base64": base64.b64encode(number),
        "base64 at another offset": base64.b64encode(b"xy" + text),
        "base64 of another alphabet": base64.urlsafe_b64encode(b"\xff\xfe\xfb" + text),
        "base64 without padding, inside a word": b"q" + base64.b64encode(number).rstrip(b"="),
        "base64 in lines": base64.encodebytes(wrapped),
        "base64 in a mail's lines": base64.encodebytes(wrapped).replace(b"\n", b"\r\n"),
        "base64 in lines in JSON": json.dumps(base64.encodebytes(wrapped).decode()).encode(),
        "base64 twice": base64.b64encode(base64.b64encode(both)),
        "a Celery message": json.dumps({"body": base64.b64encode(both).decode(), "headers": {}}).encode(),
        "hex": number.hex().encode(),
        "hex in capitals, shifted": b"A" + text.hex().upper().encode(),
        "hex in lines": _in_lines(wrapped_hex.hex().encode(), 60),
        "percent": quote(one.number).encode(),
        "percent throughout": _each("%{:02X}", number),
        "a form's field": quote_plus(one.text).encode(),
        "quoted-printable throughout": _each("={:02X}", number),
        "quoted-printable in lines": quopri.encodestring("é".encode() + b"w" * 62 + number + b"w" * 40),
        "JSON escapes": _each("\\u{:04x}", number),
        "JSON escapes, escaped": _each("\\\\u{:04x}", number),
        "Python escapes": _each("\\x{:02x}", text),
        "octal escapes": _each("\\{:03o}", number),
        "JSON in JSON in base64": base64.b64encode(json.dumps(both.decode()).encode()),
        "UTF-16, little end first": one.text.encode("utf-16-le"),
        "UTF-16, big end first": one.number.encode("utf-16-be"),
        "UTF-32": one.number.encode("utf-32-be"),
        "UCS-2 in hex": one.text.encode("utf-16-be").hex().encode(),
    }


def _compressed(one: Canary) -> dict[str, bytes]:
    both = _both(one)
    in_base64 = base64.b64encode(_with_plus(both))
    return {
        "gzip": b"before" + gzip.compress(both) + b"after",
        "gzip whose end is missing": gzip.compress(both)[:-8],
        "gzip in base64 in a form's field": b"a+b=" + quote_plus(in_base64).encode(),
        "base64 in gzip in base64": base64.b64encode(gzip.compress(base64.b64encode(both))),
        "zlib": zlib.compress(both),
        "zlib in base64 in JSON in hex": json.dumps(base64.b64encode(zlib.compress(both)).decode())
        .encode()
        .hex()
        .encode(),
        "LZF": _lzf_pieces(both),
        "LZF, a token whose end stands before it": _lzf_repetition(one.token.encode()),
    }


def _binary(one: Canary) -> dict[str, bytes]:
    forms: dict[str, bytes] = {}
    for name, digits in (("", one.digits), (", national", one.national)):
        value = int(digits)
        forms |= {
            f"a 64-bit integer, little end first{name}": value.to_bytes(8, "little"),
            f"a 64-bit integer, big end first{name}": b"\xcf" + value.to_bytes(8, "big"),
            f"a double, little end first{name}": struct.pack("<d", value),
            f"a double, big end first{name}": b"\xcb" + struct.pack(">d", value),
            f"swapped BCD{name}": bytes([len(digits), 0xA1 if name else 0x91]) + _swapped(digits) + b"\x00\x00",
            f"swapped BCD in hex{name}": (bytes([len(digits), 0x81]) + _swapped(digits)).hex().upper().encode(),
        }
        if value < 1 << 31:
            forms[f"a 32-bit integer in a listpack{name}"] = b"\xf3" + value.to_bytes(4, "little") + b"\x05\xff"
    return forms | {
        "GSM 7-bit packing": _septets(f"Your code is {one.token}."),
        "GSM 7-bit packing after a header": _septets(f"Your code is {one.token}.", 1),
        "GSM 7-bit packing in hex": _septets(f"{one.token} is your code").hex().upper().encode(),
        "GSM 7-bit packing of the number": _septets(f"Call {one.number}!", 6),
    }


def _digested(one: Canary) -> dict[str, bytes]:
    number, digits, national = one.number.encode(), one.digits.encode(), one.national.encode()
    return {
        "an MD5 of the number": hashlib.md5(number, usedforsecurity=False).hexdigest().encode(),
        "a SHA-1 of the digits": hashlib.sha1(digits, usedforsecurity=False).digest(),
        "a SHA-256 of the number": hashlib.sha256(number).hexdigest().encode(),
        "a SHA-256 in base64": base64.b64encode(hashlib.sha256(national).digest()),
        "a SHA-256 with the trunk prefix": hashlib.sha256(b"0" + national).hexdigest().upper().encode(),
        "a SHA-512 of the international prefix": hashlib.sha512(b"00" + digits).digest(),
        "a BLAKE2b of the number": hashlib.blake2b(number).hexdigest().encode(),
    }


def _each(pattern: str, data: bytes) -> bytes:
    return "".join(pattern.format(byte) for byte in data).encode()


def _in_lines(data: bytes, width: int) -> bytes:
    return b"\n".join(data[at : at + width] for at in range(0, len(data), width))


def _with_plus(data: bytes) -> bytes:
    """Compress so that base64 writes a plus, which a form's field has to spell out."""
    tries = (gzip.compress(hashlib.sha256(bytes([at])).digest() + data) for at in range(256))
    return next(compressed for compressed in tries if b"+" in base64.b64encode(compressed)[16:60])


def _swapped(digits: str) -> bytes:
    padded = digits + "F" * (len(digits) % 2)
    return bytes.fromhex("".join(padded[at + 1] + padded[at] for at in range(0, len(padded), 2)))


def _septets(text: str, offset: int = 0) -> bytes:
    """Pack ASCII letters as GSM 03.38 does, beginning so many bits into the first byte."""
    bits = sum(ord(character) << 7 * at for at, character in enumerate(text)) << offset
    return bits.to_bytes((7 * len(text) + offset + 7) // 8, "little")


def _lzf_pieces(data: bytes) -> bytes:
    """Write a string as an RDB file would if LZF had broken it up: pieces as they are, then a repetition."""
    data += b"\x00" * 40
    body, at = b"", 0
    repeated = len(data) - 39
    while at < repeated:
        piece = data[at : min(at + 5, repeated)]
        body += bytes([len(piece) - 1]) + piece
        at += len(piece)
    body += bytes([7 << 5, 39 - 9, 0])  # 39 bytes, each the one before it
    return _lzf(body, len(data))


def _lzf_repetition(word: bytes) -> bytes:
    """Write a word whose last five bytes were met before, so that LZF only says where."""
    before = word[-5:] + b" " + word[:-5]
    return _lzf(bytes([len(before) - 1]) + before + bytes([3 << 5, len(before) - 1]), len(before) + 5)


def _lzf(body: bytes, length: int) -> bytes:
    return b"\xc3" + _rdb_length(len(body)) + _rdb_length(length) + body


def _rdb_length(length: int) -> bytes:
    return bytes([0x40 | length >> 8, length & 0xFF])
