"""The submit engine: one event loop per process, on a thread of its own, beside Celery's.

A Celery thread hands its ids over and is free again: if it waited for its batch, single messages for a
provider that hangs would use up all threads, and another provider's one-time codes would wait behind them.
What the engine holds is bounded by the providers' windows.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from celery import bootsteps

from smsqueue.core.change import provider_of
from smsqueue.errors import SmsQueueError
from smsqueue.privacy import log
from smsqueue.privacy.log import EventName, event
from workers import adapters
from workers.beat import EVERY, Beat
from workers.hints import by_shard
from workers.settler import Settler
from workers.submit import Submit
from workers.tally import Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.settings import Settings
    from smsqueue.store.store import Store
    from workers.opening import Opener
    from workers.providers.protocol import Provider

_log = logging.getLogger(__name__)

STORE_THREADS = 4
"""Store calls under way per shard: gate, settle and load of a few chunks share the server's fsyncs."""


class Engine:
    """Started once per process, never at import. `hand_over` may be called from any thread."""

    def __init__(self, store: Store, opener: Opener, settings: Settings, *, max_skew: timedelta | None) -> None:
        self._store, self._opener, self._settings, self._max_skew = store, opener, settings, max_skew
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="engine", daemon=True)
        self._ready = threading.Event()
        self._submits: list[dict[str, Submit]] = []  # by shard, then by provider
        self._providers: dict[str, Provider] = {}
        self._finished = threading.Event()
        self._stop = asyncio.Event()

    @property
    def patience(self) -> float:
        """Seconds that stopping may take: a call, its settle, and some."""
        return (self._settings.call_limit + self._settings.settle_limit + timedelta(seconds=5)).total_seconds()

    def start(self) -> None:
        """Start the loop and wait until it takes work."""
        self._thread.start()
        self._ready.wait()

    def hand_over(self, queue: str, ids: Sequence[str]) -> None:
        """Take responsibility for looking at these ids. What has no adapter here is left to its lease."""
        provider = provider_of(queue)
        for shard, own in by_shard(ids, len(self._submits)):
            submit = self._submits[shard].get(provider)
            if submit is not None:
                self._loop.call_soon_threadsafe(submit.arrived, queue, own)

    def ask_to_stop(self) -> None:
        """Start no more calls; give back what did not pass the gate."""
        self._loop.call_soon_threadsafe(self._stop.set)

    def join(self) -> None:
        """Wait until every call is settled."""
        self._finished.wait(self.patience)

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(log.asyncio_handler)
        self._loop.run_until_complete(self._run())

    async def _run(self) -> None:
        settings = self._settings
        beat = Beat(self._store, "submit")
        for name, provider in self._store.policies.current.providers.items():
            self._providers[name] = Measured(adapters.make(provider.kind, settings), beat.tally.calls(name))
        with ExitStack() as threads:
            settlers: list[Settler] = []
            for shard in self._store.shards:
                executor = threads.enter_context(ThreadPoolExecutor(STORE_THREADS, f"store.{shard.shard}"))
                settlers.append(Settler(shard, executor, everywhere=self._store))
                self._submits.append(self._submits_of(shard, settlers[-1], executor))
            submits = [submit for own in self._submits for submit in own.values()]
            tasks = [asyncio.create_task(submit.run()) for submit in submits]
            tasks += [asyncio.create_task(settler.run()) for settler in settlers]
            executor = threads.enter_context(ThreadPoolExecutor(1, "beat"))
            beating = asyncio.create_task(self._beat(executor, beat, tuple(tasks)))
            self._ready.set()
            await self._stop.wait()
            await asyncio.gather(*(submit.stop() for submit in submits))
            await asyncio.gather(*(settler.drained() for settler in settlers))
            for task in (*tasks, beating):
                task.cancel()
            await asyncio.gather(*tasks, beating, return_exceptions=True)
            await asyncio.get_running_loop().run_in_executor(executor, beat.stop)
            for provider_ in self._providers.values():
                await provider_.close()
        self._finished.set()

    def _submits_of(self, shard: Store, settler: Settler, executor: ThreadPoolExecutor) -> dict[str, Submit]:
        """Make what submits one shard's messages, a loop per provider: a shard that is away stops only its own."""
        settings, of = self._settings, len(self._store.shards)
        return {
            name: Submit(
                name,
                provider,
                store=shard,
                opener=self._opener,
                settler=settler,
                executor=executor,
                slots=max(settings.slots // of, 1),
                call_limit=settings.call_limit,
                lease=settings.call_limit + settings.settle_limit,
                max_skew=self._max_skew,
            )
            for name, provider in self._providers.items()
        }

    async def _beat(self, executor: ThreadPoolExecutor, beat: Beat, work: Sequence[asyncio.Task[None]]) -> None:
        """Write signs of life from the loop that does the work, as long as all of the work goes on."""
        while self._stop.is_set() or not any(task.done() for task in work):
            try:
                await asyncio.get_running_loop().run_in_executor(executor, beat.beat)
            except Exception as error:  # noqa: BLE001 - the store is away: the settler says so too
                if not isinstance(error, SmsQueueError):
                    event(_log, logging.WARNING, EventName.STORE_UNAVAILABLE, error=error)
            await asyncio.sleep(EVERY)
        event(_log, logging.CRITICAL, EventName.ENGINE_FAILED)  # and silence: whoever watches sees it


class EngineStep(bootsteps.StartStopStep):
    """Runs the engine as long as the worker lives."""

    requires = ("celery.worker.components:Pool",)
    engine: Engine

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)

    def start(self, worker: Any) -> None:
        """Start the loop, once per process, when the worker does."""
        self.engine.start()

    def close(self, worker: Any) -> None:
        """Warm shutdown, first step: nothing passes the gate any more."""
        self.engine.ask_to_stop()

    def stop(self, worker: Any) -> None:
        """Warm shutdown, second step: calls under way end and are settled."""
        self.engine.join()

    def terminate(self, worker: Any) -> None:
        """Cold shutdown: the same, since a call under way cannot be called back."""
        self.engine.ask_to_stop()
        self.engine.join()
