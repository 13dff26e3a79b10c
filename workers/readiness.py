"""Whether messages can go out: what `/readyz` answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from smsqueue.errors import Misconfigured, SmsQueueError, StoreBehind
from smsqueue.store import gauges

if TYPE_CHECKING:
    from smsqueue.store.store import Store

SILENT = timedelta(seconds=20)
"""A process that has not been seen for so long does not count as alive: four signs of life."""
NEEDED = ("dispatch", "submit")


def _wrong_with(shard: Store) -> str:
    """Name what is wrong with one shard, or nothing."""
    try:
        shard.greet()
        shard.policies.current  # noqa: B018 - is one published?
    except Misconfigured:
        return "policy"
    except StoreBehind:
        return "recovery"
    except SmsQueueError:
        return "store"
    return ""


def missing(store: Store) -> list[str]:
    """Name what is missing: `store`, `recovery` (it has forgotten something), `policy`, in any shard; or roles."""
    wrong = sorted(filter(None, {_wrong_with(shard) for shard in store.shards}))
    if wrong:
        return wrong
    try:
        seen = gauges.beats(store)
    except SmsQueueError:
        return ["store"]
    return [role for role in NEEDED if not any(age < SILENT for age in seen.get(role, ()))]
