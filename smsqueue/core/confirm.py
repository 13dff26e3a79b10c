"""What a provider's receipt makes of a message.

* A receipt may come before our own settle, late, twice or out of order: it moves a message forward, never back.
* A message that was submitted twice is as good as its best attempt: UNDELIVERED only when all are.
* A receipt for a message in doubt proves that the provider took it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smsqueue.core.decide import RECEIPT_GRACE
from smsqueue.core.outcome import End, Hold, Outcome, Submitted
from smsqueue.core.receipt import Receipt, ReceiptStatus
from smsqueue.core.settle import Verdict, again, noted
from smsqueue.core.states import FINAL, WAITING, Reason, State
from smsqueue.core.submission import SendStatus

if TYPE_CHECKING:
    from datetime import datetime

    from smsqueue.core.envelope import Attempt, Envelope
    from smsqueue.core.policy import Policy

NOT_DELIVERED = frozenset(
    {
        ReceiptStatus.UNDELIVERED.value,
        SendStatus.REJECTED.value,
        SendStatus.REFUSED.value,
        SendStatus.UNAVAILABLE.value,
        SendStatus.NO_ROUTE.value,
        SendStatus.ACCOUNT.value,
    }
)
"""Results that prove that this attempt reached nobody."""


def confirm(envelope: Envelope, policy: Policy, fence: str, receipt: Receipt, now: datetime) -> Verdict:
    """Apply a receipt for the attempt made under `fence`."""
    attempt = envelope.attempt(fence)
    if attempt is None or envelope.state in FINAL or not _news(attempt, receipt):
        return Verdict(None, envelope.attempts)
    result = SendStatus.ACCEPTED if receipt.status is ReceiptStatus.UNKNOWN else receipt.status
    attempts = noted(envelope.attempts, fence, result.value, receipt.code, receipt.provider_id)
    return Verdict(_outcome(envelope, policy, receipt, attempts, now), attempts)


def _news(attempt: Attempt, receipt: Receipt) -> bool:
    """Whether a receipt says more than what the attempt already shows."""
    if attempt.result in {ReceiptStatus.DELIVERED, ReceiptStatus.UNDELIVERED}:
        return False
    intermediate = receipt.status in {ReceiptStatus.ACCEPTED, ReceiptStatus.UNKNOWN}
    return not (intermediate and attempt.result == SendStatus.ACCEPTED)


def _outcome(
    envelope: Envelope, policy: Policy, receipt: Receipt, attempts: tuple[Attempt, ...], now: datetime
) -> Outcome | None:
    match receipt.status:
        case ReceiptStatus.DELIVERED:
            return End(State.DELIVERED, Reason.RECEIPT)
        case ReceiptStatus.UNDELIVERED:
            if not all(attempt.result in NOT_DELIVERED for attempt in attempts):
                return None  # another attempt may still arrive
            category = policy.category(envelope.category)
            if envelope.state in WAITING:
                return None  # it waits for its next attempt already
            if category.resend and receipt.temporary and len(attempts) < category.attempts:
                following = again(envelope, policy, now, now + category.backoff, Reason.RETRY)
                if isinstance(following, Hold):
                    return following  # no other end is truer than the one below: it was sent
            return End(State.UNDELIVERED, Reason.RECEIPT)
        case ReceiptStatus.ACCEPTED | ReceiptStatus.UNKNOWN:
            doubtful = envelope.state is State.UNKNOWN or envelope.state in WAITING
            return Submitted(envelope.deadline + RECEIPT_GRACE) if doubtful else None
