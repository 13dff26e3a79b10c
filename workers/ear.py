"""The ear: hears which queue is no longer empty and tops it up at once.

It has a thread of its own beside the pump's, because a tick that moves a large backlog takes long, and a one-time code
is not to wait for it.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from smsqueue.privacy.log import EventName, event

if TYPE_CHECKING:
    from redis.client import PubSub

    from smsqueue.store.store import Store
    from workers.hints import Hints

_log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds between tries while the store is away: the pump's ticks go on as soon as it is back."""
LISTEN = 0.25
"""Seconds after which it looks whether it is to stop."""


class Ear:
    """Listens as long as its pump lives. What it misses, the next tick finds."""

    def __init__(self, store: Store, hints: Hints) -> None:
        self._store = store
        self._hints = hints
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ear", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """End after the present queue."""
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
                    failing = False
                    self._listen(news)
            except Exception as error:  # noqa: BLE001 - a deaf pump is slow, and a bug must show
                if not failing:
                    event(_log, logging.WARNING, EventName.PUMP_FAILED, error=error)
                failing = True
                self._stopping.wait(PATIENCE)

    def _listen(self, news: PubSub) -> None:
        while not self._stopping.is_set():
            message = news.get_message(timeout=LISTEN)
            if message is not None and (queue := message["data"].decode()) in self._store.policies.layout.shares:
                self._hints.top_up(queue)
