"""The pump: wakes what is due, takes back what was forgotten, and keeps the Celery queues short but never empty.

Every dispatch process runs one for each shard, as a step of its worker, so no single death stops the flow. Two pumps
do no harm: all moves happen inside scripts. A thread per shard: one that is away makes a call wait for its time-out,
and no bound on calls would keep that from the shards behind it.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar

from celery import bootsteps

from smsqueue.privacy.log import EventName, event
from workers.door import Door
from workers.ear import Ear
from workers.looks import relook, reroute

if TYPE_CHECKING:
    from datetime import timedelta

    from smsqueue.store.store import Store
    from workers.beat import Beat
    from workers.hints import Hints

_log = logging.getLogger(__name__)

BUSY = 0.05
"""Seconds until the next tick while there is something to move."""
PATIENCE = 1.0
"""Seconds between tries while the store is away."""


class Pump:
    """One shard's pump: a thread of its own that ticks, and an ear for whoever fills an empty home."""

    def __init__(self, store: Store, hints: Hints, beat: Beat | None, *, tick: timedelta) -> None:
        self._store = store
        self._hints = hints
        self._beat = beat
        self._door = Door(store)
        self._looks = (relook(store), reroute(store))
        self._ear = Ear(store, hints)
        self._tick = tick.total_seconds()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pump.{store.shard}", daemon=True)

    def start(self) -> None:
        """Begin to pump."""
        self._thread.start()
        self._ear.start()

    def ask_to_stop(self) -> None:
        """End after the present step."""
        self._stopping.set()
        self._ear.ask_to_stop()

    def join(self, timeout: float) -> None:
        """Wait for the end, at most `timeout` seconds."""
        self._thread.join(timeout)
        self._ear.join(timeout)

    def _run(self) -> None:
        failing = False
        while not self._stopping.is_set():
            try:
                busy = self._step()
            except Exception as error:  # noqa: BLE001 - a pump that dies is an outage; a bug must show, not kill
                if not failing:
                    event(_log, logging.ERROR, EventName.PUMP_FAILED, error=error)
                failing = True
                self._stopping.wait(PATIENCE)
                continue
            if failing:
                event(_log, logging.WARNING, EventName.PUMP_RECOVERED)
                failing = False
            self._stopping.wait(BUSY if busy else self._tick)
        if self._beat is not None:
            self._beat.stop()

    def _step(self) -> bool:
        busy = self.tick()
        if self._beat is not None:
            self._beat.beat()
        self._door.look()
        for look in self._looks:
            look.step()
        return busy

    def tick(self) -> bool:
        """Move what is due and top up every queue that waits; says whether there may be more to do at once."""
        woken = self._store.wake(retention=self._store.policies.current.retention)
        if woken.poisoned:
            event(_log, logging.ERROR, EventName.POISON_FAILED, count=woken.poisoned)
        moved = sum(self._hints.top_up(queue) for queue, waiting in woken.waiting.items() if waiting)
        return bool(woken.moves or moved)


class PumpStep(bootsteps.StartStopStep):
    """Runs the pumps as long as the worker lives; a step of the *consumer* would stop at each lost connection."""

    requires = ("celery.worker.components:Pool",)  # started after the pool, stopped before it
    pumps: ClassVar[list[Pump]] = []

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)

    def start(self, worker: Any) -> None:
        """Start the threads."""
        for pump in self.pumps:
            pump.start()

    def close(self, worker: Any) -> None:
        """Warm shutdown, first step."""
        for pump in self.pumps:
            pump.ask_to_stop()

    def stop(self, worker: Any) -> None:
        """Warm shutdown, second step: whatever this waits for delays the pool, so it is bounded."""
        until = time.monotonic() + 5
        for pump in self.pumps:
            pump.join(max(until - time.monotonic(), 0))

    def terminate(self, worker: Any) -> None:
        """Cold shutdown."""
        for pump in self.pumps:
            pump.ask_to_stop()
