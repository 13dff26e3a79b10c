"""The store: one method per script, n messages in, n answers out, in order.

Every method may run twice with the same arguments (redis-py repeats a call whose answer was lost) and
answers as it did the first time; only `take` may not, and is not repeated.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from redis.exceptions import OutOfMemoryError, RedisError

from smsqueue.core.change import leaves_before, provider_of
from smsqueue.core.facts import CLEAR, Facts
from smsqueue.errors import StoreBehind, StoreUnavailable
from smsqueue.store import codec
from smsqueue.store.away import Away
from smsqueue.store.clock import ServerClock
from smsqueue.store.courtesy import Courtesy
from smsqueue.store.epoch import Epoch
from smsqueue.store.keys import PARKS, Keys, wire_of
from smsqueue.store.policies import Policies
from smsqueue.store.replication import Replication
from smsqueue.store.script import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from redis import Redis

    from smsqueue.core.change import Change
    from smsqueue.core.envelope import Envelope

T = TypeVar("T")

CALL_MAX = 200
"""Messages per script call: 2 ms of standstill for everybody else."""
MOVE_MAX = 500
"""Ids per call of wake and take, which do less for each."""

SCRIPTS = (
    "accept", "wake", "take", "load", "apply", "gate", "stop", "release", "give_back", "recover", "throttle", "relook",
    "audit", "pause", "leap", "beat", "door", "health", "reroute",
)  # fmt: skip

MILLISECOND = timedelta(milliseconds=1)
BEHIND = (
    "The store knows less than was seen of it: it was restored from a backup, or lost its last writes. "
    "Nothing is accepted or submitted until somebody has run `smsqueue recover`."
)
LOOKS_ALONE = 3
LOOKS_POISON = 8
PASSED = frozenset({"yes", "watch", "probe"})
"""What the gate says of a message whose call may start."""


class Entry(NamedTuple):
    """A new message: its envelope (with its first home), sealed payload, and when its home looks at it."""

    envelope: Envelope
    payload: bytes
    look_at: datetime
    supersede: str = ""


class Loaded(NamedTuple):
    """What the store shows of one id."""

    envelope: Envelope | None
    payload: bytes | None
    facts: Facts


class Passage(NamedTuple):
    """One message before the gate."""

    envelope: Envelope
    valid_until: datetime
    cap: str = ""  # the recipient's token, if its category allows only so many a day
    most: int = 0


class Woken(NamedTuple):
    """What one tick of the pump moved, and how many wait per queue now."""

    moves: int
    poisoned: int
    waiting: dict[str, int]


class Store:
    """Messages in Redis: one shard, of one or several. Safe to share among threads."""

    def __init__(
        self,
        redis: Redis,
        redis_once: Redis | None = None,
        *,
        shard: int = 0,
        of: int = 1,
        epoch: Epoch | None = None,
        replicas: int = 0,
    ) -> None:
        self.redis = redis
        self._once = redis_once or redis
        self.shard = shard
        self.keys = Keys(shard)
        self.clock = ServerClock()
        self.epoch = epoch or Epoch()
        self.replication = Replication(replicas)
        self.courtesy = Courtesy()
        self.policies = Policies(redis, self.keys, shard=shard, of=of)
        self._away = Away() if of > 1 else None
        self._scripts = {name: Script(name) for name in SCRIPTS}

    @property
    def shards(self) -> tuple[Store, ...]:
        """Every shard as a store of its own."""
        return (self,)

    def shard_of(self, id: str) -> Store:  # noqa: ARG002 - there is one
        """Return the shard that keeps a message."""
        return self

    def greet(self) -> None:
        """Ask for the server's time and the policy's version."""
        self.policies.seen(int(self._call("load", (), (0,))[2]))

    def accept(self, entries: Sequence[Entry], *, retention: timedelta) -> list[tuple[str, str]]:
        """Store new messages; at most CALL_MAX. Answers (code, state): see accept.lua.

        A code `new` becomes `alone` where too few replicas have it.
        """
        rows = [
            codec.entry(e, look_at, supersede, (e.deadline - e.created + 2 * retention) // MILLISECOND)
            for e, _, look_at, supersede in entries
        ]
        args = (retention // MILLISECOND, codec.batch(rows), *(entry.payload for entry in entries))
        try:
            answer, safe = self._call_safely("accept", self._both([entry.envelope.id for entry in entries]), args)
        except OutOfMemoryError:
            return [("closed", "")] * len(entries)
        self.policies.seen(int(answer[2]))
        pairs = zip(answer[3::2], answer[4::2], strict=True)
        return [("alone" if not safe and code == b"new" else code.decode(), state.decode()) for code, state in pairs]

    def wake(self, *, retention: timedelta, limit: int = MOVE_MAX) -> Woken:
        """Move what is due, what ran out of its lease, and what passed its deadline."""
        layout = self.policies.layout
        args = (
            self.courtesy.most(limit), LOOKS_ALONE, LOOKS_POISON, retention // MILLISECOND,
            len(layout.queues), *layout.queues, len(layout.wires), *layout.wires, len(PARKS), *PARKS,
        )  # fmt: skip
        answer = self._call("wake", (), args)
        return Woken(int(answer[2]), int(answer[3]), dict(zip(layout.queues, answer[4:], strict=True)))

    def take(self, queue: str, *, lease: timedelta, limit: int = MOVE_MAX) -> tuple[list[str], list[str]]:
        """Hand out ids of a queue, as its window allows: those that travel alone, and the others."""
        share = self.policies.layout.shares[queue]
        args: list[Any] = [
            queue, share.window, limit, lease // MILLISECOND, share.provider, share.rate, share.burst, int(share.first),
        ]  # fmt: skip
        for part in share.parts:
            args += part
        answer = self._call("take", (), args, redis=self._once)
        ids = [id.decode() for id in answer[3:]]
        return ids[: answer[2]], ids[answer[2] :]

    def give_back(self, queue: str, ids: Sequence[str]) -> None:
        """Put handed-out ids back where they came from; those that moved on meanwhile stay where they are."""
        categories = self.policies.current.categories if queue.startswith("submit.") else {}
        before = codec.batch({name: leaves_before(category) // MILLISECOND for name, category in categories.items()})
        for part in self._parts(ids):
            self._call("give_back", [self.keys.envelope(id) for id in part], (queue, before, *part))

    def load(self, ids: Sequence[str], *, payloads: bool = False) -> list[Loaded]:
        """Read envelopes, with what policy has to know, and on demand their payloads."""
        return [loaded for part in self._parts(ids) for loaded in self._load(part, payloads=payloads)]

    def _load(self, ids: Sequence[str], *, payloads: bool) -> Iterator[Loaded]:
        answer = self._call("load", self._both(ids), (int(payloads), *ids))
        self.policies.seen(int(answer[2]))
        providers, *ailing = (frozenset(filter(None, names.decode().split(","))) for names in answer[3:6])
        for id, at in zip(ids, range(6, len(answer), 4), strict=True):
            text, payload, paused, withdrawn = answer[at : at + 4]
            facts = CLEAR
            envelope = codec.readable(id, text)
            if paused or withdrawn or providers or ailing[1]:
                first = envelope is not None and envelope.lane == self.policies.current.first_lane
                facts = Facts(bool(paused), bool(withdrawn), providers, ailing[first])
            yield Loaded(envelope, payload, facts)

    def apply(self, changes: Sequence[Change], *, wake: bool = True) -> list[str]:
        """Write decided changes. Answers `ok`, `again`, `lost` or `missing`: see apply.lua.

        Without `wake` the caller tops up the queues that it filled.
        """
        codes: list[str] = []
        for part in self._parts(changes):
            args = (int(wake), codec.batch([codec.change(change) for change in part]))
            answer = self._call("apply", self._both([change.before.id for change in part]), args)
            codes += [code.decode() for code in answer[2:]]
        return codes

    def gate(self, passages: Sequence[Passage], *, fence: str, queue: str, lease: timedelta) -> list[str]:
        """Let messages of one queue onto the wire under a fence; at most CALL_MAX. See gate.lua.

        A code that lets pass becomes `alone` where too few replicas know of it: then no call may start.
        """
        keys = [self.keys.envelope(passage.envelope.id) for passage in passages]
        keys += [self.keys.cap(passage.cap) for passage in passages if passage.cap]
        rows = [codec.passage(e, valid_until, cap, most) for e, valid_until, cap, most in passages]
        args = (fence, provider_of(queue), queue, wire_of(queue), lease // MILLISECOND, codec.batch(rows))
        answer, safe = self._call_safely("gate", keys, args)
        codes = [code.decode() for code in answer[2:]]
        return codes if safe else ["alone" if code in PASSED else code for code in codes]

    def stop(self, ids: Sequence[str], *, reason: str, retention: timedelta) -> list[str]:
        """Withdraw messages. Answers `cancelled`, `stopping`, `submitted`, `final` or `missing`."""
        codes: list[str] = []
        for part in self._parts(ids):
            answer, _ = self._call_safely("stop", self._both(part), (reason, retention // MILLISECOND, *part))
            codes += [code.decode() for code in answer[2:]]
        return codes

    def relook(self, *, limit: int, margin: timedelta) -> tuple[int, bool]:
        """Wake some of what sleeps for quiet hours after a new policy; says how many, and whether all was seen."""
        answer = self._call("relook", (), (limit, margin // MILLISECOND))
        self.policies.seen(int(answer[2]))
        return int(answer[3]), bool(answer[4])

    def throttle(self, provider: str, wait: timedelta) -> None:
        """Obey a provider that asked for patience: nobody takes or gates anything for it."""
        self._call("throttle", (), (provider, wait // MILLISECOND))

    def health(self, provider: str, *, well: bool, bad: int) -> str:
        """Tell how calls ended: whether one ended well, and how many badly since. Answers `ailing`, `well` or ``."""
        answer = self._call("health", (), (provider, int(well), bad), redis=self._once)
        return str(answer[2].decode())

    def reroute(self, *, limit: int) -> tuple[int, bool]:
        """Let some of what waits for ailing providers be decided again; says how many, and whether all was seen."""
        policy, layout = self.policies.current, self.policies.layout
        ways = [
            (name, layout.queues_of(name), dict.fromkeys(categories, 1))
            for name in policy.providers
            if (categories := policy.with_another_way(name))
        ]
        answer = self._call("reroute", (), (limit, codec.batch(ways)))
        return int(answer[2]), bool(answer[3])

    def pause(self, scope: str) -> None:
        """Hold a scope back at the last door before a provider; as many replicas as configured know of it."""
        self._call_safely("pause", (), (scope, 1))

    def unpause(self, scope: str) -> bool:
        """Let a scope go; says whether it was held back."""
        return bool(self._call_safely("pause", (), (scope, 0))[0][2])

    def beat(self, process: str, *, alive: bool, counts: Mapping[str, int]) -> None:
        """Write a process's sign of life, or take it back, and add what it counted."""
        flat = [part for pair in counts.items() for part in pair]
        self._call("beat", (self.keys.beats,), (process, int(alive), *flat))

    def close_door(self, lanes: Sequence[str], *, lasts: timedelta) -> None:
        """Close lanes to new messages for a while, and open all others."""
        self._call("door", (self.keys.door,), (f",{','.join(lanes)}," if lanes else "", lasts // MILLISECOND))

    def leap(self, by: int) -> None:
        """End a recovery: let the epoch rise above what anybody has seen."""
        self._call("leap", (), (by,))

    def recover(self, ids: Sequence[str], *, retention: timedelta, known_until: int) -> list[str]:
        """Deal with open messages after a restore. Answers `doubt`, `expired`, `kept`, `final` or `missing`."""
        answer = self._call("recover", self._both(ids), (retention // MILLISECOND, known_until, *ids))
        return [code.decode() for code in answer[2:]]

    def release(self, park: str) -> int:
        """Let what is parked be decided again; says how many."""
        moved = 0
        while step := int(self._call("release", (), (park, CALL_MAX))[2]):
            moved += step
        return moved

    def open_ids(self) -> Iterator[str]:
        """Yield what lies in any home, without stopping the server; what moves meanwhile may come twice."""
        layout, keys = self.policies.layout, self.keys
        homes = [*map(keys.ready, layout.queues), *map(keys.out, layout.queues)]
        homes += [keys.home(name) for name in (*layout.wires, *PARKS, "due")]
        for home in homes:
            for id, _ in self.redis.zscan_iter(home, count=CALL_MAX):
                yield id.decode()

    def audit(self, home: str, ids: Sequence[str]) -> list[str]:
        """Compare ids with their homes and mend what differs; at most CALL_MAX. See audit.lua."""
        keys = [self.keys.envelope(id) for id in ids]
        if home:
            keys.append(self.keys.home(home))
        return [code.decode() for code in self._call("audit", keys, (home, *ids))[2:]]

    def _parts(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        most = self.courtesy.most(CALL_MAX)
        for at in range(0, len(items), most):
            yield items[at : at + most]

    def _both(self, ids: Sequence[str]) -> list[str]:
        """Name the keys of envelopes and payloads."""
        envelope, payload = self.keys.envelope(""), self.keys.payload("")
        return [*[envelope + id for id in ids], *[payload + id for id in ids]]

    def _call(self, name: str, keys: Sequence[str], args: Sequence[Any], redis: Redis | None = None) -> list[Any]:
        """Call a script whose writes may be lost with a primary: whoever looks next does it again."""
        script, redis = self._scripts[name], redis or self.redis
        return self._guarded(name, lambda *given: (script(redis, *given), not self.replication.replicas), keys, args)[0]

    def _call_safely(self, name: str, keys: Sequence[str], args: Sequence[Any]) -> tuple[list[Any], bool]:
        """Call a script and wait for replicas, as many as configured; says whether they have it."""
        run = partial(self.replication.run, self._scripts[name], self.redis)
        return self._guarded(name, run, keys, args)

    def _guarded(
        self,
        name: str,
        run: Callable[[Sequence[str], Sequence[Any]], tuple[list[Any], bool]],
        keys: Sequence[str],
        args: Sequence[Any],
    ) -> tuple[list[Any], bool]:
        if self._away is not None and self._away.spared():
            raise StoreUnavailable(f"Shard {self.shard} of the store did not answer a moment ago.")
        kind = ""
        try:
            answer, safe = run((*self.policies.layout.homes, *keys), (*args, self.epoch.highest))
        except RedisError as error:
            if self._away is not None:
                self._away.ended(error)
            if isinstance(error, OutOfMemoryError):
                raise
            kind = "behind" if str(error).startswith("BEHIND ") else type(error).__name__
        else:
            if self._away is not None:
                self._away.ended()
            self.clock.told(int(answer[0]))
            if safe:  # what only the primary knows may be gone with it, and must not be missed then
                self.epoch.told(int(answer[1]))
            return answer, safe
        if kind == "behind":
            raise StoreBehind(BEHIND if self._away is None else f"Shard {self.shard}: {BEHIND}")
        raise StoreUnavailable(
            f"The store did not carry out `{name}` ({kind}). Is the server of SMSQUEUE_REDIS_URL up?"
        )
