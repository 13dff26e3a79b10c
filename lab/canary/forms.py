"""What each canary looks like in bytes: digits and tokens to be looked up, and binary forms with fingerprints.

Text is found with two regular expressions and looked up, since thousands of alternatives would be slow. Binary
forms have no shape: they are found by four of their bytes, looked up at every offset of the data. A binary form
has six bytes or more: thousands of shorter ones would be met by chance in a store's ciphertext.
"""

from __future__ import annotations

import hashlib
import os.path
import re
import struct
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lab.canary.canary import Canary

SHORTEST_NUMBER = 7
SHORTEST_BINARY = 6
FINGERPRINT = 4
_RUN = re.compile(rb"\d[\d ().\-/]{5,}\d")
_SEPARATORS = b" ().-/"
_DIGESTS = ("md5", "sha1", "sha256", "sha512", "blake2b")
_TYPES_OF_NUMBER = (0x81, 0x91, 0xA1)  # unknown, international, national; all of the telephone plan


class Found(NamedTuple):
    """A form of a canary that is in some data: which form, and which canary by its place in the list."""

    form: str
    canary: int


class _Binary(NamedTuple):
    """A binary form; its fingerprint is its last bytes, where numbers differ most."""

    content: bytes
    at: int  # where the fingerprint begins
    mask: int = 0  # which bits of the byte after the content are ours as well,
    rest: int = 0  # and what they are: without them two numbers can look alike

    def is_in(self, data: bytes) -> bool:
        """Whether the data hold it."""
        at = data.find(self.content)
        while at >= 0:
            after = data[at + len(self.content) : at + len(self.content) + 1]
            if not self.mask or (after and after[0] & self.mask == self.rest):
                return True
            at = data.find(self.content, at + 1)
        return False


class Forms:
    """All forms of many canaries."""

    def __init__(self, canaries: Sequence[Canary]) -> None:
        self._digits: dict[bytes, Found] = {}
        self._tokens: dict[bytes, int] = {}
        self._binary: dict[int, list[tuple[_Binary, Found]]] = defaultdict(list)
        for place, canary in enumerate(canaries):
            self._tokens[canary.token.lower().encode()] = place
            for name, digits in (("national", canary.national), ("number", canary.digits)):
                if len(digits) < SHORTEST_NUMBER:
                    raise ValueError("a canary's number is too short to be told from others")
                self._digits[digits.encode()] = Found(name, place)
            for name, form in _binary_forms(canary):
                fingerprint = form.content[form.at : form.at + FINGERPRINT]
                self._binary[int.from_bytes(fingerprint, sys.byteorder)].append((form, Found(name, place)))
        prefix = os.path.commonprefix([token.decode() for token in self._tokens])  # noqa: RUF071 - of words, not paths
        if len(prefix) < 2 and len(self._tokens) > 1:
            raise ValueError("the last words of the canaries' texts have to begin alike")
        self._token = re.compile(re.escape(prefix).encode() + rb"[a-z0-9]*", re.IGNORECASE)
        self._digit_lengths = sorted({len(digits) for digits in self._digits}, reverse=True)
        self._token_lengths = sorted({len(token) for token in self._tokens}, reverse=True)
        self._fingerprints = frozenset(self._binary)

    def find(self, data: bytes) -> Iterator[Found]:
        """Yield what is in the data as it is."""
        yield from self._find_digits(data)
        yield from self._find_tokens(data)
        yield from self._find_binary(data)

    def _find_digits(self, data: bytes) -> Iterator[Found]:
        known = self._digits
        for match in _RUN.finditer(data):
            run = match[0].translate(None, _SEPARATORS)
            for length in self._digit_lengths:
                for at in range(len(run) - length + 1):
                    found = known.get(run[at : at + length])
                    if found is not None:
                        yield found

    def _find_tokens(self, data: bytes) -> Iterator[Found]:
        for match in self._token.finditer(data):
            word = match[0].lower()
            for length in self._token_lengths:
                place = self._tokens.get(word[:length])
                if place is not None:
                    yield Found("token", place)

    def _find_binary(self, data: bytes) -> Iterator[Found]:
        view = memoryview(data)
        for shift in range(FINGERPRINT):
            end = shift + (len(data) - shift) // FINGERPRINT * FINGERPRINT
            if end <= shift:
                continue
            for fingerprint in self._fingerprints.intersection(view[shift:end].cast("I")):  # in C
                for form, found in self._binary[fingerprint]:
                    if form.is_in(data):
                        yield found


def _binary_forms(canary: Canary) -> Iterator[tuple[str, _Binary]]:
    for digits in (canary.digits, canary.national):
        value = int(digits)
        yield "int64 little", _Binary(value.to_bytes(8, "little"), 0)
        yield "int64 big", _Binary(value.to_bytes(8, "big"), 4)
        yield "double little", _Binary(struct.pack("<d", value), 2)
        yield "double big", _Binary(struct.pack(">d", value), 2)
        if value < 1 << 31:  # Redis's listpack: a mark, four bytes, how far back to go
            yield "int32 of Redis", _Binary(b"\xf3" + value.to_bytes(4, "little") + b"\x05", 1)
        for address in _addresses(digits):
            yield "swapped BCD", _at_end(address)
    for written in (canary.number, canary.digits, canary.national, "0" + canary.national, "00" + canary.digits):
        for name in _DIGESTS:
            yield name, _at_end(hashlib.new(name, written.encode(), usedforsecurity=False).digest())
    for name, text in (("token", canary.token), ("number", canary.national)):
        for packed in _packed(text):
            yield f"GSM 7-bit {name}", packed


def _at_end(content: bytes, mask: int = 0, rest: int = 0) -> _Binary:
    return _Binary(content, len(content) - FINGERPRINT, mask, rest)


def _addresses(digits: str) -> Iterator[bytes]:
    """Write a number as the air interface does; one that is short, with what stands in front of it there."""
    padded = digits + "F" * (len(digits) % 2)
    swapped = bytes.fromhex("".join(padded[at + 1] + padded[at] for at in range(0, len(padded), 2)))
    if len(swapped) >= SHORTEST_BINARY:
        yield swapped
    else:
        yield from (bytes([len(digits), kind]) + swapped for kind in _TYPES_OF_NUMBER)


def _packed(text: str) -> Iterator[_Binary]:
    """Pack ASCII as septets, for each place of its first bit; bits that belong to neighbours are left out."""
    bits = sum(ord(character) << 7 * at for at, character in enumerate(text))
    for offset in range(8):
        size = 7 * len(text) + offset
        whole = (bits << offset).to_bytes((size + 7) // 8, "little")
        content = whole[1 if offset else 0 : size // 8]
        yield _at_end(content, (1 << size % 8) - 1, whole[-1]) if size % 8 else _at_end(content)
