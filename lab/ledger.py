"""The ledger: what the producer was told, what the store says and what the provider saw, compared.

It shares no line with the code that decides: it reads keys and the stand-in's book, and counts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import phonenumbers
import pytz

from smsqueue.core.states import FINAL, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lab.system import System
    from smsqueue.core.envelope import Envelope

RESPECT_QUIET = frozenset({"service", "reminder", "promotional"})
OPENS, CLOSES = 8, 21
IN_DOUBT = frozenset({State.UNKNOWN, State.UNCONFIRMED})
HOMES = ("due", "ready:", "out:", "wire:", "park:")
TWICE_ALLOWED = frozenset({"otp"})
"""Categories of the lab's policy for which twice is better than never."""


@dataclass(slots=True)
class Ledger:
    """Counts of messages."""

    accepted: int = 0
    states: Counter[str] = field(default_factory=Counter)
    held_for: Counter[str] = field(default_factory=Counter)
    ended_by: Counter[str] = field(default_factory=Counter)
    retried: int = 0
    lost: int = 0  # accepted, but the store does not know it
    homeless: int = 0  # open, but in no home or in several
    vanished: int = 0  # said to be submitted, but the provider never had it
    twice_allowed: int = 0
    twice_not_allowed: int = 0
    late: int = 0  # first byte after the deadline
    at_night: int = 0  # first byte while some place where the recipient may be was quiet
    in_doubt: int = 0
    in_doubt_taken: int = 0  # of those, how many the provider had
    rate: float = 0.0  # submits a second
    example: str = ""

    @property
    def gone(self) -> int:
        """How many were accepted and are nowhere, or not where they are said to be."""
        return self.lost + self.vanished + self.homeless

    def rows(self) -> list[tuple[str, int]]:
        """Return lines for people."""
        lines = [("accepted", self.accepted)]
        lines += [(state.value, self.states[state]) for state in State if self.states[state]]
        lines += [(f"  held: {reason}", count) for reason, count in self.held_for.most_common()]
        lines += [(f"  ended: {reason}", count) for reason, count in self.ended_by.most_common()]
        lines += [
            ("submitted more than once (retried)", self.retried),
            ("in doubt", self.in_doubt),
            ("  of these at the provider", self.in_doubt_taken),
            ("lost", self.gone),
            ("sent twice, allowed by category", self.twice_allowed),
            ("sent twice, not allowed", self.twice_not_allowed),
            ("first byte after the deadline", self.late),
            ("first byte in quiet hours", self.at_night),
        ]
        return lines


def audit(
    system: System, campaign: str, ids: Iterable[str] = (), clock: Callable[[float], float] | None = None
) -> Ledger:
    """Compare for all messages of a campaign that the store knows, and for `ids` that the producer was given.

    `clock` says what a moved clock showed at an instant of the provider's.
    """
    ledger = Ledger()
    envelopes = _envelopes(system, campaign)
    ledger.lost = sum(id not in envelopes for id in ids)
    ledger.accepted = len(envelopes) + ledger.lost
    homes = _homes(system)
    received = {record["id"]: record for record in system.received()}
    instants: list[float] = []
    for id, envelope in envelopes.items():
        record = received.get(id)
        if record and clock:
            record["first_bytes"] = [clock(at) for at in record["first_bytes"]]
        _count(ledger, envelope, homes[id])
        _compare(ledger, envelope, record)
        if record:
            instants += record["first_bytes"]
    instants.sort()
    if len(instants) > 1:
        ledger.rate = _busiest(instants)
    return ledger


def _count(ledger: Ledger, envelope: Envelope, homes: int) -> None:
    ledger.states[envelope.state] += 1
    if envelope.state is State.HELD:
        ledger.held_for[envelope.reason] += 1
    if envelope.state in FINAL and envelope.state is not State.DELIVERED:
        ledger.ended_by[f"{envelope.state}, {envelope.reason}"] += 1
    if homes != (0 if envelope.state in FINAL else 1):
        ledger.homeless += 1
    if envelope.state in IN_DOUBT:
        ledger.in_doubt += 1


def _compare(ledger: Ledger, envelope: Envelope, record: dict[str, object] | None) -> None:
    taken = int(str(record["taken"])) if record else 0
    if envelope.state in IN_DOUBT and taken:
        ledger.in_doubt_taken += 1
    if envelope.state in {State.SUBMITTED, State.DELIVERED} and not taken:
        ledger.vanished += 1
    if record is None:
        return
    ledger.example = envelope.id
    ledger.retried += int(str(record["requests"])) > 1
    if taken > 1:
        if envelope.category in TWICE_ALLOWED:
            ledger.twice_allowed += 1
        else:
            ledger.twice_not_allowed += 1
    firsts = record["first_bytes"]
    deadline = envelope.deadline.timestamp()
    instants = [at for at in firsts if isinstance(at, float)] if isinstance(firsts, list) else []
    ledger.late += any(at > deadline for at in instants)
    if envelope.category in RESPECT_QUIET:
        ledger.at_night += any(_is_night(str(record["to"]), at) for at in instants)


def _is_night(to: str, at: float) -> bool:
    """Look at the wall clock in every zone of the number's country, by another library than the product's."""
    number = phonenumbers.parse(to)
    code = number.country_code or 0
    region = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(code)
    moment = datetime.fromtimestamp(at, pytz.UTC)
    hours = (moment.astimezone(pytz.timezone(name)).hour for name in pytz.country_timezones[region])
    return any(not OPENS <= hour < CLOSES for hour in hours)


def _envelopes(system: System, campaign: str) -> dict[str, Envelope]:
    store = system.client.store
    prefix = store.keys.envelope("")
    pattern = prefix.replace("{", "[{]").replace("}", "[}]") + "*"
    ids = [key.decode().removeprefix(prefix) for key in store.redis.scan_iter(match=pattern, count=1000)]
    found = (loaded.envelope for loaded in store.load(ids))
    return {e.id: e for e in found if e is not None and e.campaign == campaign}


def _homes(system: System) -> Counter[str]:
    store = system.client.store
    homes: Counter[str] = Counter()
    for key in store.redis.scan_iter(match="sms:*", _type="zset", count=1000):
        if not key.decode().partition("}:")[2].startswith(HOMES):
            continue  # what a recipient had within a day is a sorted set too, and no home
        ids: list[bytes] = store.redis.zrange(key, 0, -1)  # type: ignore[assignment]
        homes.update(id.decode() for id in ids)
    return homes


def _busiest(instants: list[float]) -> float:
    """Return the rate of the middle four fifths of all submits: without the start and the stragglers."""
    low, high = instants[len(instants) // 10], instants[len(instants) * 9 // 10]
    return len(instants) * 0.8 / max(high - low, 0.001)
