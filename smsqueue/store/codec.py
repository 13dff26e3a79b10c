"""Envelopes as Redis hashes, and back. Short field names: they are stored a million times.

    s state   rs reason   v version   h home   l lane   c category   t tenant   g campaign   n sender
    r region  z zones   sg segments   k key id   cr created (s)   nb not before (ms)   dl deadline (ms)
    f fingerprint   fe fence   a number of attempts   a1.. attempts   lk looks   x stop   d decisions

A field that has its default is left out. Milliseconds exist only in this file and in the scripts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from smsqueue.core.envelope import Attempt, Decision, Envelope
from smsqueue.core.states import CODES, REASONS, Reason, State

if TYPE_CHECKING:
    from collections.abc import Sequence

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_STATES = {state.value.encode(): state for state in State}
_REASONS = {reason.value.encode(): reason for reason in Reason}


def to_ms(at: datetime) -> int:
    """Write an instant as milliseconds."""
    return (at - EPOCH) // MILLISECOND


def from_ms(ms: int) -> datetime:
    """Read an instant from milliseconds."""
    return EPOCH + timedelta(milliseconds=ms)


def fields(e: Envelope) -> tuple[tuple[str, ...], tuple[str | int, ...]]:
    """Write a new envelope in the order in which accept.lua reads it: before and after its home's score."""
    return (
        e.id, e.lane, e.category, e.campaign, e.fingerprint, e.state.value, e.reason.value, e.home,
    ), (
        decisions_text(e.decisions), e.region, e.segments, e.key_id, (e.created - EPOCH) // SECOND, to_ms(e.deadline),
        e.tenant, e.sender, e.zones, to_ms(e.not_before) if e.not_before else "",
    )  # fmt: skip


def envelope(id: str, flat: list[bytes]) -> Envelope:
    """Read an envelope from what HGETALL answers."""
    hash_ = dict(zip(flat[::2], flat[1::2], strict=True))
    get = hash_.get
    not_before = get(b"nb")
    attempts = int(get(b"a", 0))
    return Envelope(
        id=id,
        state=_STATES[hash_[b"s"]],
        reason=_REASONS[hash_[b"rs"]],
        version=int(hash_[b"v"]),
        home=get(b"h", b"").decode(),
        tenant=get(b"t", b"").decode(),
        category=hash_[b"c"].decode(),
        lane=hash_[b"l"].decode(),
        campaign=get(b"g", b"").decode(),
        sender=get(b"n", b"").decode(),
        region=get(b"r", b"").decode(),
        zones=get(b"z", b"").decode(),
        segments=int(hash_[b"sg"]),
        key_id=get(b"k", b"").decode(),
        created=EPOCH + timedelta(seconds=int(hash_[b"cr"])),
        not_before=from_ms(int(not_before)) if not_before else None,
        deadline=from_ms(int(hash_[b"dl"])),
        fingerprint=hash_[b"f"].decode(),
        fence=get(b"fe", b"").decode(),
        attempts=tuple(_attempt(hash_[b"a%d" % n]) for n in range(1, attempts + 1)) if attempts else (),
        looks=int(get(b"lk", 0)),
        stop=get(b"x", b"").decode(),
        decisions=_decisions(get(b"d", b"").decode()),
    )


def decided_at(fields: Sequence[bytes | None], now: datetime) -> datetime:
    """Return since when a message has been as it is, by its fields d, cr and nb. One that is gone: now."""
    decisions, created, not_before = fields
    if created is None:
        return now
    past = _decisions((decisions or b"").decode())
    begun = past[-1].at if past else EPOCH + timedelta(seconds=int(created))
    return max(begun, from_ms(int(not_before))) if not_before else begun


def attempt_text(attempt: Attempt) -> str:
    """Write an attempt; at most 64 bytes: 11 of fence, 24 of names, the rest for the provider's id."""
    return "|".join(attempt)


def _attempt(raw: bytes) -> Attempt:
    return Attempt(*raw.decode().split("|", 4))


def decisions_text(decisions: tuple[Decision, ...]) -> str:
    """Write the last decisions: state's letter pair, reason, seconds and policy version, 14 bytes each."""
    return " ".join(
        f"{_LETTERS[d.state]}{CODES[d.reason]:-<2}{_base36((d.at - EPOCH) // SECOND)}.{d.policy}" for d in decisions
    )


def _decisions(text: str) -> tuple[Decision, ...]:
    return tuple(_decision(part) for part in text.split(" ")) if text else ()


def _decision(part: str) -> Decision:
    seconds, _, version = part[3:].partition(".")
    code = "-" if part[1:3] == "--" else part[1:3]
    at = EPOCH + timedelta(seconds=int(seconds, 36))
    return Decision(_OF_LETTER[part[0]], REASONS[code], at, int(version))


_LETTERS = {
    State.QUEUED: "Q",
    State.HELD: "H",
    State.SUBMITTING: "W",
    State.UNKNOWN: "U",
    State.SUBMITTED: "S",
    State.DELIVERED: "D",
    State.UNDELIVERED: "N",
    State.UNCONFIRMED: "O",
    State.FAILED: "F",
    State.EXPIRED: "E",
    State.SUPPRESSED: "P",
    State.CANCELLED: "C",
}
_OF_LETTER = {letter: state for state, letter in _LETTERS.items()}


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"
