"""The store, for commands that need no keys."""

from __future__ import annotations

import os

from smsqueue.errors import Misconfigured
from smsqueue.store.connected import connected, shard_count
from smsqueue.store.store import Store


def open_store() -> Store:
    """Connect to the server of SMSQUEUE_REDIS_URL. Raises Misconfigured when it is not set."""
    url = os.environ.get("SMSQUEUE_REDIS_URL", "")
    if not url:
        raise Misconfigured("SMSQUEUE_REDIS_URL is not set: the address of the store's server.")
    return connected(url, role="cli", shards=shards())


def shards() -> int:
    """Return how many shards the store has. Raises Misconfigured when SMSQUEUE_SHARDS is no such number."""
    return shard_count(os.environ.get("SMSQUEUE_SHARDS", "1"))
