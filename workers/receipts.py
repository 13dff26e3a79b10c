"""Receipts: what a provider says later about an attempt. Verified, then applied, forward only.

An address that we made ties a receipt to one attempt; the provider's signature says who called. Both are
needed. Whoever asks about a message that we do not know learns nothing.
"""

from __future__ import annotations

import hmac
import logging
from enum import StrEnum
from typing import TYPE_CHECKING

from smsqueue.core import identity
from smsqueue.core.confirm import confirm
from smsqueue.core.lateness import lateness
from smsqueue.core.receipt import ReceiptStatus
from smsqueue.core.states import FINAL, State
from smsqueue.privacy.log import EventName, event
from workers.carry_out import Decided, carry_out
from workers.opening import callback_token

if TYPE_CHECKING:
    from datetime import datetime

    from smsqueue.core.envelope import Envelope
    from smsqueue.core.policy import Policy
    from smsqueue.core.receipt import Receipt
    from smsqueue.keyring import SubjectKeys
    from smsqueue.store.store import Store
    from workers.tally import Tally

_log = logging.getLogger(__name__)

ROUNDS = 8
"""How often a receipt is decided again because our own settle, or another receipt, was faster."""
FENCE_LONGEST = 16


class Applied(StrEnum):
    """What a receipt did."""

    MOVED = "moved"  # the message has a new state, or its attempt a new result
    NOTHING_NEW = "nothing_new"  # doubled, late, or overtaken by a better one
    UNKNOWN = "unknown"  # no such message or attempt, or no longer
    BUSY = "busy"  # somebody was always faster: the provider may ask again


def is_ours(keys: SubjectKeys, *, provider: str, id: str, fence: str, mark: str) -> bool:
    """Whether we made this callback address."""
    if not identity.is_id(id) or not 0 < len(fence) <= FENCE_LONGEST or not fence.isascii():
        return False
    expected = callback_token(keys, provider, id, fence)
    return hmac.compare_digest(expected.encode(), mark.encode("utf-8", "replace"))


def apply_receipt(store: Store, tally: Tally, *, id: str, fence: str, receipt: Receipt) -> Applied:
    """Apply a verified receipt, and count it if it came late. Raises StoreUnavailable: the provider calls again."""
    store = store.shard_of(id)
    for _ in range(ROUNDS):
        envelope = store.load([id])[0].envelope
        if envelope is None or (envelope.attempts and envelope.attempt(fence) is None):
            event(_log, logging.WARNING, EventName.RECEIPT_UNKNOWN)
            return Applied.UNKNOWN
        now = store.clock.now()
        verdict = confirm(envelope, store.policies.current, fence, receipt, now)
        if verdict.outcome is None and verdict.attempts == envelope.attempts:
            if envelope.state in FINAL and envelope.state is not State.DELIVERED:  # so late that nobody waited
                _count_late(tally, envelope, fence, receipt, store.policies.current, now)
            return Applied.NOTHING_NEW
        code = carry_out(store, [Decided(envelope, *verdict)], now)[0]
        if code != "lost":
            _count_late(tally, envelope, fence, receipt, store.policies.current, now)
            return Applied.MOVED
    return Applied.BUSY


def _count_late(tally: Tally, envelope: Envelope, fence: str, receipt: Receipt, policy: Policy, now: datetime) -> None:
    attempt = envelope.attempt(fence)
    if attempt is not None and receipt.status is ReceiptStatus.DELIVERED:
        for late in lateness(envelope, policy, now):
            tally.late(late, attempt.provider, envelope.region.partition("-")[0])
