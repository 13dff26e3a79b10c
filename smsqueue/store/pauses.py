"""Pauses and withdrawn campaigns: one hash that dispatch and gate read inside their scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from smsqueue.core.states import Reason
from smsqueue.errors import InvalidMessage

if TYPE_CHECKING:
    from smsqueue.store.store import Store

EVERYTHING = "all:"
"""The scope of everything: to start after trouble with a look at the backlog first."""


def pause(store: Store, what: str, name: str) -> None:
    """Pause a scope. Raises InvalidMessage for a lane, category or provider that the policy does not know."""
    _known(store, what, name)
    store.pause(f"{what}:{name}")


def resume(store: Store, what: str, name: str) -> int:
    """End a pause, and let what is parked be decided again; says how many messages that are.

    Raises InvalidMessage when it is not paused and nothing waits for its provider.
    """
    _known(store, what, name)
    ended = store.unpause(f"{what}:{name}")
    released = store.release(f"park:{Reason.PAUSED}")
    if what == "provider":
        released += store.release(f"park:{Reason.ACCOUNT}") + store.release(f"park:{Reason.UNKNOWN_KEY}")
    if not ended and not released:
        raise InvalidMessage(what, "not_paused", f"{name or 'everything'} is not paused, and nothing waits for it")
    return released


def withdraw(store: Store, campaign: str) -> None:
    """Cancel a campaign: what is not yet at a provider ends when it is looked at, at the latest at the gate.

    Raises InvalidMessage for a campaign of which no message was accepted: most likely its name was mistyped.
    """
    if not any(_counts(shard, campaign) for shard in store.shards):
        raise InvalidMessage("campaign", "unknown", "no message of a campaign of this name was accepted")
    store.pause(f"withdrawn:{campaign}")
    store.release(f"park:{Reason.PAUSED}")


def listed(store: Store) -> dict[str, int]:
    """Return every pause and withdrawn campaign, with the instant it began (ms)."""
    found: dict[str, int] = {}
    for shard in store.shards:
        held: dict[bytes, bytes] = shard.redis.hgetall(shard.keys.pause)  # type: ignore[assignment]
        found |= {scope.decode(): int(since) for scope, since in held.items()}
    return found


def _counts(shard: Store, campaign: str) -> bool:
    """Whether a shard knows a campaign, or may: one that is away says nothing against it."""
    try:
        return bool(shard.redis.exists(shard.keys.counts(campaign)))
    except RedisError:
        return True


def _known(store: Store, what: str, name: str) -> None:
    policy = store.policies.current
    if (what == "all") is bool(name):
        raise InvalidMessage(what, "name", "`all` takes no name" if name else "say which one")
    known = {"lane": policy.lanes, "category": policy.categories, "provider": policy.providers}.get(what)
    if known is not None and name not in known:
        raise InvalidMessage(what, "unknown", f"the policy knows {', '.join(sorted(known))}")
