"""Not after the deadline, and not while any place where the recipient may be is quiet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zlib import crc32

from smsqueue.core import public_holidays, timing, zones
from smsqueue.core.calendar import calendar_for
from smsqueue.core.outcome import End, Hold
from smsqueue.core.policy import QuietKind
from smsqueue.core.schedule import Dated, Together, parse_schedule
from smsqueue.core.send_hours import Rule, courtesy
from smsqueue.core.states import Reason, State

if TYPE_CHECKING:
    from smsqueue.core.calendar import Calendar
    from smsqueue.core.envelope import Envelope
    from smsqueue.core.policy import Category, Policy
    from smsqueue.core.schedule import Hours

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)

_KEPT = 4096  # regions and zone sets of one policy


def hours(envelope: Envelope, policy: Policy, now: datetime) -> Hold | End | datetime:
    """Say until when a submit is valid now, or until when to hold, or that it is too late."""
    category = policy.category(envelope.category)
    open_hours = None
    if category.quiet:
        open_hours = _calendar(envelope.region, envelope.zones, category.quiet, policy)
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


def rules_for(region: str, category: str, policy: Policy) -> tuple[Rule, ...]:
    """Return the rules that hold for a category in a region, `FR` or `US-FL`: all of them at once.

    None: the category goes at any hour; or, if it keeps quiet hours, no rule is known, and then it never goes.
    """
    return _rules(region, policy.category(category).quiet, policy)


def _rules(region: str, kind: QuietKind, policy: Policy) -> tuple[Rule, ...]:
    match kind:
        case QuietKind.LEGAL:
            return policy.table.promotional(region)
        case QuietKind.COURTESY:
            return (courtesy(policy.quiet.open), *policy.table.service(region))
        case QuietKind.OFF:
            return ()


def _calendar(region: str, explicit: str, kind: QuietKind, policy: Policy) -> Calendar | None:
    """Return the calendar of region and zones; None: nobody knows one."""
    known = policy.calendars
    key = (region, explicit, kind)
    if key in known:
        return known[key]
    found = _find(region, explicit, kind, policy)
    if len(known) < _KEPT:
        known[key] = found
    return found


def _find(region: str, explicit: str, kind: QuietKind, policy: Policy) -> Calendar | None:
    places = zones.set_of(region=region.partition("-")[0], explicit=explicit)
    every: list[Hours] = []
    for rule in _rules(region, kind, policy):
        schedule = parse_schedule(rule.hours)
        if schedule.holiday is None:
            every.append(schedule)
        elif is_holiday := public_holidays.of(region):
            every.append(Dated(schedule, is_holiday))
        else:  # nobody knows when it is closed there
            return None
    if not places or not every:
        return None
    hours = every[0] if len(every) == 1 else Together(tuple(every))
    return calendar_for(places, hours, policy.quiet.guard // SECOND)
