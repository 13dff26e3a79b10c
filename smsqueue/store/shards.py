"""A store of several shards: calls are split by the ids' shards, and the answers put back in order.

Workers go shard by shard instead (`store.shards`), each with threads of its own, so that a shard that is away delays
no other.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from smsqueue.core import identity
from smsqueue.errors import Misconfigured, SmsQueueError, StoreUnavailable
from smsqueue.store.clock import LatestClock
from smsqueue.store.policies import Policies, publish
from smsqueue.store.store import MOVE_MAX, Store, Woken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import timedelta
    from typing import Any

    from smsqueue.core.change import Change
    from smsqueue.core.policy import Policy
    from smsqueue.store.layout import Layout
    from smsqueue.store.store import Entry, Loaded, Passage

T = TypeVar("T")
R = TypeVar("R")

UNKNOWN = ("unknown", "")
"""What `accept` answers for a message whose shard did not."""
PATIENCE = 1.0
"""Seconds between tries to read the policy of a shard that is away."""


class Shards(Store):
    """All shards of a store. `redis` and `keys` are the first shard's, where what is kept once lies: signs of life."""

    def __init__(self, shards: Sequence[Store]) -> None:
        first = shards[0]
        super().__init__(first.redis, epoch=first.epoch)
        self._shards = tuple(shards)
        self._clocks = self.clock = LatestClock([shard.clock for shard in shards])
        self.policies = Copies(tuple(shard.policies for shard in shards))
        self.replication = first.replication

    @property
    def shards(self) -> tuple[Store, ...]:
        """Every shard as a store of its own."""
        return self._shards

    def shard_of(self, id: str) -> Store:
        """Return the shard that keeps a message."""
        return self._shards[identity.shard_of(id, len(self._shards))]

    def greet(self) -> None:
        """Ask every server for its time and its policy's version; one at least has to answer."""
        self._some(Store.greet)
        if self._clocks.spread() > self.policies.current.quiet.guard:
            raise Misconfigured(
                "The clocks of the store's servers differ by more than the guard of quiet hours. Set them right (NTP)."
            )

    def accept(self, entries: Sequence[Entry], *, retention: timedelta) -> list[tuple[str, str]]:
        """Store new messages. A shard that does not answer costs its own messages only: they are `unknown`."""

        def accept(shard: Store, part: Sequence[Entry]) -> list[tuple[str, str]]:
            return shard.accept(part, retention=retention)

        return self._split(entries, lambda entry: entry.envelope.id, accept, missing=UNKNOWN)

    def wake(self, *, retention: timedelta, limit: int = MOVE_MAX) -> Woken:
        """Move what is due in every shard."""
        woken = [shard.wake(retention=retention, limit=limit) for shard in self._shards]
        waiting: Counter[str] = Counter()
        for one in woken:
            waiting.update(one.waiting)
        return Woken(sum(one.moves for one in woken), sum(one.poisoned for one in woken), dict(waiting))

    def take(self, queue: str, *, lease: timedelta, limit: int = MOVE_MAX) -> tuple[list[str], list[str]]:
        """Hand out ids of every shard."""
        taken = [shard.take(queue, lease=lease, limit=limit) for shard in self._shards]
        return [*chain(*(alone for alone, _ in taken))], [*chain(*(together for _, together in taken))]

    def give_back(self, queue: str, ids: Sequence[str]) -> None:
        """Put handed-out ids back where they came from."""

        def give_back(shard: Store, part: Sequence[str]) -> list[None]:
            shard.give_back(queue, part)
            return [None] * len(part)

        self._split(ids, str, give_back)

    def load(self, ids: Sequence[str], *, payloads: bool = False) -> list[Loaded]:
        """Read envelopes."""
        return self._split(ids, str, lambda shard, part: shard.load(part, payloads=payloads))

    def apply(self, changes: Sequence[Change], *, wake: bool = True) -> list[str]:
        """Write decided changes."""
        return self._split(changes, lambda change: change.before.id, lambda shard, part: shard.apply(part, wake=wake))

    def gate(self, passages: Sequence[Passage], *, fence: str, queue: str, lease: timedelta) -> list[str]:
        """Let messages onto the wire."""

        def gate(shard: Store, part: Sequence[Passage]) -> list[str]:
            return shard.gate(part, fence=fence, queue=queue, lease=lease)

        return self._split(passages, lambda passage: passage.envelope.id, gate)

    def stop(self, ids: Sequence[str], *, reason: str, retention: timedelta) -> list[str]:
        """Withdraw messages."""
        return self._split(ids, str, lambda shard, part: shard.stop(part, reason=reason, retention=retention))

    def relook(self, *, limit: int, margin: timedelta) -> tuple[int, bool]:
        """Wake some of what sleeps for quiet hours after a new policy."""
        steps = [shard.relook(limit=limit, margin=margin) for shard in self._shards]
        return sum(woken for woken, _ in steps), all(done for _, done in steps)

    def throttle(self, provider: str, wait: timedelta) -> None:
        """Obey a provider that asked for patience, in every shard that answers."""
        self._some(lambda shard: shard.throttle(provider, wait))

    def health(self, provider: str, *, well: bool, bad: int) -> str:
        """Tell every shard how calls ended: each judges by what it hears."""
        news = self._every(lambda shard: shard.health(provider, well=well, bad=bad))
        return next(filter(None, news), "")

    def reroute(self, *, limit: int) -> tuple[int, bool]:
        """Let some of what waits for ailing providers be decided again."""
        steps = [shard.reroute(limit=limit) for shard in self._shards]
        return sum(moved for moved, _ in steps), all(done for _, done in steps)

    def pause(self, scope: str) -> None:
        """Hold a scope back in every shard."""
        self._every(lambda shard: shard.pause(scope))

    def unpause(self, scope: str) -> bool:
        """Let a scope go in every shard; says whether it was held back in any."""
        return any(self._every(lambda shard: shard.unpause(scope)))

    def beat(self, process: str, *, alive: bool, counts: Mapping[str, int]) -> None:
        """Write a process's sign of life and its counts: once, in the first shard."""
        self._shards[0].beat(process, alive=alive, counts=counts)

    def close_door(self, lanes: Sequence[str], *, lasts: timedelta) -> None:
        """Close lanes to new messages in every shard."""
        self._every(lambda shard: shard.close_door(lanes, lasts=lasts))

    def leap(self, by: int) -> None:
        """End a recovery of every shard."""
        self._every(lambda shard: shard.leap(by))

    def recover(self, ids: Sequence[str], *, retention: timedelta, known_until: int) -> list[str]:
        """Deal with open messages after a restore."""

        def recover(shard: Store, part: Sequence[str]) -> list[str]:
            return shard.recover(part, retention=retention, known_until=known_until)

        return self._split(ids, str, recover)

    def release(self, park: str) -> int:
        """Let what is parked in any shard be decided again; says how many."""
        return sum(self._every(lambda shard: shard.release(park)))

    def open_ids(self) -> Iterator[str]:
        """Yield what lies in any home of any shard."""
        return chain.from_iterable(shard.open_ids() for shard in self._shards)

    def audit(self, home: str, ids: Sequence[str]) -> list[str]:
        """Compare ids with their homes and mend what differs."""
        return self._split(ids, str, lambda shard, part: shard.audit(home, part))

    def _some(self, call: Callable[[Store], None]) -> None:
        """Call every shard; raises what the first said when none of them answers."""
        failures: list[SmsQueueError] = []
        for shard in self._shards:
            try:
                call(shard)
            except SmsQueueError as error:
                failures.append(error)
        if len(failures) == len(self._shards):
            raise failures[0]

    def _every(self, call: Callable[[Store], R]) -> list[R]:
        """Call every shard. Raises StoreUnavailable naming those that are away, when all were tried."""
        answers: list[R] = []
        away: list[str] = []
        for shard in self._shards:
            try:
                answers.append(call(shard))
            except StoreUnavailable:
                away.append(str(shard.shard))
        if away:
            raise StoreUnavailable(
                f"Shards {', '.join(away)} of the store did not answer. The others did as asked: ask again later."
            )
        return answers

    def _split(
        self,
        items: Sequence[T],
        id_of: Callable[[T], str],
        call: Callable[[Store, Sequence[T]], list[R]],
        *,
        missing: R | None = None,
    ) -> list[R]:
        """Call each shard with its items; answers in their order.

        All shards are called, whichever fails; then the first failure is raised, unless `missing` can stand for
        some of the answers.
        """
        places: dict[int, list[int]] = {}
        for place, item in enumerate(items):
            places.setdefault(identity.shard_of(id_of(item), len(self._shards)), []).append(place)
        answers: dict[int, R] = {}
        failures: list[SmsQueueError] = []
        for number, own in places.items():
            try:
                answers.update(zip(own, call(self._shards[number], [items[place] for place in own]), strict=True))
            except SmsQueueError as error:
                failures.append(error)
                if missing is not None:
                    answers.update(dict.fromkeys(own, missing))
        if failures and (missing is None or len(failures) == len(places)):
            raise failures[0]
        return [answers[place] for place in range(len(items))]


class Copies(Policies):
    """The policy of all shards: the newest that is in hand."""

    def __init__(self, copies: tuple[Policies, ...]) -> None:
        self._copies = copies
        self._not_before = [0.0] * len(copies)

    def seen(self, version: int) -> None:
        """Take in a version: each shard's copy has been told already."""

    def publish(self, document: Mapping[str, Any]) -> int:
        """Put a validated document in force on every shard."""
        return publish(document, self._copies)

    def known(self) -> tuple[Policy, Layout]:
        """Return the policy in force and its layout; reads them if they are not in hand."""
        found = [known for place, copy in enumerate(self._copies) if (known := copy.in_hand or self._read_again(place))]
        return max(found, key=lambda known: known[0].version) if found else self._copies[0].known()

    def _read_again(self, place: int) -> tuple[Policy, Layout] | None:
        """Read a copy; one whose shard is away is let alone for a moment."""
        if monotonic() < self._not_before[place]:
            return None
        try:
            return self._copies[place].known()
        except SmsQueueError:
            self._not_before[place] = monotonic() + PATIENCE
            return None
