"""`doctor`: is everything as it should be, and what to do if not."""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from redis.exceptions import RedisError

from smsqueue.cli import show
from smsqueue.cli.store import open_store
from smsqueue.client import keyring_from_environment
from smsqueue.core import zones
from smsqueue.core.lateness import Lateness
from smsqueue.errors import SmsQueueError, StoreUnavailable
from smsqueue.store import audit as audits
from smsqueue.store import gauges
from smsqueue.store.codec import from_ms
from smsqueue.store.keys import PARKS
from smsqueue.store.server import connect, examine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redis import Redis

    from smsqueue.store.store import Store

BEAT_LATE = timedelta(seconds=20)
BEAT_GONE = timedelta(days=1)
TZDATA_OLD = timedelta(days=270)
"""A year has two or three releases of the time zone database."""
SKEW_WORTH_SAYING = timedelta(seconds=2)


class Finding(NamedTuple):
    """One thing that was looked at. `state` is ok, warning or trouble."""

    what: str
    state: str
    found: str


Audit = Annotated[bool, typer.Option("--audit", help="Walk all messages; give a home to each that has none.")]


def doctor(*, audit: Audit = False, json: show.AsJson = False) -> None:
    """Look at server, keys, clock, time zones, policy, processes and queues. Exit status 1 when there is trouble."""
    store = open_store()
    findings = list(_findings(store))
    if audit:
        findings.append(_audit(store))
    show.rows([finding._asdict() for finding in findings], as_json=json, columns=("what", "state", "found"))
    if any(finding.state == "trouble" for finding in findings):
        raise typer.Exit(1)


def _findings(store: Store) -> Iterator[Finding]:
    yield from _servers(store)
    yield _broker()
    yield _keys()
    yield _tzdata()
    try:
        policy = store.policies.current
    except SmsQueueError as error:
        yield Finding("policy", "trouble", str(error))
        return
    yield Finding("policy", "ok", f"version {policy.version}, {len(policy.categories)} categories")
    away = [shard.shard for shard in store.shards if not _answers(shard)]
    if away:
        sentence = f"{', '.join(map(str, away))} of {len(store.shards)} do not answer; the others go on"
        yield Finding("shards", "trouble", sentence)
        return
    if len({shard.policies.current.version for shard in store.shards}) > 1:
        yield Finding("policy", "trouble", "its version differs among shards: run `smsqueue policy apply` again")
    yield _clock(store)
    yield from _processes(store)
    yield from _homes(store)
    yield from _ailing(store)
    yield from _late(store)


def _servers(store: Store) -> Iterator[Finding]:
    """Look at each server: whether it would keep what it accepts, and how long a write takes."""
    shards: dict[Redis, list[Store]] = {}
    for shard in store.shards:
        shards.setdefault(shard.redis, []).append(shard)
    for redis, own in shards.items():
        of = f"shard {', '.join(str(shard.shard) for shard in own)}: " if len(shards) > 1 else ""
        try:
            found = examine(redis)
        except StoreUnavailable as error:
            if len(shards) == 1:
                raise
            yield Finding("store", "trouble", f"{of}{error}")
            continue
        sentence = " ".join((str(found), *found.refusals))
        yield Finding("store", "trouble" if found.refusals else "ok", f"{of}{sentence}")
        for warning in found.warnings:
            yield Finding("store", "warning", f"{of}{warning}")
        yield _fsync(own[0], of)


def _answers(shard: Store) -> bool:
    try:
        shard.greet()
    except StoreUnavailable:
        return False
    return True


def _ailing(store: Store) -> Iterator[Finding]:
    """Say which providers do not answer, so that messages wait for them."""
    for provider in gauges.ailing(store):
        sentence = f"{provider} does not answer: it is only probed, and its messages wait"
        yield Finding("provider", "trouble", sentence)


def _late(store: Store) -> Iterator[Finding]:
    """Say which providers delivered too late, and where: the receipts tell."""
    counters: dict[bytes, bytes] = store.redis.hgetall(store.keys.tally)  # type: ignore[assignment]
    for field, n in sorted(counters.items()):
        kind, *rest = field.decode().split("|")
        if kind == "late":
            how, provider, country = rest
            words = "in quiet hours" if how == Lateness.IN_QUIET else "after their deadline"
            yield Finding("late", "warning", f"{provider} delivered {int(n)} {words} in {country}: look at its route")


def _audit(store: Store) -> Finding:
    """Prove that nothing is lost; what was is found again, and it is a bug to report."""
    found = audits.audit(store)
    looked = f"{found.envelopes} envelopes, {found.places} places"
    if not found.faults:
        return Finding("audit", "ok", f"{looked}: 0 without a home, 0 orphans, 0 strays")
    sentence = (
        f"{looked}: {found.homeless} were open without a home and got one, {found.orphans} had no envelope and lie in "
        f"park:orphan, {found.strays} were where their envelope does not say. Please report it: this must be 0"
    )
    return Finding("audit", "trouble", sentence)


def _fsync(store: Store, of: str) -> Finding:
    """Measure a write as an accept pays for it: with `appendfsync always`, one fsync."""
    best = []
    refused = ""
    try:
        for _ in range(5):
            begun = time.perf_counter()
            store.redis.hset(store.keys.beats, "doctor@measure:0", 0)
            best.append(time.perf_counter() - begun)
        store.redis.hdel(store.keys.beats, "doctor@measure:0")
    except RedisError as error:
        refused = type(error).__name__
    if refused:
        return Finding("disk", "trouble", f"the server refuses writes ({refused}): is its memory or its disk full?")
    ms = sorted(best)[2] * 1000
    slow = ms > 10  # noqa: PLR2004 - then five scripts before the first byte take 50 ms and more
    return Finding("disk", "warning" if slow else "ok", f"{of}a write takes {ms:.1f} ms, fsync included")


def _broker() -> Finding:
    url = os.environ.get("SMSQUEUE_BROKER_URL", "")
    if not url:
        sentence = "SMSQUEUE_BROKER_URL is not set: the store does both, and pays an fsync for each Celery message"
        return Finding("broker", "warning", sentence)
    try:
        found = examine(connect(url, role="doctor"))
    except SmsQueueError:
        return Finding("broker", "trouble", "it does not answer. Is the server of SMSQUEUE_BROKER_URL up?")
    return Finding("broker", "ok", f"{found.kind} {found.version}; what it holds is worth nothing")


def _keys() -> Finding:
    try:
        keyring = keyring_from_environment()
    except SmsQueueError as error:
        return Finding("keys", "warning", f"{error} Producers and submit workers need them.")
    return Finding("keys", "ok", f"{len(keyring.ids)} payload keys, {keyring.active} is active")


def _tzdata() -> Finding:
    version = zones.IANA_VERSION
    released = datetime(int(version[:4]), 1, 1, tzinfo=UTC)
    old = datetime.now(UTC) - released > timedelta(days=365) + TZDATA_OLD
    advice = ": update the package tzdata, laws about time change at short notice" if old else ""
    return Finding("time zones", "warning" if old else "ok", f"tzdata {version}{advice}")


def _clock(store: Store) -> Finding:
    store.greet()
    skew = store.clock.skew()
    if any(shard.redis.exists(shard.keys.clock) for shard in store.shards):
        return Finding("clock", "trouble", "the store's clock was moved by a test: delete the key `clock`")
    if skew > store.policies.current.quiet.guard / 2:
        return Finding("clock", "trouble", f"this machine and the server differ by {skew.total_seconds():.1f} s")
    state = "warning" if skew > SKEW_WORTH_SAYING else "ok"
    return Finding("clock", state, f"{skew.total_seconds():.3f} s from the server's")


def _processes(store: Store) -> Iterator[Finding]:
    now = store.clock.now()
    seen: set[str] = set()
    beats: dict[bytes, bytes] = store.redis.hgetall(store.keys.beats)  # type: ignore[assignment]
    for raw, at in sorted(beats.items()):
        name = raw.decode()
        role, age = name.partition("@")[0], now - from_ms(int(at))
        if age > BEAT_GONE:
            store.redis.hdel(store.keys.beats, name)
        elif age > BEAT_LATE:
            yield Finding("process", "warning", f"{name}: no sign of life for {age.total_seconds():.0f} s")
        else:
            seen.add(role)
            yield Finding("process", "ok", name)
    for role in ("dispatch", "submit"):
        if role not in seen:
            yield Finding("process", "trouble", f"no {role} process is alive: start `python -m workers {role}`")


def _homes(store: Store) -> Iterator[Finding]:
    layout = store.policies.layout
    names = ["due", *(f"{kind}:{queue}" for queue in layout.queues for kind in ("ready", "out")), *layout.wires]
    sizes: Counter[str] = Counter()
    for shard in store.shards:
        sizes.update({name: int(shard.redis.zcard(shard.keys.home(name))) for name in (*names, *PARKS)})
    text = ", ".join(f"{name} {sizes[name]}" for name in names if sizes[name]) or "nothing is open"
    yield Finding("homes", "ok", text)
    for park in PARKS:
        if size := sizes[park]:
            yield Finding("homes", "warning", f"{park} {size}: waits until somebody acts (`smsqueue resume`)")
    for shard in store.shards:
        yield from _unread(shard, layout.queues)


def _unread(shard: Store, queues: Sequence[str]) -> Iterator[Finding]:
    """Find what waits in a queue that no process reads."""
    keys, redis = shard.keys, shard.redis
    known = {keys.ready(queue).encode() for queue in queues}
    for key in redis.scan_iter(match=f"{keys.prefix.replace('{', '[{]').replace('}', '[}]')}ready:*", count=1000):
        if key not in known:
            size = redis.zcard(key)
            yield Finding("homes", "trouble", f"{key.decode()} holds {size}, and no queue of the policy reads it")
