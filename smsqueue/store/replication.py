"""Waiting for replicas: what is accepted or let onto the wire must survive the loss of the primary.

`WAIT` travels behind the script in one pipeline. Where too few answer, that is remembered for a moment, so that not
every batch waits for replicas that are away.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError, RedisError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

    from smsqueue.store.script import Script

REMEMBERED = 1.0
"""Seconds for which nobody waits again after too few replicas answered."""


@dataclass
class Replication:
    """How many replicas have to have a write, and how long (ms) they have for it. Safe to share among threads."""

    replicas: int = 0
    patience_ms: int = 100
    _missing_until: float = field(default=0.0, repr=False)

    @property
    def missing(self) -> bool:
        """Whether too few replicas answered a moment ago."""
        return time.monotonic() < self._missing_until

    def run(self, script: Script, redis: Redis, keys: Sequence[str], args: Sequence[Any]) -> tuple[list[Any], bool]:
        """Run a script; says whether enough replicas have what it wrote."""
        if not self.replicas:
            return script(redis, keys, args), True
        if self.missing:
            return script(redis, keys, args), False
        answer, copies = self._pipeline(script, redis, keys, args)
        if isinstance(answer, NoScriptError):
            redis.execute_command("SCRIPT LOAD", script.source)
            answer, copies = self._pipeline(script, redis, keys, args)
        if isinstance(answer, RedisError):
            raise answer
        enough = not isinstance(copies, Exception) and int(copies) >= self.replicas
        if not enough:
            self._missing_until = time.monotonic() + REMEMBERED
        return answer, enough

    def _pipeline(self, script: Script, redis: Redis, keys: Sequence[str], args: Sequence[Any]) -> list[Any]:
        with redis.pipeline(transaction=False) as pipe:
            pipe.execute_command("EVALSHA", script.sha, len(keys), *keys, *args)
            pipe.execute_command("WAIT", self.replicas, self.patience_ms)
            answers: list[Any] = pipe.execute(raise_on_error=False)
            return answers
