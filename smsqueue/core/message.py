"""What a producer asks for."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - dataclass fields' types, read by people and tools
from dataclasses import dataclass, field
from datetime import datetime, timedelta  # noqa: TC003 - see above


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One text for one phone. Number, text and metadata never show in its `repr`.

    Give `deadline` (an instant), `validity` (a duration from acceptance) or `event_at` (what it reminds of; the
    category says how long before), or none of them for the category's default. `sender` is a *name* that the
    policy maps to a sender ID of each provider. `idempotency_key` makes repeating the same request safe. A newer
    message with the same `supersede_key` (and tenant and recipient) cancels the older one while that is still
    open. `region` reads numbers without a country code, and `US-TX` says in which state its owner lives; `timezone`
    says where the recipient is when the producer knows. `metadata` is sealed with the text. `smart_encoding` replaces
    typographic quotes, dashes and spaces where that keeps the text in the alphabet of GSM; a category may, too.
    """

    to: str = field(repr=False)
    text: str = field(repr=False)
    category: str
    sender: str = ""
    not_before: datetime | None = None
    deadline: datetime | None = None
    validity: timedelta | None = None
    event_at: datetime | None = None
    idempotency_key: str = field(default="", repr=False)
    supersede_key: str = field(default="", repr=False)
    campaign: str = ""
    tenant: str = ""
    region: str = ""
    timezone: str = ""
    smart_encoding: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)
