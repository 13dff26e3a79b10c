"""Signs of life: each process writes one from the thread that does its work, and its counts with it."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from smsqueue.errors import SmsQueueError
from workers.tally import Tally

if TYPE_CHECKING:
    from smsqueue.store.store import Store

EVERY = 5.0  # s


class Beat:
    """One process's sign of life in the store: role, host and pid -> when it was last seen (ms)."""

    def __init__(self, store: Store, role: str) -> None:
        self.tally = Tally()
        self._store = store
        self._name = f"{role}@{socket.gethostname()}:{os.getpid()}"
        self._next = 0.0
        self._writing = threading.Lock()

    def beat(self) -> None:
        """Write it, and what was counted, in one call, if it is time again. Raises StoreUnavailable: counts wait."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        for shard in self._store.shards:
            shard.epoch.save()
        self._write(alive=True)

    def stop(self) -> None:
        """Take it back and leave the last counts: this process ends as asked. A store that is away is no reason."""
        with suppress(SmsQueueError):
            self._write(alive=False)

    def _write(self, *, alive: bool) -> None:
        with self._writing:
            news = self.tally.news()
            self._store.beat(self._name, alive=alive, counts=news)
            self.tally.written(news)
