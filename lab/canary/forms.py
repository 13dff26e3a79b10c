"""What each canary looks like in bytes: digits and tokens to be looked up, and binary forms with fingerprints.

Text is found with two regular expressions and looked up, since thousands of alternatives would be slow. Binary
forms have no shape: they are found by four of their bytes, looked up at every offset of the data.
"""

from __future__ import annotations

import hashlib
import os.path
import re
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lab.canary.canary import Canary

SHORTEST_NUMBER = 7
FINGERPRINT = 4
_RUN = re.compile(rb"\d[\d ().\-/]{5,}\d")
_SEPARATORS = b" ().-/"
_DIGESTS = ("md5", "sha1", "sha256")


class Found(NamedTuple):
    """A form of a canary that is in some data: which form, and which canary by its place in the list."""

    form: str
    canary: int


class _Binary(NamedTuple):
    """A binary form; its fingerprint is its last bytes, where numbers differ most."""

    found: Found
    content: bytes
    at: int  # where the fingerprint begins


class Forms:
    """All forms of many canaries."""

    def __init__(self, canaries: Sequence[Canary]) -> None:
        self._digits: dict[bytes, Found] = {}
        self._tokens: dict[bytes, int] = {}
        self._binary: dict[int, list[_Binary]] = defaultdict(list)
        for place, canary in enumerate(canaries):
            self._tokens[canary.token.lower().encode()] = place
            for name, digits in (("national", canary.national), ("number", canary.digits)):
                if len(digits) < SHORTEST_NUMBER:
                    raise ValueError("a canary's number is too short to be told from others")
                self._digits[digits.encode()] = Found(name, place)
            for name, content, at in _binary_forms(canary):
                form = _Binary(Found(name, place), content, at)
                self._binary[int.from_bytes(content[at : at + FINGERPRINT], sys.byteorder)].append(form)
        prefix = os.path.commonprefix([token.decode() for token in self._tokens])  # noqa: RUF071 - of words, not paths  # noqa: RUF071 - by characters is what is wanted
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
                for form in self._binary[fingerprint]:
                    if form.content in data:
                        yield form.found


def _binary_forms(canary: Canary) -> Iterator[tuple[str, bytes, int]]:
    value = int(canary.digits)
    yield "int64 little", value.to_bytes(8, "little"), 0
    yield "int64 big", value.to_bytes(8, "big"), 4
    for digits in (canary.digits, canary.national):
        padded = digits + "F" * (len(digits) % 2)
        swapped = "".join(padded[at + 1] + padded[at] for at in range(0, len(padded), 2))
        yield "swapped BCD", *_at_end(bytes.fromhex(swapped))
    for written in (canary.number, canary.digits, canary.national):
        for name in _DIGESTS:
            yield name, *_at_end(hashlib.new(name, written.encode(), usedforsecurity=False).digest())
    for name, text in (("token", canary.token), ("number", canary.national)):
        for packed in _packed(text):
            yield f"GSM 7-bit {name}", *_at_end(packed)


def _at_end(content: bytes) -> tuple[bytes, int]:
    return content, len(content) - FINGERPRINT


def _packed(text: str) -> Iterable[bytes]:
    """Pack ASCII as septets, for each place of its first bit; bits that belong to neighbours are left out."""
    bits = sum(ord(character) << 7 * at for at, character in enumerate(text))
    for offset in range(8):
        whole = (bits << offset).to_bytes((7 * len(text) + offset + 7) // 8, "little")
        last = len(whole) - ((7 * len(text) + offset) % 8 != 0)
        yield whole[1 if offset else 0 : last]
