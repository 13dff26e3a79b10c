"""Accepting alone: many at once, one at a time, and Celery's `apply_async` of an empty task on the same server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from celery import Celery

from benchmarks.throughput import messages
from lab.servers import store_server
from lab.system import POLICY
from smsqueue import policy_file
from smsqueue.client import Client
from smsqueue.keyring import Keyring

if TYPE_CHECKING:
    from pathlib import Path


class Sending(NamedTuple):
    """Calls per second."""

    send_many_per_second: float
    send_per_second: float
    celery_apply_async_per_second: float


def measure(directory: Path, *, many: int = 20_000, single: int = 3_000) -> Sending:
    """Run all three against one store server (append-only file, fsync always)."""
    with store_server(directory) as server, Client(server.url, keyring=Keyring.generate()) as client:
        client.store.policies.publish(policy_file.document(POLICY))
        source = list(messages(many))
        client.send_many(source[:500])
        begun = time.monotonic()
        client.send_many(source)
        in_bulk = many / (time.monotonic() - begun)
        begun = time.monotonic()
        for message in source[:single]:
            client.send(message)
        one_by_one = single / (time.monotonic() - begun)
        app = Celery("empty", broker=server.url)
        app.conf.task_ignore_result = True

        @app.task(name="empty")
        def empty() -> None:
            """Do nothing."""

        empty.apply_async()
        begun = time.monotonic()
        for _ in range(single):
            empty.apply_async()
        return Sending(in_bulk, one_by_one, single / (time.monotonic() - begun))
