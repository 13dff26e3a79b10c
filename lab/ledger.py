"""The ledger: what the producer was told, what the store says and what the provider saw, compared.

It shares no line with the product: it reads keys (`lab/books.py`) and the stand-in's book, and counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import phonenumbers
import pytz
from phonenumbers import timezone

from lab import books

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from lab.books import Book, Line, Place
    from lab.system import System

RESPECT_QUIET = frozenset({"service", "reminder", "promotional"})
OPENS, CLOSES = 8, 21
IN_DOUBT = frozenset({"unknown", "unconfirmed"})
TWICE_ALLOWED = frozenset({"otp"})
"""Categories of the lab's policy for which twice is better than never."""
BY_AREA, FEW = frozenset({1, 52, 55}), 4
"""Where an area code says in which zone a recipient is presumed to be; more zones than these are none's."""
OVERDUE = 10.0
"""Seconds after which what lies in a home that somebody should have emptied counts as forgotten there."""
UNDER_WAY = 3.0
"""Seconds within which a call that had passed the gate before a pause may still come."""


class Stop(NamedTuple):
    """A message was withdrawn: what was said of it, and how many calls were under way then, at most."""

    id: str
    at: float  # the answer was there
    may_follow: int


class Silence(NamedTuple):
    """Something was paused: its scope, and from when to when for certain."""

    what: str  # all, provider, lane, category, tenant or campaign
    name: str
    begun: float
    ended: float

    def covers(self, line: Line) -> bool:
        """Whether a message was paused by it."""
        if self.what in {"all", "provider"}:
            return True  # a trial has one provider
        return bool(getattr(line, self.what) == self.name)


@dataclass(frozen=True, slots=True)
class Told:
    """What the outside knows: the producer's ids, withdrawals, pauses, and what was broken on purpose."""

    ids: Collection[str] = ()
    stops: Collection[Stop] = ()
    silences: Collection[Silence] = ()
    broken: Collection[str] = ()
    clock: Callable[[float], float] | None = None
    """What a moved clock showed at an instant of the provider's."""


@dataclass(slots=True)
class Ledger:
    """Counts of messages."""

    accepted: int = 0
    states: Counter[str] = field(default_factory=Counter)
    held_for: Counter[str] = field(default_factory=Counter)
    ended_by: Counter[str] = field(default_factory=Counter)
    retried: int = 0
    lost: int = 0  # accepted, but the store does not know it
    vanished: int = 0  # said to be submitted, but the provider never had it
    denied: int = 0  # said to be surely not sent, but the provider has it
    given_up: int = 0  # ended as poison, though nobody had broken it
    untold: int = 0  # ended, and no event said so, or several did
    homeless: int = 0  # open, but in no home, in several, or in one that its envelope does not name
    overdue: int = 0  # in a home that somebody should have emptied
    twice_allowed: int = 0
    twice_not_allowed: int = 0
    late: int = 0  # first byte after the deadline
    at_night: int = 0  # first byte while some place where the recipient may be was quiet
    after_stop: int = 0  # first byte after it was withdrawn, or while it was paused
    in_doubt: int = 0
    in_doubt_taken: int = 0  # of those, how many the provider had
    rate: float = 0.0
    gap: float = 0.0  # the longest time (s) without a first byte at the provider
    example: str = ""

    @property
    def gone(self) -> int:
        """How many did not come to the end that was promised."""
        return self.lost + self.vanished + self.denied + self.given_up + self.untold

    @property
    def stuck(self) -> int:
        """How many nobody will move any more."""
        return self.homeless + self.overdue

    def rows(self) -> list[tuple[str, int]]:
        """Return lines for people."""
        lines = [("accepted", self.accepted)]
        lines += [(state, self.states[state]) for state in books.STATES if self.states[state]]
        lines += [(f"  held: {reason}", count) for reason, count in self.held_for.most_common()]
        lines += [(f"  ended: {reason}", count) for reason, count in self.ended_by.most_common()]
        lines += [
            ("submitted more than once (retried)", self.retried),
            ("in doubt", self.in_doubt),
            ("  of these at the provider", self.in_doubt_taken),
            ("lost", self.gone),
            ("stuck", self.stuck),
            ("sent twice, allowed by category", self.twice_allowed),
            ("sent twice, not allowed", self.twice_not_allowed),
            ("first byte after the deadline", self.late),
            ("first byte in quiet hours", self.at_night),
            ("first byte after it was withdrawn or paused", self.after_stop),
        ]
        return lines


def audit(system: System, campaign: str, told: Told | None = None) -> Ledger:
    """Compare for all messages of a campaign that the store knows, and for those that the producer was told of."""
    book = books.bound(books.read(redis, campaign) for redis in system.observers())
    return weigh(book, {record["id"]: record for record in system.received()}, told or Told())


def weigh(book: Book, received: Mapping[str, Mapping[str, Any]], told: Told) -> Ledger:
    """Count. `received` is the provider's book: a record per message."""
    ledger = Ledger()
    ledger.lost = sum(id not in book.lines for id in told.ids)
    ledger.accepted = len(book.lines) + ledger.lost
    stops: dict[str, list[Stop]] = defaultdict(list)
    for stop in told.stops:
        stops[stop.id].append(stop)
    broken = frozenset(told.broken)
    instants: list[float] = []
    for id, line in book.lines.items():
        record = received.get(id, {})
        bytes_at = [float(at) for at in record.get("first_bytes", ())]
        shown = [told.clock(at) for at in bytes_at] if told.clock else bytes_at
        _count(ledger, book, line, broken=id in broken, events=told.clock is None)
        _compare(ledger, line, int(record.get("taken", 0)))
        ledger.retried += int(record.get("requests", 0)) > 1
        _look_at_clocks(ledger, line, str(record.get("to", "")), shown)
        ledger.after_stop += _ignored(line, bytes_at, stops[id], told.silences)
        instants += bytes_at
    instants.sort()
    ledger.rate = _busiest(instants)
    ledger.gap = max((after - before for before, after in pairwise(instants)), default=0.0)
    return ledger


def _count(ledger: Ledger, book: Book, line: Line, *, broken: bool, events: bool) -> None:
    ledger.states[line.state] += 1
    if line.state == "held":
        ledger.held_for[line.reason] += 1
    elif not line.open and line.state != "delivered":
        ledger.ended_by[f"{line.state}, {line.reason}"] += 1
    places = book.places.get(line.id, [])
    if len(places) != (1 if line.open else 0) or any(place.home not in line.homes for place in places):
        ledger.homeless += 1
    elif any(_is_overdue(place, book.now) for place in places):
        ledger.overdue += 1
    ledger.in_doubt += line.state in IN_DOUBT
    ledger.given_up += line.reason == "poison" and not broken
    if events and not line.open:  # a moved clock trims the stream by what it shows
        ledger.untold += sum(n for state, n in book.told[line.id].items() if state not in books.OPEN) != 1


def _is_overdue(place: Place, now: float) -> bool:
    """Whether somebody should have emptied it: a look, a lease or a deadline has passed."""
    return place.home != "park:orphan" and place.score < now - OVERDUE


def _compare(ledger: Ledger, line: Line, taken: int) -> None:
    """Hold the store's word against the provider's."""
    ledger.in_doubt_taken += line.state in IN_DOUBT and taken > 0
    ledger.vanished += line.state in {"submitted", "delivered", "undelivered"} and not taken
    if taken:
        ledger.example = line.id
    if line.category in TWICE_ALLOWED:
        ledger.twice_allowed += taken > 1
    else:
        ledger.twice_not_allowed += taken > 1
        ledger.denied += line.state in books.NOT_SENT and taken > 0


def _look_at_clocks(ledger: Ledger, line: Line, to: str, instants: list[float]) -> None:
    ledger.late += any(at > line.deadline for at in instants)
    if line.category in RESPECT_QUIET:
        ledger.at_night += any(is_night(to, at) for at in instants)


def is_night(to: str, at: float) -> bool:
    """Look at the wall clock in every zone where the recipient may be, by other libraries than the product's."""
    moment = datetime.fromtimestamp(at, pytz.UTC)
    return any(not OPENS <= moment.astimezone(pytz.timezone(name)).hour < CLOSES for name in _zones(to))


@lru_cache(maxsize=4096)
def _zones(to: str) -> tuple[str, ...]:
    number = phonenumbers.parse(to)
    code = number.country_code or 0
    if code in BY_AREA:
        names = timezone.time_zones_for_geographical_number(number)
        if len(names) <= FEW:
            return tuple(names)
    region = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(code)
    return tuple(pytz.country_timezones[region])


def _ignored(line: Line, bytes_at: list[float], stops: list[Stop], silences: Iterable[Silence]) -> bool:
    """Whether it went out although somebody had said that it must not."""
    if any(sum(at > stop.at for at in bytes_at) > stop.may_follow for stop in stops):
        return True
    return any(
        silence.begun + UNDER_WAY < at < silence.ended
        for silence in silences
        if silence.covers(line)
        for at in bytes_at
    )


def _busiest(instants: list[float]) -> float:
    """Return the rate of the middle four fifths of all submits: without the start and the stragglers."""
    if len(instants) < 2:
        return 0.0
    low, high = instants[len(instants) // 10], instants[len(instants) * 9 // 10]
    return len(instants) * 0.8 / max(high - low, 0.001)
