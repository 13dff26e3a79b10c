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
        if valid_until - now < policy.providers[name].shortest:
            reason = Reason.VALIDITY_UNREPRESENTABLE
            continue
        return Handoff(name, valid_until)
    if reason is Reason.PAUSED:
        return Park(reason)
    state = State.FAILED if reason is Reason.NO_ROUTE else State.EXPIRED
    return End(state, reason)
