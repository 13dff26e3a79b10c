"""Hints: Celery messages that say which ids to look at. Losing one, or getting it twice, harms nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery.utils import uuid

from smsqueue.core import identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta

    from celery import Celery
    from kombu import Producer

    from smsqueue.store.store import Store

BATCH = 400
"""Ids per hint, two calls of a script: Celery costs 1-2 ms of CPU for each, whatever it carries. A lost hint delays no
more than these."""
IDS_MAX = 500


def checked(ids: object) -> list[str]:
    """Return the ids of a task's arguments. Raises ValueError, without showing them, for anything else."""
    if not isinstance(ids, list) or not 1 <= len(ids) <= IDS_MAX or not all(map(identity.is_id, ids)):
        raise ValueError("a task's argument is a list of 1 to 500 message ids")
    return ids


def by_shard(ids: Sequence[str], shards: int) -> Iterator[tuple[int, list[str]]]:
    """Yield ids with the number of the shard that keeps them. A hint of ours carries ids of one."""
    parts: dict[int, list[str]] = {}
    for id in ids:
        parts.setdefault(identity.shard_of(id, shards), []).append(id)
    yield from parts.items()


class Hints:
    """Tops up Celery queues from one shard's homes. Safe to share among threads."""

    def __init__(self, app: Celery, store: Store, *, lease: timedelta, lease_first: timedelta) -> None:
        self._app, self._store = app, store
        self._lease, self._lease_first = lease, lease_first

    def top_up(self, queue: str) -> int:
        """Hand out what a queue's window has room for; says how many ids. A failed publish is healed by the lease."""
        first = queue.endswith(f".{self._store.policies.current.first_lane}")
        lease = self._lease_first if first else self._lease
        alone, together = self._store.take(queue, lease=lease)
        if not alone and not together:
            return 0
        batches = [[id] for id in alone]
        batches += [together[at : at + BATCH] for at in range(0, len(together), BATCH)]
        with self._app.producer_pool.acquire(block=True, timeout=5) as producer:
            for batch in batches:
                self._publish(producer, queue, batch)
        return len(alone) + len(together)

    def _publish(self, producer: Producer, queue: str, ids: Sequence[str]) -> None:
        """Publish one hint, straight into its queue: an eighth of what `send_task` costs."""
        dispatch = queue.startswith("dispatch.")
        message = self._app.amqp.as_task_v2(
            uuid(),
            "smsqueue.dispatch" if dispatch else "smsqueue.submit",
            args=(ids,) if dispatch else (queue, ids),
            kwargs={},
            argsrepr=f"<{len(ids)} ids>",  # arguments never show, not even opaque ones
            kwargsrepr="{}",
            ignore_result=True,
        )
        producer.publish(
            message.body,
            headers=message.headers,
            exchange="",
            routing_key=queue,
            serializer="json",
            retry=False,  # the store is there to fall back on
            **message.properties,
        )


def queues_of(role: str, layout_queues: Sequence[str]) -> Iterator[str]:
    """Yield the queues that a process of this role reads."""
    return (queue for queue in layout_queues if queue.startswith(f"{role}."))
