"""Whether the search can find anything: planted forms must be found, and each layer must be needed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
import time
import zlib
from urllib.parse import quote, quote_plus

from lab.canary.canary import Canary, canary
from lab.canary.forms import Forms
from lab.canary.layers import LAYERS
from lab.canary.scanner import scan

NOISE = 250_000
NUMBER = "+12025550143"


def planted(one: Canary) -> dict[str, bytes]:
    """Return data that hold a canary, each in a way of its own."""
    number, text = one.number.encode(), one.text.encode()
    both = json.dumps({"to": one.number, "body": one.text}).encode()
    padded = one.digits + "F"
    swapped = bytes.fromhex("".join(padded[at + 1] + padded[at] for at in range(0, len(padded), 2)))
    return {
        "the number": number,
        "the number without plus": one.digits.encode(),
        "the national number": one.national.encode(),
        "the number written for people": b"+1 (202) 555-0143",
        "the number with dots": b"202.555.0143",
        "the number among digits": b"99" + one.digits.encode() + b"1759280000",
        "the text": text,
        "the text in capitals": text.upper(),
        "the token alone": one.token.encode(),
        "base64": base64.b64encode(number),
        "base64 at another offset": base64.b64encode(b"xy" + text),
        "base64 of another alphabet": base64.urlsafe_b64encode(b"\xff\xfe\xfb" + text),
        "base64 without padding, inside a word": b"q" + base64.b64encode(number).rstrip(b"="),
        "base64 twice": base64.b64encode(base64.b64encode(both)),
        "hex": number.hex().encode(),
        "hex in capitals, shifted": b"A" + text.hex().upper().encode(),
        "percent": quote(one.number).encode(),
        "percent throughout": "".join(f"%{byte:02X}" for byte in number).encode(),
        "a form's field": quote_plus(one.text).encode(),
        "JSON escapes": "".join(f"\\u{ord(character):04x}" for character in one.number).encode(),
        "Python escapes": "".join(f"\\x{byte:02x}" for byte in text).encode(),
        "JSON in JSON in base64": base64.b64encode(json.dumps(both.decode()).encode()),
        "UTF-16, little end first": text.decode().encode("utf-16-le"),
        "UTF-16, big end first": number.decode().encode("utf-16-be"),
        "gzip": gzip.compress(both),
        "zlib": zlib.compress(both),
        "zlib in base64 in JSON in hex": json.dumps(base64.b64encode(zlib.compress(both)).decode())
        .encode()
        .hex()
        .encode(),
        "LZF": lzf_literal(both),
        "a 64-bit integer, little end first": int(one.digits).to_bytes(8, "little"),
        "a 64-bit integer, big end first": b"\xcf" + int(one.digits).to_bytes(8, "big"),
        "swapped BCD": b"\x0b\x91" + swapped,
        "GSM 7-bit packing": septets(one.text),
        "GSM 7-bit packing in hex": septets(one.text).hex().upper().encode(),
        "an MD5 of the number": hashlib.md5(number, usedforsecurity=False).hexdigest().encode(),
        "a SHA-1 of the digits": hashlib.sha1(one.digits.encode(), usedforsecurity=False).digest(),
        "a SHA-256 of the number": hashlib.sha256(number).hexdigest().encode(),
        "a SHA-256 in base64": base64.b64encode(hashlib.sha256(one.national.encode()).digest()),
    }


NEEDED_FOR = {
    "base64": "base64",
    "hex": "hex",
    "percent": "percent throughout",
    "escapes": "JSON escapes",
    "utf-16": "UTF-16, big end first",
    "gzip": "gzip",
    "zlib": "zlib",
    "lzf": "LZF",
}
"""For each layer a planted form that only it brings to light."""


def selftest() -> list[str]:
    """Return what is wrong with the search; nothing, if it can be relied on."""
    one = canary(NUMBER, 7)
    forms = Forms([canary("+12025550144", 1), one, canary("+33639980012", 2)])
    found = planted(one)
    problems = [
        f"not found: {name}" for name, data in found.items() if {hit.canary for hit in scan(_among(data), forms)} != {1}
    ]
    problems += [f"no planted form for the layer {layer}" for layer in LAYERS if layer not in NEEDED_FOR]
    problems += [
        f"{NEEDED_FOR[layer]} is found without the layer {layer}, which so is not tested"
        for layer in LAYERS
        if layer in NEEDED_FOR and scan(_among(found[NEEDED_FOR[layer]]), forms, without={layer})
    ]
    noise = random.Random(4).randbytes(NOISE)
    for name, data in (("noise", noise), ("noise in base64", base64.b64encode(noise)), ("digits", _digits())):
        problems += [f"found in {name}: {hit}" for hit in scan(data, forms)]
    return problems


def speed(megabytes: int, canaries: int) -> float:
    """Return the seconds for so much of what a store's files hold, and so many canaries."""
    forms = Forms([canary(f"+1{2000000000 + place * 7919}", place) for place in range(canaries)])
    chance = random.Random(5)
    piece = b"".join(
        b'{"event":"message.submitted","at":"2026-01-01T10:00:00.%03d+00:00","id":"m-%s"}\r\n$96\r\n%s\r\n'
        % (at % 1000, base64.urlsafe_b64encode(chance.randbytes(12)), chance.randbytes(96))
        for at in range(5000)
    )
    data = (piece * (megabytes * 1_000_000 // len(piece) + 1))[: megabytes * 1_000_000]
    begun = time.perf_counter()
    scan(data, forms)
    return time.perf_counter() - begun


def septets(text: str) -> bytes:
    """Pack ASCII letters as GSM 03.38 does."""
    bits = sum(ord(character) << 7 * at for at, character in enumerate(text))
    return bits.to_bytes((7 * len(text) + 7) // 8, "little")


def lzf_literal(data: bytes) -> bytes:
    """Write a string as an RDB file would if LZF had broken it up: pieces as they are, then a repetition."""
    data += b"\x00" * 40
    plain, body, at = data, b"", 0
    repeated = len(data) - 39
    while at < repeated:
        piece = data[at : min(at + 5, repeated)]
        body += bytes([len(piece) - 1]) + piece
        at += len(piece)
    body += bytes([7 << 5, 39 - 9, 0])  # 39 bytes, each the one before it
    return b"\xc3" + _rdb_length(len(body)) + _rdb_length(len(plain)) + body


def _rdb_length(length: int) -> bytes:
    return bytes([0x40 | length >> 8, length & 0xFF])


def _among(data: bytes) -> bytes:
    """Put data where it is not alone."""
    return b'\x00{"event":"x"}\r\n' + data + b'\r\n{"at":"2026-01-01T10:00:00.000+00:00"}\n'


def _digits() -> bytes:
    chance = random.Random(6)
    return b"\n".join(b"%d" % chance.randrange(10**13) for _ in range(5000))
