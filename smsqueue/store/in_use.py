"""What a policy may not drop: names that open messages still need."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from smsqueue.errors import InvalidPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from smsqueue.core.policy import Policy
    from smsqueue.store.store import Store

STEP = 500


def check(store: Store, fresh: Policy) -> None:
    """Compare a new policy with the one in force. Raises InvalidPolicy naming what is still needed.

    A lane or provider that goes takes its queues with it: what waits there would be read by nobody. A category that
    goes would leave its messages to the strictest treatment, which nobody chose for them.
    """
    mistakes = [*_queues(store, fresh), *_categories(store, fresh)]
    if mistakes:
        raise InvalidPolicy("; ".join(mistakes))


def _queues(store: Store, fresh: Policy) -> Iterator[str]:
    policy = store.policies.current
    dropped = {"lanes": policy.lanes.keys() - fresh.lanes, "providers": policy.providers.keys() - fresh.providers}
    for kind, names in dropped.items():
        for name in sorted(names):
            queues = [queue for queue in store.policies.layout.queues if name in queue.split(".")[1:]]
            wires = [wire for wire in store.policies.layout.wires if name in wire.removeprefix("wire:").split(".")]
            if count := sum(_size(shard, queues, wires) for shard in store.shards):
                yield f"{kind}.{name}: {count} messages wait in its queues; pause it and let them end, then drop it"


def _size(shard: Store, queues: Sequence[str], wires: Sequence[str]) -> int:
    keys = shard.keys
    homes = [*map(keys.ready, queues), *map(keys.out, queues), *map(keys.home, wires)]
    return sum(int(shard.redis.zcard(home)) for home in homes)


def _categories(store: Store, fresh: Policy) -> Iterator[str]:
    dropped = store.policies.current.categories.keys() - fresh.categories
    if not dropped:
        return
    counts: Counter[str] = Counter()
    for shard in store.shards:
        ids = shard.open_ids()
        while part := list(islice(ids, STEP)):
            with shard.redis.pipeline(transaction=False) as pipe:
                for id in part:
                    pipe.hget(shard.keys.envelope(id), "c")
                counts.update(category.decode() for category in pipe.execute() if category is not None)
    for name in sorted(dropped):
        if counts[name]:
            yield f"categories.{name}: {counts[name]} messages are open; keep it until they have ended"
