"""The policy in force: published in the store under a version, read again when scripts show a newer one."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import RedisError, WatchError

from smsqueue.core import policy as policies
from smsqueue.errors import Misconfigured, StoreUnavailable
from smsqueue.store.layout import Layout, demand_room

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redis import Redis

    from smsqueue.core.policy import Policy
    from smsqueue.store.keys import Keys

FORMAT = 1
"""How messages are written in the store. Another number: neither may touch the other's."""
NO_POLICY = "No policy is published in this store. Run `smsqueue policy apply` first."


class Published(NamedTuple):
    """What a shard holds: nothing is version 0."""

    version: int
    text: bytes


class Policies:
    """Hands out the policy in force, as one shard holds it. Safe to share among threads."""

    def __init__(self, redis: Redis, keys: Keys, *, shard: int = 0, of: int = 1) -> None:
        self._redis = redis
        self._keys = keys
        self._shard, self._of = shard, of
        self._lock = threading.Lock()
        self._current: tuple[Policy, Layout] | None = None

    @property
    def current(self) -> Policy:
        """Return the policy in force. Raises Misconfigured when none is published."""
        return self.known()[0]

    @property
    def layout(self) -> Layout:
        """Return the queues and homes of the policy in force."""
        return self.known()[1]

    @property
    def in_hand(self) -> tuple[Policy, Layout] | None:
        """What was read and is not known to have changed."""
        return self._current

    def seen(self, version: int) -> None:
        """Take in the version that a script showed; a newer one is read before the next decision."""
        known = self._current
        if known is not None and known[0].version != version:
            self._current = None

    def publish(self, document: Mapping[str, Any]) -> int:
        """Put a validated document in force; returns its version. An equal one keeps its version."""
        return publish(document, (self,))

    def published(self) -> Published:
        """Read what is published here. Raises Misconfigured for a store that was set up otherwise."""
        meta: list[Any] = [None, None]
        held: list[Any] = [None, None]
        failed = ""
        try:
            meta = self._redis.hmget(self._keys.meta, "format", "shards")
            held = self._redis.hmget(self._keys.policy, "version", "document")
        except RedisError as error:
            failed = type(error).__name__
        if failed:
            raise StoreUnavailable(f"The store did not answer ({failed}). Is the server of SMSQUEUE_REDIS_URL up?")
        self._accept_format(meta)
        version, text = held
        return Published(int(version or 0), text or b"")

    def put(self, text: str, version: int) -> bool:
        """Write a policy unless one as new is there; says whether it was written. Raises RedisError."""
        while True:
            try:
                return self._put(text, version)
            except WatchError:  # somebody else published meanwhile: is that one newer?
                continue

    def _put(self, text: str, version: int) -> bool:
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.watch(self._keys.policy)
            held: Any = pipe.hget(self._keys.policy, "version")
            if int(held or 0) >= version:
                return False
            pipe.multi()
            pipe.hsetnx(self._keys.meta, "format", FORMAT)
            pipe.hsetnx(self._keys.meta, "shards", self._of)
            pipe.hset(self._keys.policy, mapping={"document": text, "version": version})
            pipe.execute()
        self._current = None
        return True

    def known(self) -> tuple[Policy, Layout]:
        """Return the policy in force and its layout; reads them if they are not in hand."""
        known = self._current
        if known is not None:
            return known
        with self._lock:
            if self._current is None:
                self._current = self._read()
            return self._current

    def _accept_format(self, meta: list[Any]) -> None:
        """Refuse a store that another version of smsqueue, or one with another shard count, has set up."""
        written, shards = (int(held or 0) for held in meta)
        if written not in {0, FORMAT}:
            raise Misconfigured(
                f"This store's format is {written}, this smsqueue writes {FORMAT}. "
                "Run the smsqueue that belongs to it, or let that one finish and use an empty store."
            )
        if shards not in {0, self._of}:
            raise Misconfigured(
                f"This store was set up with {shards} shards, this smsqueue is set up for {self._of}. "
                "The count is chosen once: use the store with the settings it was set up with, or an empty one."
            )

    def _read(self) -> tuple[Policy, Layout]:
        version, text = self.published()
        if not version:
            raise Misconfigured(NO_POLICY)
        policy = policies.read({**json.loads(text), "version": version})
        return policy, Layout(policy, self._keys, shard=self._shard, of=self._of)


def publish(document: Mapping[str, Any], shards: tuple[Policies, ...]) -> int:
    """Put a document in force on all shards under one version; the first shard says who of two comes first.

    All of them are asked before anything is written. One that is lost in between keeps the older version, which
    `doctor` shows, and which publishing again mends.
    """
    demand_room(policies.read(document), len(shards))
    text = json.dumps(document, separators=(",", ":"))  # in its order: the first lane is the first
    failed = ""
    try:
        while True:
            held = [shard.published() for shard in shards]
            if len(set(held)) == 1 and held[0].text == text.encode():
                return held[0].version
            version = max(one.version for one in held) + 1
            if shards[0].put(text, version):
                break
        for shard in shards[1:]:
            shard.put(text, version)
    except RedisError as error:
        failed = type(error).__name__
    if failed:
        raise StoreUnavailable(
            f"The store did not take the policy on all shards ({failed}). Is it up? Then apply the policy again."
        )
    return version
