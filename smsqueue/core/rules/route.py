"""Which provider: the next of the category's that serves it and can express what validity is left.

One whose calls end badly is chosen only where no other is possible: then the message waits for it at its door.
"""

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
    category, attempts = policy.category(envelope.category), envelope.attempts
    routes, left = category.routes, valid_until - now
    ends_quiet = bool(category.late_cutoff) and valid_until < envelope.deadline
    reason, paused, ailing = Reason.NO_ROUTE, False, ""
    for turn in range(len(routes)):
        name = routes[(len(attempts) + turn) % len(routes)]
        if attempts and any(a.provider == name and a.result == SendStatus.NO_ROUTE for a in attempts):
            continue
        if policy.sender_id(envelope.sender, name) is None:
            continue
        provider = policy.providers[name]
        # a queue of the provider's own might carry it into quiet hours, which another provider's does not
        too_late = ends_quiet and not provider.reaches_carrier and left < category.late_cutoff
        if too_late or left < provider.shortest:
            reason = Reason.VALIDITY_UNREPRESENTABLE
        elif name in facts.paused_providers:
            paused = True
        elif name in facts.ailing_providers:
            ailing = ailing or name
        else:
            return Handoff(name, valid_until)
    if ailing:
        return Handoff(ailing, valid_until)
    if paused:  # one that could still take it
        return Park(Reason.PAUSED)
    state = State.FAILED if reason is Reason.NO_ROUTE else State.EXPIRED
    return End(state, reason)
