"""Not after the deadline, and not while any place where the recipient may be is quiet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from smsqueue.core import calendar, places, public_holidays, timing
from smsqueue.core.outcome import End, Hold
from smsqueue.core.places import Origin
from smsqueue.core.policy import QuietKind
from smsqueue.core.schedule import Dated, Together, parse_schedule
from smsqueue.core.send_hours import Rule, courtesy
from smsqueue.core.states import Reason, State
from smsqueue.core.timing import Terms

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
    terms = _terms(envelope, policy, now)
    if terms is None:  # nobody knows where the recipient is: unknown means quiet
        return End(State.EXPIRED, Reason.NO_WINDOW)
    open_hours, min_validity, spread, cutoff = terms
    start = envelope.not_before
    answer = timing.when(
        now=(now - EPOCH) // SECOND,
        calendar=open_hours,
        deadline=(envelope.deadline - EPOCH) // SECOND,
        not_before=-((EPOCH - start) // SECOND) if start else 0,  # rounded up: never before it
        min_validity=min_validity,
        spread=crc32(envelope.id.encode()) * spread >> 32,  # the same whoever asks, and even over all ids
        cutoff=cutoff,
    )
    match answer:
        case timing.Send(valid_until):
            return EPOCH + valid_until * SECOND
        case timing.Hold(until):
            at = EPOCH + until * SECOND
            scheduled = start is not None and start >= now and at - start < SECOND
            return Hold(at, Reason.SCHEDULED if scheduled else Reason.QUIET_HOURS)
        case timing.Expire(reason):
            return End(State.EXPIRED, Reason(reason.value))


def is_quiet(envelope: Envelope, policy: Policy, at: datetime) -> bool:
    """Whether an instant surely lies in quiet hours that a message respects, whatever the guard."""
    terms = _terms(envelope, policy, at)
    if terms is None or terms.calendar is None:
        return False
    second, guard = (at - EPOCH) // SECOND, policy.quiet.guard // SECOND
    return not any(terms.calendar.allowed(second + by) for by in (-guard, 0, guard))


def _terms(envelope: Envelope, policy: Policy, now: datetime) -> Terms | None:
    """Return the terms of a message; None: nobody knows where its recipient is, or when it is quiet there."""
    known = policy.terms
    key = (envelope.region, envelope.zones, envelope.category)
    if key in known:
        return known[key]
    category = policy.category(envelope.category)
    open_hours = find(envelope.region, envelope.zones, category, policy, now).calendar
    terms = Terms(
        calendar=open_hours,
        min_validity=category.min_validity // SECOND,
        spread=category.spread // SECOND,
        cutoff=_cutoff(category, policy),
    )
    found = None if category.quiet and open_hours is None else terms
    if len(known) < _KEPT:
        known[key] = found
    return found


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


class Found(NamedTuple):
    """Which zones count for a recipient, and the hours that they have in common."""

    zones: tuple[str, ...]
    origin: Origin
    calendar: Calendar | None  # None: nobody knows where, or which holidays, or too little is in common


def find(region: str, noted: str, category: Category, policy: Policy, now: datetime) -> Found:
    """Find the hours of a place for a category that has quiet ones: in all zones at once, if that leaves enough."""
    common = _common(_rules(region, category.quiet, policy), region)
    steps = places.ladder(region, noted, category.zones, policy.quiet.instead)
    if common is not None:
        for names, origin in steps:
            if calendar.shared(names, common, (now - EPOCH) // SECOND, policy.quiet.min_window // SECOND):
                return Found(names, origin, calendar.calendar_for(names, common, policy.quiet.guard // SECOND))
    return Found(*steps[0], None) if steps else Found((), Origin.NOBODY, None)


def _common(rules: tuple[Rule, ...], region: str) -> Hours | None:
    """Return hours in which all rules allow; None: there is no rule, or nobody knows when it is closed there."""
    every: list[Hours] = []
    for rule in rules:
        schedule = parse_schedule(rule.hours)
        if schedule.holiday is None:
            every.append(schedule)
        elif is_holiday := public_holidays.of(region):
            every.append(Dated(schedule, is_holiday))
        else:
            return None
    return (every[0] if len(every) == 1 else Together(tuple(every))) if every else None
