"""The decision about time: now, later, or never. On integer epoch seconds.

* Send: the whole time until `valid_until` is open, and lies before the deadline.
* Hold: asked again at `until`, the answer is Send, unless rules or clock have changed: no ping-pong.
* Expire: no instant between now and the deadline has `min_validity` open seconds ahead of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from smsqueue.core.calendar import Calendar


class TimingReason(StrEnum):
    """Why it is too late."""

    TTL = "ttl"  # the deadline has passed
    TTL_TOO_SHORT = "ttl_too_short"  # it is open, but less than the least validity is left
    TTL_BEFORE_WINDOW = "ttl_before_window"  # the deadline comes before the next usable window
    NO_WINDOW = "no_window"  # nothing is open within the horizon


@dataclass(frozen=True, slots=True)
class Send:
    """Now; the carrier may be told this validity, and no longer one."""

    valid_until: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now, but at `until`."""

    until: int


@dataclass(frozen=True, slots=True)
class Expire:
    """Never."""

    reason: TimingReason


Timing: TypeAlias = Send | Hold | Expire


class Terms(NamedTuple):
    """What a category asks of time in one place, in seconds."""

    calendar: Calendar | None  # None: at any hour
    min_validity: int
    spread: int  # over which what was held is let go
    cutoff: int


def when(
    *,
    now: int,
    calendar: Calendar | None,
    deadline: int,
    not_before: int,
    min_validity: int,
    spread: int = 0,
    cutoff: int = 0,
) -> Timing:
    """Decide for one message. `calendar` is None for what ignores quiet hours.

    `spread` is how long after an opening this message would wait, so that not everybody goes in its first second;
    it is cut where the window or the deadline would be missed. `cutoff` is how long before a closing it is too late
    already: for a provider that keeps messages in a queue of its own.

    The deadline must not lie arbitrarily far ahead: windows are tried one by one until then.
    """
    if now >= deadline:
        return Expire(TimingReason.TTL)
    earliest = at = max(now, not_before)
    if calendar is None:
        if earliest + min_validity > deadline:
            return Expire(TimingReason.TTL_TOO_SHORT)
        return Send(deadline) if earliest == now else Hold(earliest)
    while window := calendar.window(at):
        start, closes = window
        if start + min_validity > deadline:
            is_open = start == earliest
            return Expire(TimingReason.TTL_TOO_SHORT if is_open else TimingReason.TTL_BEFORE_WINDOW)
        valid_until = min(deadline, closes)
        latest = min(valid_until - min_validity, closes - cutoff)
        if start <= latest:
            if start == now:
                return Send(valid_until)
            return Hold(min(start + spread, latest) if start > at else start)
        at = valid_until  # what is left of this window is too short: try the next
    return Expire(TimingReason.NO_WINDOW)
