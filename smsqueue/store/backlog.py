"""What is open, where, since when, and what will become of it: sizes, and a few hundred samples, never a walk."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import RedisError

from smsqueue.core.backlog import Slice, fate
from smsqueue.core.policy import UPKEEP
from smsqueue.core.states import State
from smsqueue.errors import StoreUnavailable
from smsqueue.store import codec, gauges

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import TypeAlias

    from smsqueue.store.gauges import Gauges
    from smsqueue.store.store import Store

    Found: TypeAlias = Sequence[tuple[Store, Gauges]]

RANKS = 50
"""Places in a queue whose deadlines stand for all."""
SAMPLES = 400
"""Envelopes drawn at random to tell categories apart."""
EVENTS = 2000
"""Newest events read to measure the rate."""
MINUTE = timedelta(minutes=1)


class Line(NamedTuple):
    """One lane, or one home that is no lane's. None: it cannot be said, or does not apply."""

    what: str
    open: int
    waiting: int | None = None  # in ready homes
    out: int | None = None  # handed out or on the wire
    oldest: timedelta | None = None
    rate: float | None = None  # submits a second, over the last minute
    in_time: int | None = None
    expires: int | None = None
    done: datetime | None = None


class Estimate(NamedTuple):
    """How many are open of a category, judged by samples."""

    category: str
    open: int
    samples: int


class Backlog(NamedTuple):
    """Everything that is open. `samples`: how many envelopes the categories were told from."""

    lines: list[Line]
    categories: list[Estimate]
    samples: int


def backlog(store: Store) -> Backlog:
    """Look at what is open. Raises StoreUnavailable, and Misconfigured when no policy is published."""
    found, failures = gauges.look_at_each(store)
    if failures:
        raise failures[0]
    seen = gauges.merged([one for _, one in found])
    kind = ""
    try:
        rates: Counter[str] = Counter()
        for shard in store.shards:
            rates.update(_rates(shard))
        lines = [*_lanes(store, found, seen, rates), *_asleep(store, seen), *_parked(seen)]
        categories, samples = _categories(found, seen)
        return Backlog(lines, categories, samples)
    except RedisError as error:
        kind = type(error).__name__
    raise StoreUnavailable(f"The store did not show its backlog ({kind}). Is the server of SMSQUEUE_REDIS_URL up?")


def _lanes(store: Store, found: Found, seen: Gauges, rates: Mapping[str, float]) -> Iterator[Line]:
    """Tell of each lane what waits in its queues, and its fate at the present rate."""
    sizes, queues = seen.sizes, store.policies.layout.queues
    for lane in (*store.policies.current.lanes, UPKEEP):
        own = [queue for queue in queues if queue.rpartition(".")[2] == lane]
        ready = {queue: sizes[f"ready:{queue}"] for queue in own}
        waiting = sum(ready.values())
        out = sum(sizes[f"out:{queue}"] for queue in own)
        out += sum(size for name, size in sizes.items() if name.startswith("wire:") and name.endswith(f".{lane}"))
        oldest = max((seen.waiting[queue] for queue, size in ready.items() if size), default=None)
        line = Line(lane, waiting + out, waiting, out, oldest)
        if lane == UPKEEP:
            yield line  # looks that submit nothing: no rate, and nothing can expire
            continue
        rate = rates.get(lane, 0.0)
        if not rate and (oldest or MINUTE) < MINUTE:
            yield line._replace(rate=rate)  # it came after what the rate was measured on: nothing can be said
            continue
        slices = [
            part
            for shard, one in found
            for queue in own
            if (size := one.sizes[f"ready:{queue}"])
            for part in _slices(shard, queue, size, seen.now)
        ]
        in_time, expires, seconds = fate(slices, rate)
        done = seen.now + timedelta(seconds=seconds) if seconds is not None and waiting else None
        yield line._replace(rate=rate, in_time=in_time, expires=expires, done=done)


def _slices(store: Store, queue: str, size: int, now: datetime) -> list[Slice]:
    """Cut a queue into at most RANKS slices of equal size, each with the deadline in its middle."""
    edges = sorted({size * at // RANKS for at in range(RANKS + 1)})
    spans = list(pairwise(edges))
    with store.redis.pipeline(transaction=False) as pipe:
        for start, end in spans:
            middle = (start + end) // 2
            pipe.zrange(store.keys.ready(queue), middle, middle, withscores=True)
        found: list[Any] = pipe.execute()
    return [
        Slice(end - start, (codec.from_ms(int(ids[0][1])) - now).total_seconds())
        for (start, end), ids in zip(spans, found, strict=True)
        if ids  # taken meanwhile
    ]


def _asleep(store: Store, seen: Gauges) -> Iterator[Line]:
    """Tell what sleeps: what should be awake and comes to its lane as fast as it can, what wakes soon, and the last."""
    size = seen.sizes["due"]
    if not size:
        return
    now, hour = codec.to_ms(seen.now), codec.to_ms(seen.now + timedelta(hours=1))
    overdue = soon = 0
    ends: list[int] = []
    for shard in store.shards:
        due, redis = shard.keys.due, shard.redis
        overdue += int(redis.zcount(due, "-inf", now))
        soon += int(redis.zcount(due, f"({now}", hour))
        last: Any = redis.zrange(due, -1, -1, withscores=True)
        ends += [int(score) for _, score in last]
    if overdue:
        yield Line("waking now", overdue, oldest=seen.overdue)
    yield Line("asleep, wakes within an hour", soon)
    if later := max(size - overdue - soon, 0):
        yield Line("asleep, wakes later", later, done=codec.from_ms(max(ends)) if ends else None)


def _parked(seen: Gauges) -> Iterator[Line]:
    for name, size in seen.sizes.items():
        if name.startswith("park:") and size:
            yield Line(f"parked, {name.removeprefix('park:')}", size)


def _rates(store: Store) -> dict[str, float]:
    """Measure submits a second by lane over the last minute, or over the newest events if they are younger."""
    newest: Any = store.redis.xrevrange(store.keys.events, count=EVENTS)
    seconds, micros = store.redis.time()  # by which the stream's ids are made; tests move the other clock only
    wall = seconds * 1000 + micros // 1000
    since = wall - MINUTE // codec.MILLISECOND
    ages = [(int(id.partition(b"-")[0]), fields) for id, fields in newest]
    recent = [(at, fields) for at, fields in ages if at >= since]
    complete = len(recent) < len(ages) or len(ages) < EVENTS
    span = 60.0 if complete or not recent else max((wall - recent[-1][0]) / 1000, 0.001)
    policy = store.policies.current
    submits = Counter(
        policy.category(fields[b"category"].decode()).lane
        for _, fields in recent
        if fields[b"state"] == State.SUBMITTED.value.encode()
    )
    return {lane: count / span for lane, count in submits.items()}


def _categories(found: Found, seen: Gauges) -> tuple[list[Estimate], int]:
    """Draw envelopes at random from every home, as many as its part of the whole, and tell their categories."""
    total = sum(seen.sizes.values())
    weights: Counter[str] = Counter()
    samples: Counter[str] = Counter()
    for shard, one in found:
        for category, weight in _drawn(shard, {name: size for name, size in one.sizes.items() if size}, total):
            samples[category] += 1
            weights[category] += weight  # type: ignore[assignment]  # a Counter of parts
    estimates = [Estimate(name, round(weight), samples[name]) for name, weight in weights.most_common()]
    return estimates, samples.total()


def _drawn(shard: Store, sizes: dict[str, int], total: int) -> Iterator[tuple[str, float]]:
    """Yield the category of each sample of a shard, and for how many it stands."""
    draws = {name: min(size, max(SAMPLES * size // total, 1)) for name, size in sizes.items()}
    with shard.redis.pipeline(transaction=False) as pipe:
        for name, draw in draws.items():
            pipe.zrandmember(shard.keys.home(name), draw)
        drawn: Sequence[Sequence[bytes]] = pipe.execute()
    with shard.redis.pipeline(transaction=False) as pipe:
        for ids in drawn:
            for id in ids:
                pipe.hget(shard.keys.envelope(id.decode()), "c")
        found = iter(pipe.execute())
    for (name, draw), ids in zip(draws.items(), drawn, strict=True):
        for _ in ids:
            category = next(found)
            if category is not None:
                yield category.decode(), sizes[name] / draw
