"""What lies in the store, read byte by byte: hashes, sorted sets and the stream of events.

Nothing of the product is used to read it, so that a mistake there cannot hide itself here. Field and key names are
written down a second time on purpose.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from redis import Redis

KEYS = "sms:[{]*[}]:"
OPEN = ("queued", "held", "submitting", "unknown", "submitted")
NOT_SENT = ("failed", "expired", "suppressed", "cancelled")
"""Final, and a promise that the provider does not have it."""
STATES = (*OPEN, "delivered", "undelivered", "unconfirmed", *NOT_SENT)
HOMES = ("due", "ready:", "out:", "wire:", "park:")
PAGE = 1000
FIELDS = ("s", "rs", "h", "c", "l", "t", "g", "dl")


@dataclass(frozen=True, slots=True)
class Line:
    """One message as the store has it."""

    id: str
    state: str
    reason: str
    home: str
    category: str
    lane: str
    tenant: str
    campaign: str
    deadline: float  # s

    @property
    def open(self) -> bool:
        """Whether something still has to happen to it."""
        return self.state in OPEN

    @property
    def homes(self) -> tuple[str, ...]:
        """The sorted sets that may hold it: one of them has to, no other may."""
        if not self.open:
            return ()
        is_queue = self.home.startswith(("dispatch.", "submit."))
        return (f"ready:{self.home}", f"out:{self.home}") if is_queue else (self.home,)


class Place(NamedTuple):
    """A member of a sorted set."""

    home: str
    score: float  # s: when it is looked at, or its deadline


@dataclass(slots=True)
class Book:
    """All messages of a campaign, where they are, and what the outside was told of them."""

    now: float
    lines: dict[str, Line] = field(default_factory=dict)
    places: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    told: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # id -> states, from events


def read(redis: Redis, campaign: str) -> Book:
    """Read the whole store of a server; of envelopes those of one campaign."""
    moved = sum(float(redis.get(key) or 0) for key in redis.scan_iter(match=KEYS + "clock", count=PAGE)) / 1000
    seconds, microseconds = redis.time()
    book = Book(seconds + microseconds / 1e6 + moved)
    for keys in _pages(redis.scan_iter(match=KEYS + "e:*", count=PAGE)):
        for line in _lines(redis, keys):
            if line.campaign == campaign:
                book.lines[line.id] = line
    for key in redis.scan_iter(match=KEYS + "*", _type="zset", count=PAGE):
        home = key.decode().partition("}:")[2]
        if home.startswith(HOMES):  # the others count what a recipient had
            for id, score in redis.zscan_iter(key, count=PAGE):
                book.places[id.decode()].append(Place(home, score / 1000))
    for key in redis.scan_iter(match=KEYS + "events", count=PAGE):
        for id, state in _events(redis, key):
            book.told[id][state] += 1
    return book


def bound(books: Iterable[Book]) -> Book:
    """Make one book of those of several servers, which should agree what time it is."""
    first, *others = books
    for book in others:
        first.lines |= book.lines
        for id, places in book.places.items():
            first.places[id] += places
        for id, states in book.told.items():
            first.told[id] += states
    return first


def _lines(redis: Redis, keys: list[bytes]) -> Iterator[Line]:
    with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hmget(key, *FIELDS)
        for key, values in zip(keys, pipe.execute(), strict=True):
            state, reason, home, category, lane, tenant, campaign, deadline = ((v or b"").decode() for v in values)
            if state:
                id = key.decode().partition("}:e:")[2]
                yield Line(id, state, reason, home, category, lane, tenant, campaign, float(deadline or 0) / 1000)


def _events(redis: Redis, key: bytes) -> Iterator[tuple[str, str]]:
    start = "-"
    while True:
        entries: Any = redis.xrange(key, start, "+", PAGE)
        for _, fields in entries:
            yield fields[b"id"].decode(), fields[b"state"].decode()
        if len(entries) < PAGE:
            return
        start = "(" + entries[-1][0].decode()


def _pages(keys: Iterable[bytes]) -> Iterator[list[bytes]]:
    source = iter(keys)
    while page := list(islice(source, PAGE)):
        yield page
