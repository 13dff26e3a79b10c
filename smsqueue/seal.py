"""Sealing: a payload is closed under the active key and bound to its envelope's fixed fields.

The cipher is XAES-256-GCM (c2sp.org/XAES-256-GCM): AES-256-GCM under a key that is derived from the first half
of a 192-bit random nonce. A process keeps that half for a series of 256 messages, and with it the derived key:
deriving costs more than everything else here. Within a series the other 96 bits are random, so a repeat among
10^12 messages has a chance of 2^-49. Nonces come from the system's randomness; no function takes one from a caller.

    record    = "SQ" | version 1 | len(kid) | kid | nonce (24) | ciphertext | tag (16)
    bound to  = "SQ"..kid | each header field as text, with its length in front
    plaintext = length (2) | payload | zeros up to a multiple of 64: a one-time code does not show by its length

What goes wrong has three names: `bad_format`, `unknown_key`, `bad_seal`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

from smsqueue.errors import SealError

if TYPE_CHECKING:
    from smsqueue.keyring import Keyring

MAGIC = b"SQ\x01"
NONCE = 24
TAG = 16
BUCKET = 64
PAYLOAD_LONGEST = 0xFFFF
SERIES = 256
"""Messages that share the first half of their nonces: a batch of `send_many` and a little more."""


class Header(NamedTuple):
    """What a payload is bound to: the envelope's fields that never change."""

    id: str
    tenant: str
    category: str
    lane: str
    campaign: str
    created: int  # s
    deadline: int  # ms


def seal(keyring: Keyring, header: Header, payload: bytes) -> bytes:
    """Close a payload under the active key. Raises SealError `bad_format` above PAYLOAD_LONGEST bytes."""
    if len(payload) > PAYLOAD_LONGEST:
        raise SealError("bad_format")
    head = _head(keyring.active)
    framed = len(payload).to_bytes(2, "big") + payload
    framed += bytes(-len(framed) % BUCKET)
    nonce = _nonces.draw()
    return head + nonce + xaes_encrypt(keyring.payload_key(keyring.active), nonce, framed, head + _bound(header))


def open_record(keyring: Keyring, header: Header, record: bytes) -> bytes:
    """Open a record. Raises SealError; nothing of the record is in it."""
    kid = key_id(record)
    key = keyring.payload_key(kid)
    head = _head(kid)
    start = len(head) + NONCE
    framed = None
    with suppress(InvalidTag):
        framed = xaes_decrypt(key, record[len(head) : start], record[start:], head + _bound(header))
    if framed is None:
        raise SealError("bad_seal")
    size = int.from_bytes(framed[:2], "big")
    if size > len(framed) - 2 or any(framed[2 + size :]):
        raise SealError("bad_format")
    return framed[2 : 2 + size]


def key_id(record: bytes) -> str:
    """Read which key a record is under, without that key. Raises SealError `bad_format`."""
    end = 4 + record[3] if len(record) > 4 else 0  # noqa: PLR2004 - magic, version, length
    if record[:3] != MAGIC or len(record) < end + NONCE + TAG + 2 or not record[4:end].isascii():
        raise SealError("bad_format")
    return record[4:end].decode("ascii")


def xaes_encrypt(key: bytes, nonce: bytes, plaintext: bytes, bound: bytes) -> bytes:
    """Encrypt under a given nonce: for `seal`, and for the published vectors."""
    return _cipher(key, nonce[:12]).encrypt(nonce[12:], plaintext, bound)


def xaes_decrypt(key: bytes, nonce: bytes, ciphertext: bytes, bound: bytes) -> bytes:
    """Decrypt. Raises cryptography's InvalidTag."""
    return _cipher(key, nonce[:12]).decrypt(nonce[12:], ciphertext, bound)


class _Nonces:
    """Draws nonces. Safe among threads, and after a fork: then both go on with the series, with other halves."""

    def __init__(self) -> None:
        self._drawn = count(1)
        self._series = os.urandom(12)

    def draw(self) -> bytes:
        """Return 24 bytes."""
        if next(self._drawn) % SERIES == 0:
            self._series = os.urandom(12)
        return self._series + os.urandom(12)


_nonces = _Nonces()


@lru_cache(maxsize=256)
def _cipher(key: bytes, half: bytes) -> AESGCM:
    """Derive a series' key: SP 800-108r1 counter mode over CMAC, without the length field.

    Only `fixed=` can leave that field out, and one object derives once.
    """
    derivation = KBKDFCMAC(
        algorithms.AES,
        Mode.CounterMode,
        length=32,
        rlen=2,
        llen=None,
        location=CounterLocation.BeforeFixed,
        label=None,
        context=None,
        fixed=b"X\x00" + half,
    )
    return AESGCM(derivation.derive(key))


@lru_cache(maxsize=64)
def _head(kid: str) -> bytes:
    raw = kid.encode("ascii")
    return MAGIC + bytes([len(raw)]) + raw


def _bound(header: Header) -> bytes:
    """Write the header so that no two read the same: each text with its length in front."""
    id, tenant, category, lane, campaign, created, deadline = header
    return (
        f"{len(id)}:{id}{len(tenant)}:{tenant}{len(category)}:{category}{len(lane)}:{lane}"
        f"{len(campaign)}:{campaign}{created};{deadline}"
    ).encode()
