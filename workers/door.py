"""The door: while the store's memory is short, lanes are closed to new messages, the least urgent first.

What was accepted goes on: take, gate and apply may run past the limit, and each submit frees a payload.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smsqueue.store.store import Store

EVERY = 2.0  # s
FIRST_CLOSES_AT, STEP = 0.9, 0.1
"""The first lane closes at 90 % of maxmemory, each later one a tenth earlier, the last at 70 % or above half."""
LIFETIME = timedelta(seconds=30)
"""A closed door opens by itself if no pump is left to open it."""


def closed_lanes(lanes: Sequence[str], used: int, limit: int) -> list[str]:
    """Say which lanes are closed; `limit` 0: the server has none."""
    if limit <= 0:
        return []
    return [lane for place, lane in enumerate(lanes) if used / limit >= max(FIRST_CLOSES_AT - STEP * place, 0.5)]


class Door:
    """Looks at the server's memory and opens or closes lanes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._next = 0.0

    def look(self) -> None:
        """Look, if it is time again."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        redis = self._store.redis
        memory = redis.info("memory")
        lanes = list(self._store.policies.current.lanes)
        closed = closed_lanes(lanes, int(memory["used_memory"]), int(memory.get("maxmemory", 0)))
        if closed or redis.exists(self._store.keys.door):
            self._store.close_door(closed, lasts=LIFETIME)
