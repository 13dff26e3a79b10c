"""The store, for commands that need no keys."""

from __future__ import annotations

import os

from smsqueue.inquiry import Inquiry
from smsqueue.store.connected import shard_count
from smsqueue.store.store import Store


def open_store() -> Store:
    """Connect to the server of SMSQUEUE_REDIS_URL. Raises Misconfigured when it is not set."""
    return Inquiry().store


def shards() -> int:
    """Return how many shards the store has. Raises Misconfigured when SMSQUEUE_SHARDS is no such number."""
    return shard_count(os.environ.get("SMSQUEUE_SHARDS", "1"))
