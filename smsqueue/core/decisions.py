"""The last decisions about a message, as codes: 14 bytes each, three of them in one small field of its envelope.

A decision reads `Hqhrz4k1c.7`: the state's letter, two letters of the reason, seconds in base 36, the policy's version.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from smsqueue.core.states import CODES, REASONS, Reason, State

KEPT = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
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


class Decision(NamedTuple):
    """What became of a message, why, when (whole seconds), under which version of the policy."""

    state: State
    reason: Reason
    at: datetime
    policy: int


def added(codes: str, state: State, reason: Reason, now: datetime, policy: int) -> str:
    """Write a decision behind the others; the oldest goes."""
    code = f"{_LETTERS[state]}{CODES[reason]:-<2}{_when((now - _EPOCH) // _SECOND, policy)}"
    if not codes:
        return code
    return " ".join((*codes.split(" ")[1 - KEPT :], code))


def read(codes: str) -> tuple[Decision, ...]:
    """Read them, oldest first. Raises KeyError or ValueError for what is none."""
    return tuple(_read(code) for code in codes.split(" ")) if codes else ()


def _read(code: str) -> Decision:
    seconds, _, version = code[3:].partition(".")
    reason = "-" if code[1:3] == "--" else code[1:3]
    at = _EPOCH + timedelta(seconds=int(seconds, 36))
    return Decision(_OF_LETTER[code[0]], REASONS[reason], at, int(version))


@lru_cache(maxsize=64)
def _when(seconds: int, policy: int) -> str:
    """Write an instant and a version, which a batch shares."""
    text = ""
    while seconds:
        seconds, digit = divmod(seconds, 36)
        text = _DIGITS[digit] + text
    return f"{text or '0'}.{policy}"
