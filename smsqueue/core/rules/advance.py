"""A slot that is quiet and cannot wait: the last allowed instant before it. For 6 am, that is the evening before."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from smsqueue.core.outcome import Hold
from smsqueue.core.rules.hours import hours

if TYPE_CHECKING:
    from smsqueue.core.envelope import Envelope
    from smsqueue.core.policy import Policy


def advance(envelope: Envelope, policy: Policy, now: datetime) -> datetime | None:
    """Return when to submit instead of at `not_before`; None: nothing is open between now and then."""
    slot = envelope.not_before
    if slot is None:
        return None
    least = policy.category(envelope.category).min_validity
    before = envelope._replace(not_before=None, deadline=slot)
    at, found = now, None
    while at < slot:
        answer = hours(before, policy, at)
        if isinstance(answer, Hold):
            at = answer.until
        elif isinstance(answer, datetime):
            found = answer - least  # the last start that this window has room for
            at = answer
        else:
            break
    return found
