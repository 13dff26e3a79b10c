"""What was promised, in plain dictionaries: what the producer was told, what the provider received, what was seen.

Shares no code with smsqueue: it would only repeat its mistakes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tests.model import rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis import Redis

PREFIX = "sms:{0}:"
HOMES = ("due", "ready:", "out:", "wire:", "park:")
OPEN = {"queued", "held", "submitting", "unknown", "submitted"}
NOT_SENT = {"failed", "expired", "cancelled", "suppressed"}
SLACK = rules.CALL_LEASE - rules.CALL_LIMIT
"""A call starts at most this much after its gate."""


class BrokenError(AssertionError):
    """A promise was broken."""


@dataclass
class Reception:
    """One message at the stand-in provider."""

    id: str
    fence: str
    surely_not_taken: bool
    taken: bool
    undelivered: bool = False


@dataclass
class Promises:
    """What every message was promised, and whether it is kept."""

    told: dict[str, tuple[str, datetime]] = field(default_factory=dict)  # id -> category, deadline
    received: list[Reception] = field(default_factory=list)
    passed: dict[str, set[str]] = field(default_factory=dict)  # id -> fences that passed the gate
    stopped: dict[str, set[str]] = field(default_factory=dict)  # id -> fences that had passed when it was stopped
    ended: dict[str, str] = field(default_factory=dict)  # id -> the final state that was seen first

    def withdrawn(self, id: str, code: str) -> None:
        """The producer was told what became of a cancel."""
        if code in {"cancelled", "stopping"}:
            self.stopped.setdefault(id, set(self.passed.get(id, ())))

    def superseded(self, id: str) -> None:
        """A newer message took its place: it must not begin its way to the provider."""
        if not self.passed.get(id):
            self.stopped.setdefault(id, set())

    def arrives(self, new: Reception, now: datetime) -> None:
        """A submit reaches the provider: was it allowed to?"""
        category, deadline = self.told[new.id]
        if now >= deadline + SLACK:
            raise BrokenError(f"late: {new.id} ({category}) submitted {now - deadline} after its deadline")
        local = (now - SLACK).astimezone(ZoneInfo(rules.ZONE))
        if category in rules.QUIET and not rules.OPENS <= local.hour < rules.CLOSES:
            raise BrokenError(f"at night: {new.id} submitted at {local:%H:%M}")
        if new.id in self.stopped and new.fence not in self.stopped[new.id]:
            raise BrokenError(f"withdrawn: {new.id} submitted after it was stopped")
        for earlier in self.received:
            if earlier.id != new.id or earlier.surely_not_taken or category in rules.AGAIN:
                continue
            if not (category in rules.RESEND and earlier.undelivered):
                raise BrokenError(f"twice: {new.id} ({category})")
        self.received.append(new)

    def look(self, redis: Redis) -> None:
        """Every message has an envelope; an open one has exactly one home, a final one none and stays as it is."""
        homes = _homes(redis)
        pipe = redis.pipeline(transaction=False)
        for id in self.told:
            pipe.hmget(f"{PREFIX}e:{id}", "s", "h")
            pipe.exists(f"{PREFIX}p:{id}")
        answers = pipe.execute()
        for id, envelope, payload in zip(self.told, answers[::2], answers[1::2], strict=True):
            state, home = (value.decode() if value else "" for value in envelope)
            self._look_at(id, state, home, homes.get(id, []), has_payload=bool(payload))

    def _look_at(self, id: str, state: str, home: str, found: list[str], *, has_payload: bool) -> None:
        if not state:
            raise BrokenError(f"lost: {id} has no envelope")
        if id in self.ended and self.ended[id] != state:
            raise BrokenError(f"not final: {id} was {self.ended[id]} and is {state}")
        if state not in OPEN:
            if found:
                raise BrokenError(f"home: {id} is {state} and still in {found}")
            self._end(id, state)
            return
        allowed = {home} if home.startswith(("due", "wire:", "park:")) else {f"ready:{home}", f"out:{home}"}
        if len(found) != 1 or found[0] not in allowed:
            raise BrokenError(f"home: {id} is {state}, says {home}, is in {found}")
        if state in {"queued", "held"} and not has_payload:
            raise BrokenError(f"lost: {id} is {state} without a payload")

    def _end(self, id: str, state: str) -> None:
        if id not in self.ended and state in NOT_SENT:
            category = self.told[id][0]
            taken = [r for r in self.received if r.id == id and r.taken and not r.undelivered]
            if taken and category not in rules.AGAIN:
                raise BrokenError(f"untrue: {id} ({category}) is {state}, and the provider has it")
        self.ended.setdefault(id, state)

    def all_ended(self) -> bool:
        """Whether every accepted message was seen in a final state."""
        return self.ended.keys() == self.told.keys()

    def told_once(self, events: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> None:
        """One final event for each message, and it says what the envelope says."""
        finals = [
            (e[b"id"].decode(), e[b"state"].decode()) for _, e in events if e[b"state"].decode() not in OPEN
        ]  # fmt: skip
        expected = Counter(self.ended.items())
        if Counter(finals) != expected:
            raise BrokenError(f"events: {Counter(finals) - expected} too many, {expected - Counter(finals)} missing")


def _homes(redis: Redis) -> dict[str, list[str]]:
    """Return the names of all sorted sets that hold each id."""
    names = [name for key in redis.keys(PREFIX + "*") if (name := key.decode()[len(PREFIX) :]).startswith(HOMES)]
    pipe = redis.pipeline(transaction=False)
    for name in names:
        pipe.zrange(PREFIX + name, 0, -1)
    found: dict[str, list[str]] = {}
    for name, ids in zip(names, pipe.execute(), strict=True):
        for id in ids:
            found.setdefault(id.decode(), []).append(name)
    return found


def earliest(redis: Redis) -> timedelta | None:
    """When something is looked at next, since 1970; None when no home holds anything."""
    scores = [
        redis.zrange(PREFIX + name, 0, 0, withscores=True)[0][1]
        for name in {name for names in _homes(redis).values() for name in names}
    ]
    return timedelta(milliseconds=min(scores)) if scores else None
