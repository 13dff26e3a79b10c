"""Bytes of the store's memory per held message with a 200-byte text, and per final one that is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.throughput import TEXT
from lab.servers import store_server
from lab.system import POLICY
from smsqueue import policy_file
from smsqueue.client import Accepted, Client
from smsqueue.core.message import Message
from smsqueue.keyring import Keyring

if TYPE_CHECKING:
    from pathlib import Path


class Memory(NamedTuple):
    """Bytes per message."""

    held: float
    held_with_key: float
    final: float


def measure(directory: Path, *, count: int = 20_000) -> Memory:
    """Hold messages without and with idempotency keys, then end them."""
    with store_server(directory) as server, Client(server.url, keyring=Keyring.generate()) as client:
        client.store.policies.publish(policy_file.document(POLICY))
        redis = client.store.redis
        at = datetime.now(UTC) + timedelta(hours=1)

        def held(prefix: str) -> list[Message]:
            return [
                Message(
                    to=f"+1202555{100 + n % 100:04d}",
                    text=TEXT,
                    category="bulk",
                    not_before=at,
                    idempotency_key=f"{prefix}{n}" if prefix else "",
                )
                for n in range(count)
            ]

        client.send_many(held("")[:10])
        empty = _used(redis)
        results = client.send_many(held(""))
        without = _used(redis)
        client.send_many(held("order "))
        with_key = _used(redis)
        before = _used(redis)
        client.cancel([result.id for result in results if isinstance(result, Accepted)])
        freed = before - _used(redis)
        each = (without - empty) / count
        return Memory(each, (with_key - without) / count, each - freed / count)


def _used(redis: Any) -> int:
    redis.execute_command("MEMORY", "PURGE")
    used: int = redis.info("memory")["used_memory_dataset"]
    return used
