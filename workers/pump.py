"""The pump: wakes what is due, takes back what was forgotten, and keeps the Celery queues short but never empty.

Every dispatch process runs one, as a step of its worker, so no single death stops the flow. Two pumps do no
harm: all moves happen inside scripts.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from celery import bootsteps

from smsqueue.privacy.log import EventName, event
from workers.door import Door
from workers.relook import Relook

if TYPE_CHECKING:
    from datetime import timedelta

    from redis.client import PubSub

    from smsqueue.store.store import Store
    from workers.beat import Beat
    from workers.hints import Hints

_log = logging.getLogger(__name__)

BUSY = 0.05
"""Seconds until the next tick while there is something to move."""
PATIENCE = 1.0
"""Seconds between tries while the store is away."""


class Pump:
    """A thread of its own. Whoever fills an empty home wakes it; else it ticks."""

    def __init__(self, store: Store, hints: Hints, beat: Beat, *, tick: timedelta) -> None:
        self._store = store
        self._hints = hints
        self._beat = beat
        self._door = Door(store)
        self._relook = Relook(store)
        self._tick = tick.total_seconds()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pump", daemon=True)

    def start(self) -> None:
        """Begin to pump."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """End after the present step."""
        self._stopping.set()

    def join(self, timeout: float) -> None:
        """Wait for the end, at most `timeout` seconds."""
        self._thread.join(timeout)

    def _run(self) -> None:
        failing = False
        while not self._stopping.is_set():
            try:
                with self._store.redis.pubsub(ignore_subscribe_messages=True) as news:
                    news.subscribe(self._store.keys.wake)
                    if failing:
                        event(_log, logging.WARNING, EventName.PUMP_RECOVERED)
                        failing = False
                    self._pump(news)
            except Exception as error:  # noqa: BLE001 - a pump that dies is an outage; a bug must show, not kill
                if not failing:
                    event(_log, logging.ERROR, EventName.PUMP_FAILED, error=error)
                failing = True
                self._stopping.wait(PATIENCE)
        self._beat.stop()

    def _pump(self, news: PubSub) -> None:
        while not self._stopping.is_set():
            busy = self.tick()
            self._beat.beat()
            self._door.look()
            self._relook.step()
            self._listen(news, BUSY if busy else self._tick)

    def tick(self) -> bool:
        """Move what is due and top up every queue that waits; says whether there may be more to do at once."""
        retention = max(category.retention for category in self._store.policies.current.categories.values())
        woken = self._store.wake(retention=retention)
        if woken.poisoned:
            event(_log, logging.ERROR, EventName.POISON_FAILED, count=woken.poisoned)
        moved = sum(self._hints.top_up(queue) for queue, waiting in woken.waiting.items() if waiting)
        return bool(woken.moves or moved)

    def _listen(self, news: PubSub, seconds: float) -> None:
        """Top up the queues that are named as no longer empty, until the next tick is due."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stopping.is_set():
            message = news.get_message(timeout=left)
            if message is not None and (queue := message["data"].decode()) in self._store.policies.layout.shares:
                self._hints.top_up(queue)


class PumpStep(bootsteps.StartStopStep):
    """Runs the pump as long as the worker lives; a step of the *consumer* would stop at each lost connection."""

    requires = ("celery.worker.components:Pool",)  # started after the pool, stopped before it
    pump: Pump

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)

    def start(self, worker: Any) -> None:
        """Start the thread."""
        self.pump.start()

    def close(self, worker: Any) -> None:
        """Warm shutdown, first step."""
        self.pump.ask_to_stop()

    def stop(self, worker: Any) -> None:
        """Warm shutdown, second step: whatever this waits for delays the pool, so it is bounded."""
        self.pump.join(5)

    def terminate(self, worker: Any) -> None:
        """Cold shutdown."""
        self.pump.ask_to_stop()
