"""What the stand-in received. It is the provider: the only place where numbers and texts may lie."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(slots=True)
class Received:
    """One message, by our id. `taken` counts how often the phone would have rung."""

    id: str
    to: str
    body: str
    requests: int = 0
    taken: int = 0
    first_bytes: list[float] = field(default_factory=list)  # instants (s) of the first byte of each request
    validity: list[int] = field(default_factory=list)  # s
    fences: list[str] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)


class Inbox:
    """All messages since the last reset."""

    def __init__(self) -> None:
        self.messages: dict[str, Received] = {}
        self.requests = 0
        self.refused = 0
        self.followed = 0  # requests to where a redirect pointed
        self.callbacks_sent = 0
        self.callbacks_refused = 0

    def record(self, form: dict[str, str]) -> Received:
        """Return the record of the message in a form, made if it is new."""
        to, body = form.get("To", ""), form.get("Body", "")
        parts = form.get("StatusCallback", "").split("/")
        fence = ""
        if len(parts) > 5 and parts[-5] == "receipts":
            id, fence = parts[-3], parts[-2]
        else:
            id = hashlib.sha256(f"{to}\0{body}".encode()).hexdigest()[:18]
        received = self.messages.get(id)
        if received is None:
            received = self.messages[id] = Received(id, to, body)
        received.requests += 1
        received.fences.append(fence)
        received.validity.append(int(form.get("ValidityPeriod", "0") or 0))
        return received
