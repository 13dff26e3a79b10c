"""How a provider is, judged by how its calls end. One that hangs or is away must not get everything that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smsqueue.core.submission import SendStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

BAD = frozenset({SendStatus.UNKNOWN, SendStatus.UNAVAILABLE})
"""Ends that say that nobody answered, or nobody who knows what became of it. Refusals are answers."""


class Ends(NamedTuple):
    """What a row of ends says about a provider."""

    well: bool  # whether one of them was an answer
    bad: int  # how many were not, after the last that was


def ends(statuses: Iterable[SendStatus]) -> Ends:
    """Read a row of ends, oldest first."""
    well, bad = False, 0
    for status in statuses:
        if status in BAD:
            bad += 1
        else:
            well, bad = True, 0
    return Ends(well, bad)
