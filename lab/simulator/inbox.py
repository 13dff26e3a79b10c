"""What the stand-in received. It is the provider: the only place where numbers and texts may lie."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.simulator.form import text


@dataclass(slots=True)
class Received:
    """One message, by our id. `taken` counts how often the phone would have rung."""

    id: str
    to: str
    body: bytes  # as it came: most are never looked at
    requests: int = 0
    taken: int = 0
    first_bytes: list[float] = field(default_factory=list)  # instants (s) of the first byte of each request
    validity: list[int] = field(default_factory=list)  # s
    fences: list[str] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Return everything, for whoever asks over HTTP."""
        return {**asdict(self), "body": text(self.body)}


class Inbox:
    """All messages since the last reset."""

    def __init__(self) -> None:
        self.messages: dict[str, Received] = {}
        self.requests = 0
        self.taken = 0  # over all messages
        self.refused = 0
        self.followed = 0  # requests to where a redirect pointed
        self.callbacks_sent = 0
        self.callbacks_refused = 0

    def record(self, to: str, form: dict[bytes, bytes]) -> Received:
        """Return the record of the message in a form, made if it is new."""
        body = form.get(b"Body", b"")
        parts = form.get(b"StatusCallback", b"").replace(b"%2F", b"/").split(b"/")
        fence = ""
        if len(parts) > 5 and parts[-5] == b"receipts":
            id, fence = parts[-3].decode(), parts[-2].decode()
        else:
            id = hashlib.sha256(b"%s\0%s" % (to.encode(), body)).hexdigest()[:18]
        received = self.messages.get(id)
        if received is None:
            received = self.messages[id] = Received(id, to, body)
        received.requests += 1
        received.fences.append(fence)
        received.validity.append(int(form.get(b"ValidityPeriod", b"0") or 0))
        return received
