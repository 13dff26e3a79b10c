"""Envelopes as Redis hashes, and back. Short field names: they are stored a million times.

    s state   rs reason   v version   h home   l lane   c category   t tenant   g campaign   n sender
    r region  z zones   sg segments   k key id   cr created (s)   nb not before (ms)   dl deadline (ms)
    f fingerprint   fe fence   a number of attempts   a1.. attempts   lk looks   x stop   d decisions

A field that has its default is left out. Milliseconds exist only in this file and in the scripts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from smsqueue.core.decisions import read
from smsqueue.core.envelope import Attempt, Envelope
from smsqueue.core.states import Reason, State

if TYPE_CHECKING:
    from collections.abc import Sequence

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
_STATES = {state.value: state for state in State}
_REASONS = {reason.value: reason for reason in Reason}
BETWEEN = "\x1f"
"""What stands between fields and values in load.lua's answer: no name, code or number of ours holds it."""


def to_ms(at: datetime) -> int:
    """Write an instant as milliseconds."""
    return (at - EPOCH) // MILLISECOND


def from_ms(ms: int) -> datetime:
    """Read an instant from milliseconds."""
    return EPOCH + timedelta(milliseconds=ms)


def row(e: Envelope, look_at: datetime, supersede: str, lifetime: int) -> list[str | int]:
    """Write a new envelope and its first home in the order in which accept.lua reads them."""
    return [
        e.id, e.lane, e.category, e.campaign, e.fingerprint, e.state.value, e.reason.value, e.home, to_ms(look_at),
        e.codes, e.region, e.segments, e.key_id, (e.created - EPOCH) // SECOND, to_ms(e.deadline),
        e.tenant, e.sender, e.zones, to_ms(e.not_before) if e.not_before else "", supersede, lifetime,
    ]  # fmt: skip


def envelope(id: str, text: str) -> Envelope:
    """Read an envelope from what load.lua answers. Raises KeyError or ValueError for what is none."""
    parts = text.split(BETWEEN)
    held = dict(zip(parts[::2], parts[1::2], strict=True))
    get = held.get
    not_before = get("nb")
    attempts = int(get("a", 0))
    return Envelope(
        id,
        _STATES[held["s"]],
        held["c"],
        held["l"],
        get("r", ""),
        int(held["sg"]),
        get("k", ""),
        EPOCH + timedelta(seconds=int(held["cr"])),
        EPOCH + timedelta(milliseconds=int(held["dl"])),
        held["f"],
        _REASONS[held["rs"]],
        int(held["v"]),
        get("h", ""),
        get("t", ""),
        get("g", ""),
        get("n", ""),
        get("z", ""),
        from_ms(int(not_before)) if not_before else None,
        get("fe", ""),
        tuple([_attempt(held[f"a{n}"]) for n in range(1, attempts + 1)]) if attempts else (),
        int(get("lk", 0)),
        get("x", ""),
        get("d", ""),
    )


def decided_at(fields: Sequence[bytes | None], now: datetime) -> datetime:
    """Return since when a message has been as it is, by its fields d, cr and nb. One that is gone: now."""
    decisions, created, not_before = fields
    if created is None:
        return now
    past = read((decisions or b"").decode())
    begun = past[-1].at if past else EPOCH + timedelta(seconds=int(created))
    return max(begun, from_ms(int(not_before))) if not_before else begun


def attempt_text(attempt: Attempt) -> str:
    """Write an attempt; at most 64 bytes: 11 of fence, 24 of names, the rest for the provider's id."""
    return "|".join(attempt).replace(BETWEEN, "")


def _attempt(text: str) -> Attempt:
    return Attempt(*text.split("|", 4))
