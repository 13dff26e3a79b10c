"""Settling: writing down what came of each call, many at a time, until it is written.

Whatever ends while one write is under way makes the next one.
An item holds no number and no text.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from smsqueue.core.settle import THROTTLE_LONGEST, Verdict, never_started, settle
from smsqueue.core.submission import SendResult, SendStatus
from smsqueue.errors import SmsQueueError
from smsqueue.privacy.log import EventName, event
from workers.carry_out import Decided, carry_out
from workers.health import Health

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from smsqueue.core.envelope import Envelope
    from smsqueue.store.store import Store

_log = logging.getLogger(__name__)

LINGER = 0.01
"""Seconds that an answer waits for others. It has reached the phone already, so nobody is waiting for it."""
PATIENCE = 0.5
"""Seconds between tries while the store is away."""
ROUNDS = 5
"""How often an answer is decided again because somebody was faster; each round somebody made progress."""


class Answered(NamedTuple):
    """One call's end. `result` is None when the call never started."""

    envelope: Envelope
    fence: str
    result: SendResult | None
    probe: bool = False


class Settler:
    """Collects answers about one shard's messages on the engine's loop, and writes them in batches."""

    def __init__(self, store: Store, executor: Executor, *, everywhere: Store | None = None) -> None:
        self._store = store
        self._everywhere = everywhere or store
        self.health = Health(store)
        self._executor = executor
        self._answers: list[Answered] = []
        self._written: list[Callable[[], None]] = []
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, answered: Answered, written: Callable[[], None] | None = None) -> None:
        """Take in an answer; on the loop. `written` is called when the store has it: until then it is in doubt."""
        self._answers.append(answered)
        if written is not None:
            self._written.append(written)
        self._idle.clear()
        self._news.set()

    async def drained(self) -> None:
        """Wait until every answer is written."""
        await self._idle.wait()

    async def run(self) -> None:
        """Write answers for ever."""
        loop = asyncio.get_running_loop()
        failing = False
        while True:
            await self._news.wait()
            await asyncio.sleep(LINGER)
            self._news.clear()
            batch, self._answers = self._answers, []
            written, self._written = self._written, []
            while batch:
                try:
                    batch = await loop.run_in_executor(self._executor, self._write, batch)
                    failing = False
                except SmsQueueError:
                    if not failing:
                        event(_log, logging.ERROR, EventName.STORE_UNAVAILABLE, count=len(batch))
                    failing = True
                    await asyncio.sleep(PATIENCE)
                except Exception as error:  # noqa: BLE001 - a bug with one answer must not stop the others
                    event(_log, logging.ERROR, EventName.ENGINE_FAILED, count=len(batch), error=error)
                    batch = await self._one_by_one(batch)
            for call in written:
                call()
            if not self._answers:
                self._idle.set()

    async def _one_by_one(self, batch: Sequence[Answered]) -> list[Answered]:
        """Write answers apart, and leave one that cannot be written to its lease; returns what is to be repeated."""
        repeat: list[Answered] = []
        for answered in batch:
            try:
                await asyncio.get_running_loop().run_in_executor(self._executor, self._write, [answered])
            except SmsQueueError:
                repeat.append(answered)
            except Exception as error:  # noqa: BLE001 - see above
                event(_log, logging.ERROR, EventName.ENGINE_FAILED, id=answered.envelope.id, error=error)
        if repeat:
            await asyncio.sleep(PATIENCE)
        return repeat

    def _write(self, batch: Sequence[Answered]) -> list[Answered]:
        """Write a batch; what somebody else moved meanwhile is decided again on what it is now."""
        ended = [(a.envelope.attempts[-1].provider, a.result.status) for a in batch if a.result is not None]
        for _ in range(ROUNDS):
            now = self._store.clock.now()
            decided = [Decided(a.envelope, *self._verdict(a)) for a in batch]
            self._throttle(batch)
            codes = carry_out(self._store, decided, now)
            lost = [a for a, code in zip(batch, codes, strict=True) if code == "lost"]
            if not lost:
                self.health.report(ended)
                return []
            fresh = self._store.load([a.envelope.id for a in lost])
            batch = [
                a._replace(envelope=loaded.envelope)
                for a, loaded in zip(lost, fresh, strict=True)
                if loaded.envelope is not None
            ]
        event(_log, logging.ERROR, EventName.SETTLE_LOST, count=len(batch))
        return []

    def _throttle(self, batch: Sequence[Answered]) -> None:
        """Tell everybody of a Retry-After: a provider that one process was asked to spare is spared by all."""
        waits: dict[str, timedelta] = {}
        for envelope, _, result, _ in batch:
            if result is not None and result.status is SendStatus.THROTTLED and result.retry_after:
                name = envelope.attempts[-1].provider
                waits[name] = max(waits.get(name, timedelta(0)), min(result.retry_after, THROTTLE_LONGEST))
        for name, wait in waits.items():
            self._everywhere.throttle(name, wait)

    def _verdict(self, answered: Answered) -> Verdict:
        envelope, fence, result, probe = answered
        policy, now = self._store.policies.current, self._store.clock.now()
        if result is None:
            return never_started(envelope, policy, fence, now)
        return settle(envelope, policy, fence, result, now, random.random(), probe=probe)  # noqa: S311 - spreads retries
