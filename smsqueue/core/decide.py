"""What is to be done about a message now: asked at acceptance, at dispatch and right before the provider's call.

Rules that hold whatever the policy says:

* a final state is never left;
* nothing is handed off at or after its deadline, nor when a place where the recipient may be is quiet;
* a message that the provider may have is never handed off unless its category, or the provider's
  deduplication, makes submitting again right.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from smsqueue.core.outcome import End, Handoff, Hold, Outcome, Park, Submitted, Watch
from smsqueue.core.policy import Doubt
from smsqueue.core.rules.hours import hours
from smsqueue.core.rules.route import route
from smsqueue.core.states import FINAL, WAITING, Reason, State
from smsqueue.core.submission import SendStatus

if TYPE_CHECKING:
    from datetime import datetime

    from smsqueue.core.envelope import Envelope
    from smsqueue.core.facts import Facts
    from smsqueue.core.policy import Policy

RECEIPT_GRACE = timedelta(hours=1)
"""How long after the validity a receipt is waited for."""

CALL_GRACE = timedelta(minutes=1)
"""When to look again at a message on the wire; its lease normally ends first."""


def decide(envelope: Envelope, policy: Policy, facts: Facts, now: datetime) -> Outcome | None:
    """Decide about a message; None: there is nothing to do, it is final."""
    if envelope.state in FINAL:
        return None
    if envelope.state in WAITING:
        return waiting(envelope, policy, facts, now)
    if envelope.state is State.SUBMITTING:
        return Watch(now + CALL_GRACE)
    until = envelope.deadline + RECEIPT_GRACE
    if envelope.state is State.UNKNOWN:
        if envelope.attempts and envelope.attempts[-1].result == SendStatus.ACCEPTED:
            return Submitted(until)  # a receipt proved it before the worker was lost
        if may_repeat(envelope, policy, now):
            return Hold(now, Reason.IN_DOUBT_AGAIN)
    if now < until:
        return Watch(until)
    doubt = envelope.state is State.UNKNOWN
    return End(State.UNCONFIRMED, Reason.IN_DOUBT if doubt else Reason.NO_RECEIPT)


def waiting(envelope: Envelope, policy: Policy, facts: Facts, now: datetime) -> Handoff | Hold | Park | End:
    """Decide about a message that is surely not at a provider. The order of the questions is the policy."""
    if envelope.stop:
        return End(State.CANCELLED, Reason(envelope.stop))
    if facts.withdrawn:
        return End(State.CANCELLED, Reason.CANCELLED)
    if now >= envelope.deadline:
        return End(State.EXPIRED, Reason.TTL)
    if facts.paused:
        return Park(Reason.PAUSED)
    answer = hours(envelope, policy, now)
    if isinstance(answer, Hold | End):
        return answer
    return route(envelope, policy, facts, now, answer)


def may_repeat(envelope: Envelope, policy: Policy, now: datetime) -> bool:
    """Whether a message in doubt may be submitted again."""
    category = policy.category(envelope.category)
    last = envelope.attempts[-1] if envelope.attempts else None
    provider = policy.providers.get(last.provider) if last else None
    harmless = provider is not None and provider.deduplicates and len(category.routes) == 1
    return (
        not envelope.stop
        and envelope.reason is not Reason.RESTORED
        and (category.doubt is Doubt.AGAIN or harmless)
        and len(envelope.attempts) < category.attempts
        and now + category.min_validity <= envelope.deadline
    )
