"""Envelopes as Redis hashes, and back; and what scripts are told of them, a list per message.

Short field names: they are stored a million times.

    s state   rs reason   v version   h home   l lane   c category   t tenant   g campaign   n sender
    r region  z zones   sg segments   k key id   cr created (s)   nb not before (ms)   dl deadline (ms)
    f fingerprint   fe fence   a number of attempts   a1.. attempts   lk looks   x stop   d decisions

A field that has its default is left out. Milliseconds exist only in this file and in the scripts.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from smsqueue.core.decisions import read
from smsqueue.core.envelope import Attempt, Envelope
from smsqueue.core.states import Reason, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smsqueue.core.change import Change

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
_STATES = {state.value: state for state in State}
_REASONS = {reason.value: reason for reason in Reason}
batch = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
"""What a script is told of a batch is one argument: for Python and for the server that is cheaper than thousands."""
_FENCED = frozenset({State.SUBMITTING, State.UNKNOWN})
_TOLD = {state: state not in {State.QUEUED, State.HELD, State.SUBMITTING} for state in State}
"""What goes into the event stream."""
BETWEEN = "\x1f"
"""What stands between fields and values in load.lua's answer: no name, code or number of ours holds it."""


def to_ms(at: datetime) -> int:
    """Write an instant as milliseconds."""
    return (at - EPOCH) // MILLISECOND


def from_ms(ms: int) -> datetime:
    """Read an instant from milliseconds."""
    return EPOCH + timedelta(milliseconds=ms)


def entry(e: Envelope, look_at: datetime, supersede: str, lifetime: int) -> list[str | int]:
    """Write a new envelope and its first home in the order in which accept.lua reads them."""
    return [
        e.id, e.lane, e.category, e.campaign, e.fingerprint, e.state.value, e.reason.value, e.home, to_ms(look_at),
        e.codes, e.region, e.segments, e.key_id, (e.created - EPOCH) // SECOND, to_ms(e.deadline),
        e.tenant, e.sender, e.zones, to_ms(e.not_before) if e.not_before else "", supersede, lifetime,
    ]  # fmt: skip


def passage(e: Envelope, valid_until: datetime, cap: str, most: int) -> list[str | int]:
    """Write a message before the gate in the order in which gate.lua reads it."""
    return [
        e.id, e.version, to_ms(valid_until), len(e.attempts) + 1, e.lane, e.category, e.tenant, e.campaign, cap, most,
    ]  # fmt: skip


def change(changed: Change) -> tuple[Any, ...]:
    """Write a change in the order in which apply.lua reads it."""
    before = changed.before
    attempts, sets, deletes = changed.attempts, ["d", changed.codes], tuple[str, ...]()
    if attempts != before.attempts:
        sets += ("a", str(len(attempts)))
        for number, attempt in enumerate(attempts, 1):
            sets += (f"a{number}", attempt_text(attempt))
        deletes = tuple(f"a{n}" for n in range(len(attempts) + 1, len(before.attempts) + 1))
    look_at, retention = changed.look_at, changed.retention
    stays = look_at is None and changed.home == before.home and retention is None
    return (
        before.id, before.version, changed.state.value, changed.reason.value,
        "=" if stays else changed.home, to_ms(look_at) if look_at else 0,
        not changed.keep_payload,
        retention // MILLISECOND if retention is not None else 0,
        changed.state is not before.state and _TOLD[changed.state],
        attempts[-1].provider if attempts else "", len(attempts),
        before.fence if before.state in _FENCED else "",
        sets, deletes,
    )  # fmt: skip


def readable(id: str, text: bytes | None) -> Envelope | None:
    """Read an envelope; one that somebody damaged is nobody's batch's trouble: its looks end it as poison."""
    if not text:
        return None
    try:
        return envelope(id, text.decode())
    except (KeyError, ValueError, IndexError):
        return None


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
