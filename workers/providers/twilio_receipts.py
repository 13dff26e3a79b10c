"""Twilio's status callbacks: whether one is genuine, and what it says.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from smsqueue.core.receipt import Receipt, ReceiptStatus
from workers.providers.twilio_codes import TEMPORARY_RECEIPTS, UNSURE_RECEIPTS

if TYPE_CHECKING:
    from collections.abc import Sequence

_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
_PORT = re.compile(r":\d*$")
_PORTS = {"https": 443, "http": 80}

WORDS = {
    "accepted": ReceiptStatus.ACCEPTED,
    "scheduled": ReceiptStatus.ACCEPTED,
    "queued": ReceiptStatus.ACCEPTED,
    "sending": ReceiptStatus.ACCEPTED,
    "sent": ReceiptStatus.ACCEPTED,
    "partially_delivered": ReceiptStatus.UNKNOWN,
    "delivered": ReceiptStatus.DELIVERED,
    "read": ReceiptStatus.DELIVERED,
    "undelivered": ReceiptStatus.UNDELIVERED,
    "failed": ReceiptStatus.UNDELIVERED,
    "canceled": ReceiptStatus.UNDELIVERED,
}
"""Twilio's MessageStatus; any other word is UNKNOWN."""


def verify(*, url: str, params: Sequence[tuple[str, str]], signature: str, auth_token: str) -> bool:
    """Whether Twilio made this call: HMAC-SHA-1 over the address as it knows it and the sorted parameters.

    The address is tried with and without its port, which Twilio's systems add or leave out.
    """
    values: dict[str, set[str]] = {}
    for name, value in params:
        values.setdefault(name, set()).add(value)
    said = "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    genuine = False
    for address in _spellings(url):
        digest = hmac.digest(auth_token.encode(), (address + said).encode(), "sha1")
        expected = base64.b64encode(digest)
        genuine |= hmac.compare_digest(expected, signature.encode("utf-8", "replace"))
    return genuine


def read(params: Sequence[tuple[str, str]]) -> Receipt | None:
    """Read a callback; None when it is not one."""
    values = dict(params)
    sid, word, code = values.get("MessageSid", ""), values.get("MessageStatus", ""), values.get("ErrorCode", "")
    if not _SID.fullmatch(sid) or not word:
        return None
    status = WORDS.get(word, ReceiptStatus.UNKNOWN)
    number = int(code) if code.isascii() and code.isdigit() and len(code) <= 6 else 0  # noqa: PLR2004 - five digits
    if status is ReceiptStatus.UNDELIVERED and number in UNSURE_RECEIPTS:
        status = ReceiptStatus.UNKNOWN
    passing = status is ReceiptStatus.UNDELIVERED and number in TEMPORARY_RECEIPTS
    return Receipt(provider_id=sid, status=status, code=str(number) if number else "", temporary=passing)


def _spellings(url: str) -> set[str]:
    parts = urlsplit(url)
    host = _PORT.sub("", parts.netloc)
    with_port = f"{host}:{parts.port or _PORTS.get(parts.scheme, 443)}"
    return {url, *(urlunsplit(parts._replace(netloc=netloc)) for netloc in (host, with_port))}
