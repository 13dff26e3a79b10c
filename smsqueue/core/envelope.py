"""What may be read of a message without a key: enough to decide, nothing that names anybody."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - dataclass fields' types
from typing import TYPE_CHECKING, NamedTuple

from smsqueue.core import decisions
from smsqueue.core.states import Reason, State

if TYPE_CHECKING:
    from smsqueue.core.decisions import Decision


class Attempt(NamedTuple):
    """One submit of a message: where it went, under which fence, and how it ended."""

    fence: str
    provider: str
    result: str  # a SendStatus, a ReceiptStatus, or "" while nothing is known
    code: str = ""  # the provider's own code
    provider_id: str = ""


class Envelope(NamedTuple):
    """A message as the store shows it.

    `version` rises with every transition and decides races. `home` is the place that holds it (a queue's
    name, `due`, `wire:…`, `park:…`, or nothing when final). Throttled answers and calls that
    never started are not among the `attempts`. `stop` is the reason that
    whatever would become HELD becomes CANCELLED with.
    """

    id: str
    state: State
    category: str
    lane: str
    region: str
    segments: int
    key_id: str
    created: datetime  # whole seconds
    deadline: datetime
    fingerprint: str
    reason: Reason = Reason.NONE
    version: int = 1
    home: str = ""
    tenant: str = ""
    campaign: str = ""
    sender: str = ""
    zones: str = ""  # IANA names joined by commas when the producer knows; else the region's
    not_before: datetime | None = None
    fence: str = ""
    attempts: tuple[Attempt, ...] = ()
    looks: int = 0
    stop: str = ""
    codes: str = ""  # of its last decisions: see core/decisions.py

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Return the last decisions about it, oldest first."""
        return decisions.read(self.codes)

    def attempt(self, fence: str) -> Attempt | None:
        """Return the attempt made under a fence."""
        return next((attempt for attempt in self.attempts if attempt.fence == fence), None)
