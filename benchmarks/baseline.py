"""Running the reference: the same messages, store, provider and number of processes."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from celery import Celery

from benchmarks.throughput import messages
from lab.system import System
from lab.waiting import wait_for
from smsqueue.client import Accepted

if TYPE_CHECKING:
    from pathlib import Path


class Baseline(NamedTuple):
    """The reference's figures. CPU in µs per message, of accepting and of all workers."""

    messages_per_second: float
    cpu_us_per_message: float
    concurrency: int


def measure(directory: Path, *, count: int, concurrency: int, latency_ms: float = 100) -> Baseline:
    """Run once: two processes with this many threads each."""
    with System(directory, behaviour={"latency_ms": latency_ms}, SMSQUEUE_PUBLIC_URL="http://127.0.0.1:1") as system:
        command = [
            sys.executable, "-m", "celery", "-A", "benchmarks.reference", "worker", "--pool=threads",
            f"--concurrency={concurrency}", "--loglevel=WARNING", "--without-gossip", "--without-mingle",
            "-Q", "reference",
        ]  # fmt: skip
        workers = [system.fleet.run("reference", [*command, f"--hostname=reference{n}@%h"]) for n in (1, 2)]
        for worker in workers:
            worker.wait_for_text("reference: ready")
        cpu = time.process_time()
        accepted = system.client.send_many(messages(count))
        # Taken from the store's homes, as nobody dispatches here.
        system.client.store.redis.delete(system.client.store.keys.ready("dispatch.promotional"))
        app = Celery("producer", broker=system.broker_server.url)
        app.conf.task_ignore_result = True
        before = sum(worker.cpu_seconds() for worker in workers)
        begun = time.monotonic()
        for result in accepted:
            if isinstance(result, Accepted):
                app.send_task("reference.submit", (result.id,), queue="reference")
        producer = time.process_time() - cpu
        wait_for(lambda: system.counts()["taken"] >= count, "the reference", within=300, every=0.05)
        took = time.monotonic() - begun
        spent = sum(worker.cpu_seconds() for worker in workers) - before + producer
        return Baseline(count / took, spent * 1e6 / count, concurrency)
