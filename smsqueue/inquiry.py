"""Asking and withdrawing: all that needs the store and no keys. The client adds sending, commands use it as it is."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from smsqueue.admission import foresee
from smsqueue.core import identity
from smsqueue.core.message import Message
from smsqueue.core.states import Reason
from smsqueue.errors import InvalidMessage, Misconfigured
from smsqueue.store import pauses
from smsqueue.store.connected import connected, examine_all, shard_count

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from smsqueue.core.envelope import Envelope
    from smsqueue.core.outlook import Outlook
    from smsqueue.core.policy import Policy
    from smsqueue.store.store import Store

MEET_AGAIN = 5.0
"""Seconds until a shard that did not answer at the start is looked at again."""


class Inquiry:
    """Says where messages are and why, and withdraws them. Safe to share among threads, and to use after a fork.

    `Inquiry()` reads SMSQUEUE_REDIS_URL; SMSQUEUE_SHARDS and SMSQUEUE_REPLICAS if they are set. Raises Misconfigured
    when one of them is missing or unusable.
    """

    def __init__(
        self,
        redis_url: str | None = None,
        *,
        role: str = "cli",
        timeout: float = 5.0,
        replicas: int | None = None,
        shards: int | None = None,
    ) -> None:
        url = redis_url or from_environment("SMSQUEUE_REDIS_URL", "the address of the store's server")
        copies = _replicas() if replicas is None else replicas
        count = shards or shard_count(os.environ.get("SMSQUEUE_SHARDS", "1"))
        self._store = connected(url, role=role, timeout=timeout, shards=count, replicas=copies)
        self._to_meet = self._store.shards
        self._meet_at = 0.0

    @property
    def store(self) -> Store:
        """The store beneath, for operators' commands."""
        return self._store

    def status(self, ids: Sequence[str]) -> list[Envelope | None]:
        """Say where messages are; None for an id the store does not know (any more)."""
        return [loaded.envelope for loaded in self._store.load(checked(ids))]

    def explain(self, id: str) -> Envelope:
        """Return a message's envelope with its last decisions. Raises InvalidMessage for an unknown id."""
        envelope = self.status([id])[0]
        if envelope is None:
            raise InvalidMessage("id", "unknown_id", "the store does not know it, or no longer")
        return envelope

    def explain_number(
        self, to: str, *, category: str, at: datetime | None = None, region: str = "", timezone: str = ""
    ) -> Outlook:
        """Say what would become of a message of a category to a number at an instant (now, if none is given).

        Where its owner may be and how that was found, the rules with their sources, the next windows. Nothing is
        stored. Raises InvalidMessage for whatever would refuse such a message.
        """
        policy, now = self._prepare()
        if at is not None and at.utcoffset() is None:
            raise InvalidMessage("at", "naive_datetime", "an instant needs a time zone: datetime(..., tzinfo=UTC)")
        message = Message(to=to, text="", category=category, region=region, timezone=timezone)
        return foresee(message, policy=policy, now=at.astimezone(UTC) if at else now)

    def cancel(self, ids: Sequence[str]) -> list[str]:
        """Withdraw messages.

        Answers per id: `cancelled`; `stopping` (a call is under way or in doubt: it will not be tried again);
        `submitted` (too late); `final`; `missing`.
        """
        return self._store.stop(checked(ids), reason=Reason.CANCELLED, retention=self._store.policies.current.retention)

    def cancel_campaign(self, campaign: str) -> None:
        """Withdraw every message of a campaign that is not yet at a provider, however many they are.

        Raises InvalidMessage for a campaign of which no message was accepted.
        """
        pauses.withdraw(self._store, campaign)

    def _prepare(self) -> tuple[Policy, datetime]:
        if self._to_meet and time.monotonic() >= self._meet_at:
            _, away = examine_all(self._store, self._to_meet)
            self._store.greet()  # brings the server's time
            self._to_meet, self._meet_at = away, time.monotonic() + MEET_AGAIN
        return self._store.policies.current, self._store.clock.now()

    def close(self) -> None:
        """Give back the connections."""
        for shard in self._store.shards:
            shard.redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def checked(ids: Sequence[str]) -> Sequence[str]:
    """Return ids. Raises InvalidMessage when one has not the form of an id."""
    if not all(identity.is_id(id) for id in ids):
        raise InvalidMessage("id", "bad_id", "an id has 18 characters: letters, digits, dash and underscore")
    return ids


def _replicas() -> int:
    given = os.environ.get("SMSQUEUE_REPLICAS", "0")
    if not given.isdecimal():
        raise Misconfigured("SMSQUEUE_REPLICAS is the number of replicas that must have a message: 0, 1, 2 ...")
    return int(given)


def from_environment(name: str, what: str) -> str:
    """Read a setting. Raises Misconfigured, naming it, when it is not set."""
    value = os.environ.get(name, "")
    if not value:
        raise Misconfigured(f"{name} is not set: {what}.")
    return value
