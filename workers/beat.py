"""Signs of life: each process writes one from the thread that does its work."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

from smsqueue.store.codec import to_ms

if TYPE_CHECKING:
    from smsqueue.store.store import Store

EVERY = 5.0  # s


class Beat:
    """One process's sign of life in the store: role, host and pid -> when it was last seen (ms)."""

    def __init__(self, store: Store, role: str) -> None:
        self._store = store
        self._name = f"{role}@{socket.gethostname()}:{os.getpid()}"
        self._next = 0.0

    def beat(self) -> None:
        """Write it, if it is time again."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        self._store.epoch.save()
        self._store.redis.hset(self._store.keys.beats, self._name, to_ms(self._store.clock.now()))

    def stop(self) -> None:
        """Take it back: this process ends as asked."""
        self._store.redis.hdel(self._store.keys.beats, self._name)
