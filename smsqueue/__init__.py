"""Text messages from applications to phones: at the right time or not at all, once, and unread on the way."""

from smsqueue.client import Accepted, Client, Refused, Result
from smsqueue.core.decisions import Decision
from smsqueue.core.envelope import Attempt, Envelope
from smsqueue.core.message import Message
from smsqueue.core.states import Reason, State
from smsqueue.errors import (
    AcceptanceUnknown,
    InvalidMessage,
    InvalidPolicy,
    Misconfigured,
    SealError,
    SmsQueueError,
    StoreUnavailable,
)

__all__ = [
    "AcceptanceUnknown",
    "Accepted",
    "Attempt",
    "Client",
    "Decision",
    "Envelope",
    "InvalidMessage",
    "InvalidPolicy",
    "Message",
    "Misconfigured",
    "Reason",
    "Refused",
    "Result",
    "SealError",
    "SmsQueueError",
    "State",
    "StoreUnavailable",
]
