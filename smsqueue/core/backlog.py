"""What will become of a backlog: how much of it is in time, when it is done. Pure arithmetic on samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Slice(NamedTuple):
    """Messages of about the same deadline."""

    messages: int
    deadline: float  # seconds from now


class Fate(NamedTuple):
    """What the present rate makes of a backlog. `seconds` until it is done; None: at this rate, never."""

    in_time: int
    expires: int
    seconds: float | None


def fate(slices: Iterable[Slice], rate: float) -> Fate:
    """Tell the fate of what waits when `rate` messages a second are taken, earliest deadline first.

    A slice is reached when all before it are done; the part of it that is reached before its deadline is in
    time. What expires takes no time.
    """
    if rate <= 0:
        return Fate(0, sum(part.messages for part in slices), None)
    seconds, in_time, expires = 0.0, 0, 0
    for messages, deadline in sorted(slices, key=lambda part: part.deadline):
        done = min(messages, max(int((deadline - seconds) * rate), 0))
        in_time, expires = in_time + done, expires + messages - done
        seconds += done / rate
    return Fate(in_time, expires, seconds)
