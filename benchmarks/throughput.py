"""Accept a campaign while nobody works, then start nothing new and count: messages per second, CPU per message."""

from __future__ import annotations

import resource
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from lab.system import System
from lab.waiting import wait_for
from smsqueue.core.message import Message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = "Your order has left our house and will be with you tomorrow between nine and twelve. Track it in the app. "
TEXT = (TEXT * 2)[:200]


class Throughput(NamedTuple):
    """One run's figures. CPU in µs per message."""

    messages_per_second: float
    send_many_per_second: float
    accept: float
    dispatch: float
    submit: float
    server: float
    broker: float
    simulator: float
    commands: float
    calls: float

    @property
    def ours(self) -> float:
        """CPU of all our processes."""
        return self.accept + self.dispatch + self.submit


def messages(count: int) -> Iterator[Message]:
    """Yield messages to distinct numbers of fiction, in several countries."""
    areas = ("202", "212", "305", "312", "415", "416", "604", "713", "808", "907")
    for n in range(count):
        to = f"+1{areas[n % 10]}55501{n // 10 % 70:02d}"  # 0100-0169: none of the stand-in's special numbers
        yield Message(to=to, text=TEXT, category="bulk")


def measure(
    directory: Path, *, count: int, dispatch: int = 2, submit: int = 2, latency_ms: float = 100, shards: int = 1
) -> Throughput:
    """Run once: the workers are up and idle, then `count` messages are accepted and flow through."""
    behaviour, nowhere = {"latency_ms": latency_ms}, "http://127.0.0.1:1"
    with System(directory, behaviour=behaviour, shards=shards, SMSQUEUE_PUBLIC_URL=nowhere) as system:
        workers = system.fleet.workers(dispatch=dispatch, submit=submit)
        source = messages(count + 1)
        system.client.send(next(source))
        redis = system.client.store.redis
        before = {p.name: p.cpu_seconds() for p in (*workers, *system.fleet.of("simulator"))}
        servers = [system.store_server.cpu_seconds(), system.broker_server.cpu_seconds()]
        stats = _calls(redis)
        cpu, begun = _own_cpu(), time.monotonic()
        system.client.send_many(source)
        accepted = time.monotonic()
        accept = _own_cpu() - cpu
        wait_for(lambda: system.counts()["taken"] >= count + 1, "all messages at the provider", within=300, every=0.05)
        store = system.client.store
        wires = [shard.keys.home(name) for shard in store.shards for name in store.policies.layout.wires]
        wait_for(lambda: not any(map(redis.zcard, wires)), "settling", within=60)
        ended = time.monotonic()
        after = _calls(redis)

        def spent(role: str) -> float:
            return sum(p.cpu_seconds() - before[p.name] for p in system.fleet.of(role)) * 1e6 / count

        return Throughput(
            messages_per_second=count / (ended - begun),
            send_many_per_second=count / (accepted - begun),
            accept=accept * 1e6 / count,
            dispatch=spent("dispatch"),
            submit=spent("submit"),
            server=(system.store_server.cpu_seconds() - servers[0]) * 1e6 / count,
            broker=(system.broker_server.cpu_seconds() - servers[1]) * 1e6 / count,
            simulator=spent("simulator"),
            commands=(after["all"] - stats["all"]) / count,
            calls=(after["scripts"] - stats["scripts"]) / count,
        )


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _calls(redis: Any) -> dict[str, int]:
    """Return commands, those inside scripts included, and calls of scripts: one round trip each."""
    stats = redis.info("commandstats")
    scripts = stats.get("cmdstat_evalsha", {}).get("calls", 0)
    return {"all": sum(entry["calls"] for entry in stats.values()), "scripts": scripts}
