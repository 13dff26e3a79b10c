"""How many messages of a category one recipient may get within 24 hours: the policy's word, and the law's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smsqueue.core.rules.hours import rules_for

if TYPE_CHECKING:
    from smsqueue.core.envelope import Envelope
    from smsqueue.core.policy import Policy


def cap(envelope: Envelope, policy: Policy) -> int | None:
    """Return the least of the category's cap and those of the rules that hold where the recipient is; None: none."""
    known = policy.caps
    key = (envelope.region, envelope.category)
    if key not in known:
        rules = rules_for(envelope.region, envelope.category, policy)
        every = [policy.category(envelope.category).cap, *(rule.cap for rule in rules)]
        known[key] = min((one for one in every if one is not None), default=None)
    return known[key]
