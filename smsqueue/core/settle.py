"""What a provider's answer makes of a message.

* Only an answer that is sure may free a message for another submit; whatever is unsure is doubt.
* An answer under an older fence never moves a newer attempt: it is noted on its own attempt.
* A throttled answer, account trouble and a call that never started are not attempts: they leave no trace.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from smsqueue.core.decide import RECEIPT_GRACE, may_repeat
from smsqueue.core.envelope import Attempt
from smsqueue.core.outcome import Doubt, End, Hold, Outcome, Park, Submitted
from smsqueue.core.receipt import ReceiptStatus
from smsqueue.core.rules.hours import hours
from smsqueue.core.states import FINAL, WAITING, Reason, State
from smsqueue.core.submission import SendResult, SendStatus

if TYPE_CHECKING:
    from smsqueue.core.envelope import Envelope
    from smsqueue.core.policy import Category, Policy

THROTTLE_LONGEST = timedelta(minutes=10)
"""A provider's Retry-After is believed up to this."""

_WEIGHT = {
    "": 0,
    SendStatus.UNKNOWN.value: 0,
    SendStatus.ACCEPTED.value: 2,
    ReceiptStatus.UNDELIVERED.value: 3,
    ReceiptStatus.DELIVERED.value: 4,
}
"""How much a result says about an attempt; refusals of all kinds weigh 1."""


class Verdict(NamedTuple):
    """What to do (None: only note the attempts) and the attempts as they now are."""

    outcome: Outcome | None
    attempts: tuple[Attempt, ...]


def settle(
    envelope: Envelope,
    policy: Policy,
    fence: str,
    result: SendResult,
    now: datetime,
    jitter: float,
    *,
    probe: bool = False,
) -> Verdict:
    """Settle the attempt made under `fence`. `jitter` lies in [0, 1) and spreads retries.

    A `probe` of an ailing provider that finds nobody is no attempt: else an hour's outage would use up those of every
    message that was one.
    """
    attempts = noted(envelope.attempts, fence, result.status, result.code, result.provider_id)
    newest = bool(attempts) and attempts[-1].fence == fence
    if newest and attempts[-1].result == SendStatus.ACCEPTED:  # a receipt overtook a lost answer
        result = SendResult(status=SendStatus.ACCEPTED)
    late = envelope.state in WAITING and result.status is SendStatus.ACCEPTED
    if not newest or envelope.state in FINAL or envelope.state is State.SUBMITTED:
        return Verdict(None, attempts)
    if envelope.state in WAITING and not late:
        return Verdict(None, attempts)
    if probe and result.status is SendStatus.UNAVAILABLE:
        return Verdict(again(envelope, policy, now, now, Reason.RETRY), attempts[:-1])
    return _newest(envelope, policy, result, attempts, now, jitter)


def _newest(
    envelope: Envelope,
    policy: Policy,
    result: SendResult,
    attempts: tuple[Attempt, ...],
    now: datetime,
    jitter: float,
) -> Verdict:
    category = policy.category(envelope.category)
    before = attempts[:-1]
    match result.status:
        case SendStatus.ACCEPTED:
            return Verdict(Submitted(envelope.deadline + RECEIPT_GRACE), attempts)
        case SendStatus.REJECTED:
            return Verdict(_rejected(result.code), attempts)
        case SendStatus.UNKNOWN:
            return Verdict(in_doubt(envelope, policy, Reason.ANSWER_LOST, now), attempts)
        case SendStatus.THROTTLED:
            wait = result.retry_after or _backoff(category, len(before), jitter)
            wait = min(wait, THROTTLE_LONGEST) + jitter * category.backoff
            return Verdict(again(envelope, policy, now, now + wait, Reason.THROTTLED), before)
        case SendStatus.ACCOUNT:
            routes = len(category.routes)
            if all(a.result == SendStatus.ACCOUNT for a in attempts[-routes:]) and len(attempts) >= routes:
                kept = tuple(a for a in attempts if a.result != SendStatus.ACCOUNT)
                return Verdict(stopped(envelope) or Park(Reason.ACCOUNT), kept)
            return Verdict(again(envelope, policy, now, now, Reason.RETRY), attempts)
        case SendStatus.NO_ROUTE:
            return Verdict(again(envelope, policy, now, now, Reason.RETRY), attempts)
        case SendStatus.REFUSED | SendStatus.UNAVAILABLE:
            if len(attempts) >= category.attempts:
                return Verdict(End(State.FAILED, Reason.ATTEMPTS), attempts)
            at = now + _backoff(category, len(before), jitter)
            return Verdict(again(envelope, policy, now, at, Reason.RETRY), attempts)


def never_started(envelope: Envelope, policy: Policy, fence: str, now: datetime) -> Verdict:
    """Take back a message whose call was not started: surely not sent, and no attempt."""
    kept = tuple(attempt for attempt in envelope.attempts if attempt.fence != fence)
    if envelope.state not in {State.SUBMITTING, State.UNKNOWN} or envelope.fence != fence:
        return Verdict(None, envelope.attempts)
    return Verdict(again(envelope, policy, now, now, Reason.STOPPING), kept)


def again(envelope: Envelope, policy: Policy, now: datetime, at: datetime, reason: Reason) -> Hold | End:
    """Hold for another submit at `at`, or end it if that can never be in time."""
    if ended := stopped(envelope):
        return ended
    category = policy.category(envelope.category)
    if at + category.min_validity > envelope.deadline:
        return End(State.EXPIRED, Reason.TTL_TOO_SHORT)
    answer = hours(envelope, policy, max(at, now))
    if isinstance(answer, End):
        return answer
    if isinstance(answer, Hold):
        return Hold(max(answer.until, at), answer.reason)
    return Hold(at, reason)


def in_doubt(envelope: Envelope, policy: Policy, reason: Reason, now: datetime) -> Doubt:
    """Say when to look again at a message that the provider may have."""
    category = policy.category(envelope.category)
    if may_repeat(envelope, policy, now):
        return Doubt(now + category.backoff, reason)
    return Doubt(envelope.deadline + RECEIPT_GRACE, reason)


def stopped(envelope: Envelope) -> End | None:
    """Whatever would become HELD becomes CANCELLED when somebody asked for it in the meantime."""
    return End(State.CANCELLED, Reason(envelope.stop)) if envelope.stop else None


def noted(attempts: tuple[Attempt, ...], fence: str, result: str, code: str, provider_id: str) -> tuple[Attempt, ...]:
    """Write a result beside the attempt it belongs to. What says less never replaces what says more."""
    return tuple(
        Attempt(fence, attempt.provider, result, code, provider_id or attempt.provider_id)
        if attempt.fence == fence and _WEIGHT.get(result, 1) >= _WEIGHT.get(attempt.result, 1)
        else attempt
        for attempt in attempts
    )


def _rejected(code: str) -> End:
    if code == "expired":
        return End(State.EXPIRED, Reason.PROVIDER_EXPIRED)
    if code == "opted_out":
        return End(State.FAILED, Reason.OPTED_OUT)
    return End(State.FAILED, Reason.REJECTED)


def _backoff(category: Category, earlier: int, jitter: float) -> timedelta:
    """Full jitter: anywhere between now and the end of a range that doubles (AWS Architecture Blog, 2015)."""
    longest = min(category.backoff * int(2**earlier), category.backoff_cap)
    return longest * max(jitter, 0.1)
