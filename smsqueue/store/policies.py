"""The policy in force: published in the store under a version, read again when scripts show a newer one."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from smsqueue.core import policy as policies
from smsqueue.errors import Misconfigured, StoreUnavailable
from smsqueue.store.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redis import Redis

    from smsqueue.core.policy import Policy
    from smsqueue.store.keys import Keys

FORMAT = 1
"""How messages are written in the store. Another number: neither may touch the other's."""
SHARDS = 1
NO_POLICY = "No policy is published in this store. Run `smsqueue policy apply` first."


class Policies:
    """Hands out the policy in force. Safe to share among threads."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._lock = threading.Lock()
        self._current: tuple[Policy, Layout] | None = None

    @property
    def current(self) -> Policy:
        """Return the policy in force. Raises Misconfigured when none is published."""
        return self._known()[0]

    @property
    def layout(self) -> Layout:
        """Return the queues and homes of the policy in force."""
        return self._known()[1]

    def seen(self, version: int) -> None:
        """Take in the version that a script showed; a newer one is read before the next decision."""
        known = self._current
        if known is not None and known[0].version != version:
            self._current = None

    def publish(self, document: Mapping[str, Any]) -> int:
        """Put a validated document in force; returns its version. An equal one keeps its version."""
        policies.read(document)
        self._accept_format(self._redis.hmget(self._keys.meta, "format", "shards"))
        text = json.dumps(document, separators=(",", ":"))  # in its order: the first lane is the first
        held = self._redis.hget(self._keys.policy, "document")
        version = self._redis.hget(self._keys.policy, "version")
        if held == text.encode() and version is not None:
            return int(version)
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hsetnx(self._keys.meta, "format", FORMAT)
            pipe.hsetnx(self._keys.meta, "shards", SHARDS)
            pipe.hset(self._keys.policy, "document", text)
            pipe.hincrby(self._keys.policy, "version", 1)
            number = int(pipe.execute()[3])
        self._current = None
        return number

    def _known(self) -> tuple[Policy, Layout]:
        known = self._current
        if known is not None:
            return known
        with self._lock:
            if self._current is None:
                self._current = self._read()
            return self._current

    @staticmethod
    def _accept_format(meta: list[Any]) -> None:
        """Refuse a store that another version of smsqueue, or one with another shard count, has set up."""
        written, shards = (int(held or 0) for held in meta)
        if written not in {0, FORMAT}:
            raise Misconfigured(
                f"This store's format is {written}, this smsqueue writes {FORMAT}. "
                "Run the smsqueue that belongs to it, or let that one finish and use an empty store."
            )
        if shards not in {0, SHARDS}:
            raise Misconfigured(
                f"This store was set up with {shards} shards, this smsqueue is set up for {SHARDS}. "
                "The count is chosen once: use the store with the settings it was set up with, or an empty one."
            )

    def _read(self) -> tuple[Policy, Layout]:
        failed = ""
        meta: list[Any] = [None, None]
        answer: list[Any] = [None, None]
        try:
            meta = self._redis.hmget(self._keys.meta, "format", "shards")
            answer = self._redis.hmget(self._keys.policy, "document", "version")
        except RedisError as error:
            failed = type(error).__name__
        if failed:
            raise StoreUnavailable(f"The store did not answer ({failed}). Is the server of SMSQUEUE_REDIS_URL up?")
        document, version = answer
        if document is None or version is None:
            raise Misconfigured(NO_POLICY)
        self._accept_format(meta)
        policy = policies.read({**json.loads(document), "version": int(version)})
        return policy, Layout(policy, self._keys)
