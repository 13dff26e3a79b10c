"""Which provider: the next of the category's that serves it and can express what validity is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smsqueue.core.outcome import End, Handoff, Park
from smsqueue.core.states import Reason, State
from smsqueue.core.submission import SendStatus

if TYPE_CHECKING:
    from datetime import datetime

    from smsqueue.core.envelope import Envelope
    from smsqueue.core.facts import Facts
    from smsqueue.core.policy import Policy


def route(
    envelope: Envelope, policy: Policy, facts: Facts, now: datetime, valid_until: datetime
) -> Handoff | Park | End:
    """Choose a provider. Each attempt takes the next one, so that a retry is also a failover."""
    routes = policy.category(envelope.category).routes
    attempts = envelope.attempts
    reason = Reason.NO_ROUTE
    for turn in range(len(routes)):
        name = routes[(len(attempts) + turn) % len(routes)]
        if attempts and any(a.provider == name and a.result == SendStatus.NO_ROUTE for a in attempts):
            continue
        if policy.sender_id(envelope.sender, name) is None:
            continue
        if name in facts.paused_providers:
            reason = Reason.PAUSED
            continue
        if _too_late(envelope, policy, name, now, valid_until):
            reason = Reason.VALIDITY_UNREPRESENTABLE
            continue
        if valid_until - now < policy.providers[name].shortest:
            reason = Reason.VALIDITY_UNREPRESENTABLE
            continue
        return Handoff(name, valid_until)
    if reason is Reason.PAUSED:
        return Park(reason)
    state = State.FAILED if reason is Reason.NO_ROUTE else State.EXPIRED
    return End(state, reason)


def _too_late(envelope: Envelope, policy: Policy, name: str, now: datetime, valid_until: datetime) -> bool:
    """Whether a provider's own queue might carry it into quiet hours, which another of its category does not."""
    category, provider = policy.category(envelope.category), policy.providers[name]
    ends_quiet = bool(category.quiet) and valid_until < envelope.deadline
    return ends_quiet and not provider.reaches_carrier and valid_until - now < category.late_cutoff
