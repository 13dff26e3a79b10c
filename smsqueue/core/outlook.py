"""What would become of a message, before there is one: where its recipient may be, by which rules, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from smsqueue.core import zones
from smsqueue.core.calendar import HORIZON
from smsqueue.core.envelope import Envelope
from smsqueue.core.outcome import End, Hold
from smsqueue.core.places import Origin
from smsqueue.core.rules.cap import cap
from smsqueue.core.rules.hours import EPOCH, SECOND, Found, find, hours, rules_for
from smsqueue.core.states import Reason, State

if TYPE_CHECKING:
    from datetime import datetime

    from smsqueue.core.calendar import Calendar
    from smsqueue.core.policy import Policy
    from smsqueue.core.send_hours import Rule

WINDOWS = 7
"""How many windows are listed."""


class Window(NamedTuple):
    """A time in which it may go, the guard taken off at both ends."""

    opens: datetime
    closes: datetime

    def has(self, at: datetime) -> bool:
        """Whether an instant lies in it."""
        return self.opens <= at < self.closes


class Outlook(NamedTuple):
    """What `explain` tells about a number, a category and an instant. The number is not in it."""

    at: datetime
    category: str
    region: str  # US-FL; 001: of no country
    zones: tuple[str, ...]
    origin: Origin
    rules: tuple[Rule, ...]  # all of them hold at once; none: at any hour, or never
    cap: int | None  # messages within 24 hours
    reason: Reason  # none: it would go at once; quiet_hours: at `opens`; else why never
    goes: datetime | None  # with its category's validity, at the earliest
    spread: timedelta  # over which those that were held are let go, each by its id
    valid_until: datetime | None  # what the provider would be told, at most
    windows: tuple[Window, ...]  # none: at any hour, or never
    policy: int
    tzdata: str


def outlook(region: str, noted: str, category: str, policy: Policy, at: datetime) -> Outlook:
    """Look ahead for `US-FL` and zones as in an envelope, and a category's own name."""
    treated = policy.category(category)
    like = Envelope(
        id="",  # whose place in the spread of a morning is the first
        state=State.QUEUED,
        category=category,
        lane=treated.lane,
        region=region,
        zones=noted,
        segments=1,
        key_id="",
        created=at,
        deadline=at + treated.validity,
        fingerprint="",
    )
    found = find(region, noted, treated, policy, at) if treated.quiet else Found((), Origin.NOBODY, None)
    reason, goes, valid_until = _answer(like, policy, at)
    return Outlook(
        at=at,
        category=category,
        region=region,
        zones=found.zones,
        origin=found.origin,
        rules=rules_for(region, category, policy),
        cap=cap(like, policy),
        reason=reason,
        goes=goes,
        spread=treated.spread if reason is Reason.QUIET_HOURS else timedelta(0),
        valid_until=valid_until,
        windows=_windows(found.calendar, at) if found.calendar else (),
        policy=policy.version,
        tzdata=zones.IANA_VERSION,
    )


def _answer(like: Envelope, policy: Policy, at: datetime) -> tuple[Reason, datetime | None, datetime | None]:
    match hours(like, policy, at):
        case Hold(until, reason):
            later = hours(like, policy, until)
            return reason, until, None if isinstance(later, End | Hold) else later
        case End(_, reason):
            return reason, None, None
        case valid_until:
            return Reason.NONE, at, valid_until


def _windows(calendar: Calendar, at: datetime) -> tuple[Window, ...]:
    found: list[Window] = []
    second = (at - EPOCH) // SECOND
    limit = second + HORIZON
    while len(found) < WINDOWS and second < limit and (opens := calendar.next_open(second)) is not None:
        second = calendar.open_until(opens) or limit
        found.append(Window(EPOCH + opens * SECOND, EPOCH + second * SECOND))
    return tuple(found)
