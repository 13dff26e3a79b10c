"""What the store shows to whoever watches: sizes, ages, counters. A few pipelines, whatever the backlog.

The counters are one hash, `m`. Scripts add to it what they write, processes add what only they can see:

    accepted|category                       told|state|reason|category|provider
    held|reason|category                    doubt|category (in doubt now: it rises and falls)
    lost|category                           lease|queue or wire
    call|provider|status                    took|provider|place in BOUNDS      tookms|provider
    late|how|provider|country               event|name
    since|queue (ms: last filled when empty)     key|made (s)
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import RedisError

from smsqueue.errors import StoreBehind, StoreUnavailable
from smsqueue.store import codec
from smsqueue.store.keys import PARKS, wire_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redis import Redis

    from smsqueue.store.store import Store

BOUNDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the buckets of a provider call's duration, in seconds; one more bucket has no end."""
HEADS = 5
"""Envelopes looked at per queue to say how long the oldest waits: those with the earliest deadlines."""

UNWANTED = timedelta(minutes=1)
"""An ailing provider that nobody has probed for so long after it was time has no messages."""

ZERO = timedelta(0)


class Rate(NamedTuple):
    """How a provider's rate works out."""

    waits: int  # how often ids waited for it
    patience: timedelta  # for how long the provider asked to be spared
    ailing: bool  # its calls end badly, it is only probed, and somebody waits for it (in a shard, at least)


class Gauges(NamedTuple):
    """One look. Homes by their names without prefix: `due`, `ready:…`, `out:…`, `wire:…`, `park:…`."""

    now: datetime
    sizes: dict[str, int]
    waiting: dict[str, timedelta]  # queue -> how long its oldest may have waited, at most
    overdue: timedelta  # how long ago the first of `due` should have been looked at
    counters: dict[str, int]
    beats: dict[str, list[timedelta]]  # role -> since when each of its processes has not been seen
    memory: int  # bytes
    memory_limit: int  # bytes, 0: none
    closed: tuple[str, ...]  # lanes that accept nothing while memory is short
    pauses: dict[str, int]  # kind of scope -> how many are paused or withdrawn
    rates: dict[str, Rate]
    away: int = 0  # shards that did not answer
    behind: int = 0  # those of them that have forgotten something


def look(store: Store) -> Gauges:
    """Look at all shards that answer. Raises StoreUnavailable when none does, Misconfigured without a policy."""
    found, failures = look_at_each(store)
    behind = sum(isinstance(error, StoreBehind) for error in failures)
    return merged([seen for _, seen in found])._replace(away=len(failures), behind=behind)


def look_at_each(store: Store) -> tuple[list[tuple[Store, Gauges]], list[StoreUnavailable]]:
    """Look at every shard: those that answered, and what the others failed with. Raises as `look` does."""
    found: list[tuple[Store, Gauges]] = []
    failures: list[StoreUnavailable] = []
    for shard in store.shards:
        try:
            found.append((shard, _look_at(shard)))
        except StoreUnavailable as error:
            failures.append(error)
    if not found:
        raise failures[0]
    return found, failures


def _look_at(shard: Store) -> Gauges:
    shard.greet()
    kind = ""
    try:
        return _look(shard)
    except RedisError as error:
        kind = type(error).__name__
    raise StoreUnavailable(f"The store did not say how it is ({kind}). Is the server of SMSQUEUE_REDIS_URL up?")


def merged(seen: list[Gauges]) -> Gauges:
    """Make one of several shards: sizes and counters are summed, of ages the oldest, of servers the fullest shows."""
    first = seen[0]
    if len(seen) == 1:
        return first
    fullest = max(seen, key=lambda one: one.memory / one.memory_limit if one.memory_limit else 0)
    counters: Counter[str] = Counter()
    for one in seen:
        counters.update({field: n for field, n in one.counters.items() if not field.startswith(("since|", "key|"))})
    counters |= {field: n for field, n in first.counters.items() if field.startswith("key|")}
    return Gauges(
        now=max(one.now for one in seen),
        sizes={name: sum(one.sizes.get(name, 0) for one in seen) for name in first.sizes},
        waiting={queue: max(one.waiting.get(queue, ZERO) for one in seen) for one in seen for queue in one.waiting},
        overdue=max(one.overdue for one in seen),
        counters=dict(counters),
        beats=next((one.beats for one in seen if one.beats), {}),
        memory=fullest.memory,
        memory_limit=fullest.memory_limit,
        closed=tuple(dict.fromkeys(lane for one in seen for lane in one.closed)),
        pauses={kind: max(one.pauses.get(kind, 0) for one in seen) for one in seen for kind in one.pauses},
        rates={
            provider: Rate(
                sum(one.rates[provider].waits for one in seen if provider in one.rates),
                max(one.rates[provider].patience for one in seen if provider in one.rates),
                any(one.rates[provider].ailing for one in seen if provider in one.rates),
            )
            for provider in first.rates
        },
    )


def beats(store: Store) -> dict[str, list[timedelta]]:
    """Say per role since when each of its processes has not been seen. Raises as `look` does."""
    store.shards[0].greet()
    store.policies.current  # noqa: B018 - is one published?
    kind = ""
    try:
        found: dict[bytes, bytes] = store.redis.hgetall(store.keys.beats)  # type: ignore[assignment]
        return _ages(found, store.clock.now())
    except RedisError as error:
        kind = type(error).__name__
    raise StoreUnavailable(f"The store did not say who is alive ({kind}). Is the server of SMSQUEUE_REDIS_URL up?")


def _ages(beats: dict[bytes, bytes], now: datetime) -> dict[str, list[timedelta]]:
    ages: dict[str, list[timedelta]] = {}
    for name, at in sorted(beats.items()):
        ages.setdefault(name.decode().partition("@")[0], []).append(now - codec.from_ms(int(at)))
    return ages


def _look(store: Store) -> Gauges:
    layout, keys, now = store.policies.layout, store.keys, store.clock.now()
    names = ("due", *(f"{kind}:{q}" for q in layout.queues for kind in ("ready", "out")), *layout.wires, *PARKS)
    providers = tuple(store.policies.current.providers)
    with store.redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.zcard(keys.home(name))
        pipe.zrange(keys.due, 0, 0, withscores=True)
        pipe.hgetall(keys.tally)
        pipe.hgetall(keys.beats)
        pipe.get(keys.door)
        pipe.hkeys(keys.pause)
        pipe.hgetall(keys.health)
        pipe.info("memory")
        for provider in providers:
            pipe.hmget(keys.rate(provider), "waits", "hold")
        answers = pipe.execute()
    cards, answers = answers[: len(names)], answers[len(names) :]
    first, counted, beating, door, scopes, health, memory, *rates = answers
    sizes: dict[str, int] = dict(zip(names, cards, strict=True))
    counters = {field.decode(): int(n) for field, n in counted.items()}
    pauses: dict[str, int] = {}
    for scope in scopes:
        kind = scope.decode().partition(":")[0]
        pauses[kind] = pauses.get(kind, 0) + 1
    return Gauges(
        now=now,
        sizes=sizes,
        waiting=_waiting(store, [queue for queue in layout.queues if sizes[f"ready:{queue}"]], counters, now),
        overdue=max(now - codec.from_ms(int(first[0][1])), ZERO) if first else ZERO,
        counters=counters,
        beats=_ages(beating, now),
        memory=int(memory["used_memory"]),
        memory_limit=int(memory.get("maxmemory", 0)),
        closed=tuple(filter(None, door.decode().split(","))) if door else (),
        pauses=pauses,
        rates={
            provider: Rate(int(waits or 0), max(codec.from_ms(int(hold or 0)) - now, ZERO), ails(health, provider, now))
            for provider, (waits, hold) in zip(providers, rates, strict=True)
        },
    )


def ails(health: Mapping[bytes, bytes], provider: str, now: datetime) -> bool:
    """Whether a provider is ailing, by the hash `health`. One whose probe is long overdue is nobody's trouble."""
    ask = health.get(f"ask|{provider}".encode())
    return ask is not None and now < codec.from_ms(int(ask)) + UNWANTED


def ailing(store: Store) -> list[str]:
    """Return the providers of the policy that are ailing in some shard. Raises RedisError."""
    found: set[str] = set()
    for shard in store.shards:
        health: dict[bytes, bytes] = shard.redis.hgetall(shard.keys.health)  # type: ignore[assignment]
        found |= {name for name in shard.policies.current.providers if ails(health, name, shard.clock.now())}
    return sorted(found)


def _waiting(store: Store, queues: list[str], counters: dict[str, int], now: datetime) -> dict[str, timedelta]:
    """Say how long the oldest of each queue waits: not before its last decision, nor before the queue was empty."""
    keys = store.keys
    heads: list[list[bytes]] = _all(store.redis, [("ZRANGE", keys.ready(queue), 0, HEADS - 1) for queue in queues])
    found = iter(
        _all(
            store.redis,
            [("HMGET", keys.envelope(id.decode()), "d", "cr", "nb") for ids in heads for id in ids],
        )
    )
    waiting = {}
    for queue, ids in zip(queues, heads, strict=True):
        longest = max(
            (now - codec.decided_at(fields, now) for _, fields in zip(ids, found, strict=False)), default=ZERO
        )
        filled = codec.from_ms(counters.get(f"since|{queue}", 0))
        waiting[queue] = max(min(longest, now - filled), ZERO)
    return waiting


def _all(redis: Redis, commands: list[tuple[Any, ...]]) -> list[Any]:
    with redis.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        answers: list[Any] = pipe.execute()
    return answers


def tell_key(store: Store, kid: str) -> None:
    """Note when the active payload key was made, if its id says so: `k2026-02-28`."""
    with suppress(ValueError):
        made = datetime.combine(date.fromisoformat(kid.removeprefix("k")), time(), UTC)
        store.redis.hset(store.keys.tally, "key|made", codec.to_ms(made) // 1000)


def windows(store: Store, sizes: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return each provider's window: places used, places there are."""
    used: dict[str, tuple[int, int]] = {}
    for name, provider in store.policies.current.providers.items():
        queues = store.policies.layout.queues_of(name)
        taken = sum(sizes[f"out:{queue}"] + sizes[wire_of(queue)] for queue in queues)
        used[name] = (taken, provider.window)
    return used
