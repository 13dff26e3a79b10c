"""Connecting to a store: of one shard or several, on whatever servers its address names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smsqueue.core.identity import BUCKETS
from smsqueue.errors import Misconfigured, StoreUnavailable
from smsqueue.store.epoch import Epoch
from smsqueue.store.server import Found, connect_each, examine
from smsqueue.store.shards import Shards
from smsqueue.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from redis import Redis


def connected(
    url: str,
    *,
    role: str,
    timeout: float = 5.0,
    shards: int = 1,
    replicas: int = 0,
    state_dir: Path | None = None,
) -> Store:
    """Make a store of so many shards; it opens connections when used. Raises Misconfigured for a bad address."""
    clients = connect_each(url, role=role, shards=shards, timeout=timeout)
    once = connect_each(url, role=role, shards=shards, timeout=timeout, repeats=0)
    stores = [
        Store(clients[shard], once[shard], shard=shard, of=shards, epoch=Epoch(state_dir, shard), replicas=replicas)
        for shard in range(shards)
    ]
    return stores[0] if shards == 1 else Shards(stores)


def examine_all(store: Store, shards: Sequence[Store]) -> tuple[list[Found], tuple[Store, ...]]:
    """Look at the servers of some of the store's shards; says what they are, and which shards do not answer.

    Raises Misconfigured for a server that would lose messages, StoreUnavailable when no shard of the store answers.
    """
    found: dict[Redis, Found | StoreUnavailable] = {}
    for redis in dict.fromkeys(shard.redis for shard in shards):
        try:
            found[redis] = examine(redis).demand()
        except StoreUnavailable as error:
            found[redis] = error
    away = tuple(shard for shard in shards if isinstance(found[shard.redis], StoreUnavailable))
    if away == store.shards:
        raise StoreUnavailable(str(found[away[0].redis]))
    return [one for one in found.values() if isinstance(one, Found)], away


def shard_count(given: str) -> int:
    """Read SMSQUEUE_SHARDS. Raises Misconfigured when it is no number of shards."""
    if given.isdecimal() and 1 <= int(given) <= BUCKETS:
        return int(given)
    raise Misconfigured("SMSQUEUE_SHARDS is how many shards the store was set up with: 1, 2, 3 ... 256.")
