"""Submitting to one provider: as many as there are free slots are opened, decided again, gated and called.

* The gate takes no more ids than there are free slots, and the call starts at once after it.
* A call starts only while its lease is longer than the call may take, by the monotonic clock: a process that
  was frozen after the gate does not send when it thaws.
* What is in doubt after a kill is what had passed the gate, and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from smsqueue.core.envelope import Attempt
from smsqueue.core.states import State
from smsqueue.core.submission import SendResult, SendStatus
from smsqueue.errors import SmsQueueError
from smsqueue.privacy.log import EventName, event
from smsqueue.store.keys import wire_of
from smsqueue.store.store import PASSED, Passage
from workers.carry_out import Decided, carry_out
from workers.last_look import LastLook
from workers.settler import Answered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor
    from datetime import datetime, timedelta

    from smsqueue.core.envelope import Envelope
    from smsqueue.core.payload import Payload
    from smsqueue.store.store import Loaded, Store
    from workers.last_look import Prepared
    from workers.opening import Opener
    from workers.providers.protocol import Provider
    from workers.settler import Settler

T = TypeVar("T")

_log = logging.getLogger(__name__)

CHUNK = 200
"""Messages gated together: enough to share the scripts' cost, few enough that the first call starts at once."""
RESERVE = 0.1
"""The part of the slots that only the first lane may use."""
_HEARD_BAD = frozenset({"watch", "probe", "ailing", "alone"})
"""What the gate says when the store may have heard bad of the provider; of `alone` one cannot tell."""
PATIENCE = 0.5
"""Seconds to wait when the store is away; the leases of what is in hand go on running."""


class Submit:
    """One provider's calls in this process. Lives on the engine's loop."""

    def __init__(
        self,
        name: str,
        provider: Provider,
        *,
        store: Store,
        opener: Opener,
        settler: Settler,
        executor: Executor,
        slots: int,
        call_limit: timedelta,
        lease: timedelta,
        max_skew: timedelta | None,
    ) -> None:
        self._name, self._provider = name, provider
        self._store, self._opener, self._settler, self._executor = store, opener, settler, executor
        self._last_look = LastLook(name, store, opener, max_skew=max_skew, patience=2 * lease)
        self._free, self._reserve = slots, int(slots * RESERVE)
        self._call_limit, self._lease = call_limit.total_seconds(), lease
        self._chosen = 0  # ids on their way to the gate: each may want a slot
        self._waiting: dict[str, deque[str]] = {}
        self._news = {True: asyncio.Event(), False: asyncio.Event()}  # for the first lane, for the others
        self._calls: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._quiet = asyncio.Event()

    def arrived(self, queue: str, ids: Sequence[str]) -> None:
        """Take in a hint; on the loop."""
        self._waiting.setdefault(queue, deque()).extend(ids)
        self._tell()

    async def run(self) -> None:
        """Start calls for ever: a one-time code does not wait until a campaign's chunk has passed the gate."""
        await asyncio.gather(self._serve(first=True), self._serve(first=False))
        self._quiet.set()

    async def _serve(self, *, first: bool) -> None:
        """Start calls of the first lane, or of the others, whenever there is something to send and a slot for it."""
        while not self._stopping:
            await self._news[first].wait()
            self._news[first].clear()
            while not self._stopping and (next_ := await self._next_guarded(first=first)) is not None:
                queue, ids = next_
                if first:
                    self._store.courtesy.make_way()
                self._chosen += len(ids)
                await self._start_guarded(queue, ids)
                self._chosen -= len(ids)
                self._tell()  # those that did not start leave their slots to the other lanes

    def _tell(self) -> None:
        for news in self._news.values():
            news.set()

    async def stop(self) -> None:
        """Start nothing more, give back what did not pass the gate, wait for the calls under way."""
        self._stopping = True
        self._tell()
        await self._quiet.wait()
        for queue, ids in self._waiting.items():
            if ids:
                await self._in_thread(self._store.give_back, queue, list(ids))
        self._waiting.clear()
        if self._calls:
            await asyncio.wait(self._calls)

    async def _next_guarded(self, *, first: bool) -> tuple[str, list[str]] | None:
        """Choose; a new policy may have to be read for it, from a store that is away."""
        while not self._stopping:
            try:
                return self._next(first=first)
            except SmsQueueError:
                await asyncio.sleep(PATIENCE)
        return None

    def _next(self, *, first: bool) -> tuple[str, list[str]] | None:
        """Choose a queue and ids that fit into the free slots: of the first lane, or of the others in turn."""
        lane = self._store.policies.current.first_lane
        free = self._free - self._chosen - (0 if first else self._reserve)
        for queue, ids in self._waiting.items():
            if not ids or free <= 0 or queue.endswith(f".{lane}") is not first:
                continue
            taken = [ids.popleft() for _ in range(min(len(ids), free, self._store.courtesy.most(CHUNK)))]
            taken = list(dict.fromkeys(taken))  # what waited here beyond its lease was handed out again
            self._waiting[queue] = self._waiting.pop(queue)  # to the end: the others' turn
            return queue, taken
        return None

    async def _start_guarded(self, queue: str, ids: Sequence[str]) -> None:
        try:
            await self._start(queue, ids)
        except SmsQueueError:
            event(_log, logging.ERROR, EventName.STORE_UNAVAILABLE, count=len(ids))
            await asyncio.sleep(PATIENCE)  # before the gate nothing is lost: the lease brings the ids back
        except Exception as error:  # noqa: BLE001 - one chunk's bug must not stop the provider
            event(_log, logging.ERROR, EventName.ENGINE_FAILED, count=len(ids), error=error)

    async def _start(self, queue: str, ids: Sequence[str]) -> None:
        loaded = await self._in_thread(self._load, ids)
        prepared, decided = self._last_look.at(loaded)
        if decided:
            await self._in_thread(carry_out, self._store, decided, self._store.clock.now())
        if not prepared or self._stopping:
            if prepared:
                await self._in_thread(self._store.give_back, queue, [p.envelope.id for p in prepared])
            return
        await self._submit(prepared, queue)

    async def _submit(self, prepared: Sequence[Prepared], queue: str) -> None:
        """Pass the gate and start the calls of those who may."""
        fence = secrets.token_urlsafe(8)
        lease_ends = time.monotonic() + self._lease.total_seconds()
        codes = await self._gate(prepared, fence, queue)
        alone = self._last_look.goes_alone(queue.rpartition(".")[2])
        if not _HEARD_BAD.isdisjoint(codes):
            self._settler.health.watch(self._name)
        now = self._store.clock.now()
        refused: list[Decided] = []
        waiting: list[str] = []
        for item, code in zip(prepared, codes, strict=True):
            if code in PASSED or (code == "alone" and alone):
                self._call_soon(item, fence, queue, lease_ends, now, probe=code == "probe")
            elif code == "alone":  # past the gate, but a lost primary would forget it: surely not sent
                self._settler.add(Answered(self._past_gate(item.envelope, fence, queue), fence, None))
            elif code != "lost":
                outcome = self._last_look.turned_away(item, code, now)
                if outcome is None:
                    waiting.append(item.envelope.id)
                else:
                    refused.append(Decided(item.envelope, outcome))
        if refused:
            await self._in_thread(carry_out, self._store, refused, now)
        if waiting:  # the provider asked for patience, or is ailing: they wait where take will not hand them out
            await self._in_thread(self._store.give_back, queue, waiting)

    def _load(self, ids: Sequence[str]) -> list[Loaded]:
        return self._store.load(ids, payloads=True)

    async def _gate(self, prepared: Sequence[Prepared], fence: str, queue: str) -> list[str]:
        passages = [Passage(item.envelope, item.valid_until, item.cap, item.most) for item in prepared]
        gate = partial(self._store.gate, passages, fence=fence, queue=queue, lease=self._lease)
        try:
            return await self._in_thread(gate)
        except SmsQueueError:
            # It may have let them through before its answer was lost. No call was started: say so, under this
            # fence, as soon as the store is back, instead of leaving them in doubt until their lease ends.
            for item in prepared:
                self._settler.add(Answered(self._past_gate(item.envelope, fence, queue), fence, None))
            raise

    def _call_soon(
        self, item: Prepared, fence: str, queue: str, lease_ends: float, now: datetime, *, probe: bool
    ) -> None:
        envelope = self._past_gate(item.envelope, fence, queue)
        self._free -= 1
        call = asyncio.get_running_loop().create_task(
            self._call(envelope, item.payload, item.valid_until - now, lease_ends, probe=probe)
        )
        self._calls.add(call)
        call.add_done_callback(self._ended)

    def _past_gate(self, envelope: Envelope, fence: str, queue: str) -> Envelope:
        """Return the envelope as the gate wrote it."""
        return envelope._replace(
            state=State.SUBMITTING,
            version=envelope.version + 1,
            fence=fence,
            home=wire_of(queue),
            attempts=(*envelope.attempts, Attempt(fence, self._name, "")),
        )

    def _ended(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)

    def _settled(self) -> None:
        """Free a slot: not when the answer comes but when it is written, since until then the call is in doubt."""
        self._free += 1
        self._tell()

    async def _call(
        self, envelope: Envelope, payload: Payload, valid_for: timedelta, lease_ends: float, *, probe: bool
    ) -> None:
        fence = envelope.fence
        if time.monotonic() + self._call_limit > lease_ends:
            event(_log, logging.WARNING, EventName.LEASE_LOST, id=envelope.id)
            self._settler.add(Answered(envelope, fence, None), self._settled)
            return
        try:
            sender = self._store.policies.current.sender_id(envelope.sender, self._name)
            submission = self._opener.submission(
                envelope, payload, fence=fence, provider=self._name, sender=sender or "", valid_for=valid_for
            )
        except Exception as error:  # noqa: BLE001 - nothing was sent: say so
            event(_log, logging.ERROR, EventName.ENGINE_FAILED, id=envelope.id, error=error)
            self._settler.add(Answered(envelope, fence, None), self._settled)
            return
        try:
            result = await self._provider.submit(submission)
        except Exception as error:  # noqa: BLE001 - an adapter's bug: nobody knows what was sent
            event(_log, logging.ERROR, EventName.ENGINE_FAILED, id=envelope.id, error=error)
            result = SendResult(status=SendStatus.UNKNOWN, code="bug")
        self._settler.add(Answered(envelope, fence, result, probe), self._settled)

    async def _in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Call the store without stopping the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *args)
