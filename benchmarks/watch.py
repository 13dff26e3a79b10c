"""Looking on while a whole system works: what sleeps, what was submitted, what each process keeps in memory."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from lab.resident import Resident, resident
from lab.waiting import wait_for
from smsqueue.store import gauges
from smsqueue.store.codec import to_ms

if TYPE_CHECKING:
    from lab.system import System

EVERY = 0.25  # s


class Moment(NamedTuple):
    """What was seen at one instant of the monotonic clock."""

    at: float
    overdue: int  # still asleep though it should not be
    waiting: int  # in ready homes
    submitted: int


class Watch:
    """Looks at one system."""

    def __init__(self, system: System) -> None:
        self._system, self._store = system, system.client.store

    def moment(self) -> Moment:
        """Look once."""
        seen = gauges.look(self._store)
        overdue: Any = self._store.redis.zcount(self._store.keys.due, "-inf", to_ms(seen.now))
        return Moment(
            time.monotonic(),
            overdue,
            sum(size for name, size in seen.sizes.items() if name.startswith("ready:")),
            sum(n for field, n in seen.counters.items() if field.startswith("told|submitted|")),
        )

    def during(self, seconds: float, *, until_empty: bool = False) -> list[Moment]:
        """Look on for a while, on demand no longer than something waits."""
        seen = [self.moment()]

        def over() -> bool:
            seen.append(self.moment())
            return seen[-1].at - seen[0].at >= seconds or (until_empty and not seen[-1].overdue + seen[-1].waiting)

        wait_for(over, "the end of looking", within=seconds + 60, every=EVERY)
        return seen

    def codes_gone(self) -> None:
        """Wait until no one-time code is under way."""

        def gone() -> bool:
            sizes = gauges.look(self._store).sizes
            return not any(size for name, size in sizes.items() if name.endswith(".otp"))

        wait_for(gone, "the last code's submit")

    def used(self) -> int:
        """Bytes of data in the store."""
        self._store.redis.execute_command("MEMORY", "PURGE")
        used: int = self._store.redis.info("memory")["used_memory_dataset"]
        return used

    def weights(self) -> dict[str, Resident]:
        """Say how large each process is; of the same kind, the largest."""
        pids = {"store": self._system.store_server.pid, "broker": self._system.broker_server.pid}
        found = {name: resident(pid) for name, pid in pids.items()} | {"producer": resident(os.getpid())}
        for process in self._system.fleet.processes:
            name = process.name.partition(".")[0]
            found[name] = max(resident(process.pid), found.get(name, Resident(0, 0)))
        return found

    def command(self, *words: str) -> tuple[float, list[dict[str, Any]]]:
        """Run an operator's command; returns its seconds and its rows."""
        begun = time.monotonic()
        done = self._system.command(*words, "--json")
        return time.monotonic() - begun, [json.loads(line) for line in done.stdout.splitlines()]
