"""Whether the search can find anything: planted forms must be found, and each layer must be needed."""

from __future__ import annotations

import base64
import random
import time
from typing import TYPE_CHECKING

from lab.canary.canary import canary, draw
from lab.canary.forms import Forms
from lab.canary.layers import LAYERS
from lab.canary.planted import NEEDED_FOR, planted
from lab.canary.scanner import scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.canary.canary import Canary

NOISE = 250_000
AMERICAN = "+12025550143"
"""Beside those of the day: its national number is below 2^31, where Redis writes four bytes."""


def selftest() -> list[str]:
    """Return what is wrong with the search for canaries drawn now; nothing, if it can be relied on."""
    canaries = [*draw(2), canary(AMERICAN, 2)]
    forms = Forms(canaries)
    problems = [f"no planted form for the layer {layer}" for layer in LAYERS if layer not in NEEDED_FOR]
    for place, one in enumerate(canaries):
        problems += _wrong_about(place, one, forms)
    noise = random.Random(4).randbytes(NOISE)
    for name, data in (("noise", noise), ("noise in base64", base64.b64encode(noise)), ("digits", _digits())):
        problems += [f"found in {name}: {hit}" for hit in scan(data, forms)]
    return list(dict.fromkeys(problems))


def speed(megabytes: int, canaries: int) -> float:
    """Return the seconds for so much of what a store's files hold, and so many canaries."""
    forms = Forms(draw(canaries))
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


def _wrong_about(place: int, one: Canary, forms: Forms) -> Iterator[str]:
    found = planted(one)
    for name, data in found.items():
        if {hit.canary for hit in scan(_among(data), forms)} != {place}:
            yield f"not found: {name}"
    for layer, name in NEEDED_FOR.items():
        if scan(_among(found[name]), forms, without={layer}):
            yield f"{name} is found without the layer {layer}, which so is not tested"


def _among(data: bytes) -> bytes:
    """Put data where it is not alone."""
    return b'\x00{"event":"x"}\r\n' + data + b'\r\n{"at":"2026-01-01T10:00:00.000+00:00"}\n'


def _digits() -> bytes:
    chance = random.Random(6)
    return b"\n".join(b"%d" % chance.randrange(10**13) for _ in range(5000))
