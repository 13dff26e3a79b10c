"""A shard that does not answer must not hold up those who have others to serve.

After a failure nobody asks for a moment, then one does, and the others go on being told at once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

if TYPE_CHECKING:
    from redis.exceptions import RedisError

SPARED, LONGEST = 0.5, 2.0
"""Seconds for which a shard that did not answer is not asked: doubled each time, up to the second."""
ASKING = 5.0
"""Seconds that the one who asks again may take before another does: a call's time-out."""


class Away:
    """Whether one shard is away. Safe to share among threads: two that ask at once do no harm."""

    def __init__(self) -> None:
        self._until = 0.0
        self._spared = SPARED

    def spared(self) -> bool:
        """Whether the caller should not ask now."""
        if not self._until:
            return False
        now = time.monotonic()
        if now < self._until:
            return True
        self._until = now + ASKING
        return False

    def ended(self, error: RedisError | None = None) -> None:
        """Note how a call ended: whoever says that something is wrong is there."""
        if error is None or isinstance(error, ResponseError):
            self._until, self._spared = 0.0, SPARED
        else:
            self._until = time.monotonic() + self._spared
            self._spared = min(2 * self._spared, LONGEST)
