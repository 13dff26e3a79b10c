"""What a provider says later about an attempt: a receipt (DLR)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReceiptStatus(StrEnum):
    """What a receipt says. A provider's word that is not in its table says UNKNOWN."""

    ACCEPTED = "accepted"  # the provider or the carrier has it; more may follow
    DELIVERED = "delivered"  # the handset has it
    UNDELIVERED = "undelivered"  # the handset never will
    UNKNOWN = "unknown"  # ended without saying how: it may have been delivered


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One receipt. `code` is the provider's error code, never its text.

    `temporary`: it was not delivered for a cause that passes, such as a phone that was off.
    """

    provider_id: str
    status: ReceiptStatus
    code: str = ""
    temporary: bool = False
