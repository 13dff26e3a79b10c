"""Not after the deadline, and not while any place where the recipient may be is quiet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zlib import crc32

from smsqueue.core import calendar, timing, zones
from smsqueue.core.outcome import End, Hold
from smsqueue.core.states import Reason, State

if TYPE_CHECKING:
    from smsqueue.core.envelope import Envelope
    from smsqueue.core.policy import Category, Policy, Quiet

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def hours(envelope: Envelope, policy: Policy, now: datetime) -> Hold | End | datetime:
    """Say until when a submit is valid now, or until when to hold, or that it is too late."""
    category = policy.category(envelope.category)
    open_hours = None
    if category.quiet:
        open_hours = _calendar(envelope.region, envelope.zones, policy.quiet)
        if open_hours is None:  # nobody knows where the recipient is: unknown means quiet
            return End(State.EXPIRED, Reason.NO_WINDOW)
    start = envelope.not_before
    answer = timing.when(
        now=(now - EPOCH) // SECOND,
        calendar=open_hours,
        deadline=(envelope.deadline - EPOCH) // SECOND,
        not_before=-((EPOCH - start) // SECOND) if start else 0,  # rounded up: never before it
        min_validity=category.min_validity // SECOND,
        cutoff=_cutoff(category, policy),
        spread=_spread(envelope.id, category.spread // SECOND) if category.quiet else 0,
    )
    match answer:
        case timing.Send(valid_until):
            return EPOCH + valid_until * SECOND
        case timing.Hold(until):
            at = EPOCH + until * SECOND
            scheduled = start is not None and start > now and at - start < SECOND
            return Hold(at, Reason.SCHEDULED if scheduled else Reason.QUIET_HOURS)
        case timing.Expire(reason):
            return End(State.EXPIRED, Reason(reason.value))


def _spread(id: str, most: int) -> int:
    """Choose a message's place in the morning by its id: the same one whoever asks, and even over all ids."""
    return crc32(id.encode()) * most >> 32


def _cutoff(category: Category, policy: Policy) -> int:
    """Return how long before quiet hours submits end, if no provider of the category hands its validity on."""
    reaches = any(policy.providers[name].reaches_carrier for name in category.routes)
    return 0 if reaches else category.late_cutoff // SECOND


@lru_cache(maxsize=4096)
def _places(region: str, explicit: str) -> tuple[str, ...]:
    return zones.set_of(region=region, explicit=explicit)


def _calendar(region: str, explicit: str, quiet: Quiet) -> calendar.Calendar | None:
    places = _places(region, explicit)
    if not places:
        return None
    return calendar.calendar_for(places, quiet.schedule, quiet.guard // SECOND)
