"""After a restore: what was open may have been submitted since, so it is in doubt, and never submitted again."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from smsqueue.core.states import Reason
from smsqueue.store import pauses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smsqueue.store.store import Store

JUMP = 2**40
"""By so much the epoch rises: more than any process can have seen of the store that was lost."""
STEP = 200


def recover(
    store: Store, *, retention: timedelta = timedelta(days=3), shards: Sequence[Store] | None = None
) -> Counter[str]:
    """Deal with what was open, and let everybody go on; counts messages by what became of them.

    `doubt`: UNKNOWN, and watched for receipts; `expired`; `kept`: asleep until an instant that has not come, or
    at the provider. Safe to repeat. Nothing is submitted meanwhile: everything is paused. `shards`: those of the
    store's that were restored, if not all were.
    """
    return sum((_recover(shard, retention) for shard in shards or store.shards), Counter[str]())


def _recover(store: Store, retention: timedelta) -> Counter[str]:
    store.epoch.forget()
    store.greet()
    known_until = int(store.redis.hget(store.keys.meta, "at") or 0)
    ours = pauses.EVERYTHING not in pauses.listed(store)
    store.pause(pauses.EVERYTHING)
    counts: Counter[str] = Counter()
    ids = store.open_ids()
    while part := list(islice(ids, STEP)):
        counts.update(store.recover(part, retention=retention, known_until=known_until))
    store.leap(JUMP)
    if ours:
        store.unpause(pauses.EVERYTHING)
        store.release(f"park:{Reason.PAUSED}")  # accepted and looked at meanwhile
    return counts
