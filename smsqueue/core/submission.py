"""What one call to a provider carries, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta  # noqa: TC003 - a dataclass field's type
from enum import StrEnum


class SendStatus(StrEnum):
    """What became of one submit. The provider reports; policy decides."""

    ACCEPTED = "accepted"  # the provider took it, now or, says its deduplication, before
    REJECTED = "rejected"  # it never will: bad number, opted out, bad text
    THROTTLED = "throttled"  # too fast (HTTP 429, ESME_RTHROTTLED); not processed
    REFUSED = "refused"  # surely not taken, for a passing cause that the provider names
    UNAVAILABLE = "unavailable"  # surely not sent: no byte of the request left
    NO_ROUTE = "no_route"  # this provider never will, another may: country, alphabet, sender not served
    ACCOUNT = "account"  # the route is at fault, not the message: credentials, funds, sender
    UNKNOWN = "unknown"  # maybe sent: the answer was lost, or is a 5xx its documents do not explain


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """A provider's report on one submit.

    `code` is the provider's own error code or ours (`timeout`, `not_json`): letters, digits and `_.-`, at
    most 16 of them, never text of an answer, which may hold the number. `provider_id` is the provider's name
    for the message, at most 48 characters. `retry_after` is what a throttled answer asked for.
    """

    status: SendStatus
    provider_id: str = ""
    code: str = ""
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One opened message on its way to a provider; number and text never show in its `repr`.

    `fence` names this attempt, `callback` is the public address for receipts of it (None: the operator
    configured none), `valid_for` what is left of the validity, already cut at the start of quiet hours.
    """

    id: str
    fence: str
    to: str = field(repr=False)  # E.164
    text: str = field(repr=False)
    sender: str = field(repr=False)  # the sender ID the handset shows, or a provider's name for a pool
    valid_for: timedelta
    callback: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a provider's API can express. What it cannot is declared here, not imitated."""

    shortest: timedelta  # the least validity it takes; below it a message is not handed over
    longest: timedelta  # the greatest; more is cut to it
    reaches_carrier: bool  # whether the validity reaches the carrier or ends in the provider's own queue
    deduplicates: bool  # whether submitting the same id again is harmless
    looks_up: bool = False  # whether it can be asked what became of an id
