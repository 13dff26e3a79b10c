"""One provider's calls: the first lane has a way to the gate of its own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta

import pytest

from smsqueue import Message
from smsqueue.core.decide import decide
from smsqueue.core.submission import SendResult, SendStatus
from workers.carry_out import Decided, carry_out
from workers.opening import Opener
from workers.settler import Settler
from workers.submit import Submit

LEASE = timedelta(seconds=15)


class Taking:
    """A provider that takes everything, and notes how many calls it had at once."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.most = self._under_way = 0
        self._news = asyncio.Event()

    async def submit(self, submission):
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        await asyncio.sleep(0.01)
        self._under_way -= 1
        self.ids.append(submission.id)
        self._news.set()
        return SendResult(status=SendStatus.ACCEPTED)

    async def has(self, count):
        """Wait until it took so many."""
        async with asyncio.timeout(10):
            while len(self.ids) < count:
                self._news.clear()
                await self._news.wait()


class Holding(Executor):
    """Threads for the store's calls; those that name an id of `held` wait until they are let go."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.go = threading.Event()
        self._threads = ThreadPoolExecutor(4)

    def submit(self, function, /, *args, **kwargs):
        waits = any(id in self.held for ids in args if isinstance(ids, list) for id in ids if isinstance(id, str))
        return self._threads.submit(self._wait_then if waits else self._now, function, args, kwargs)

    def _wait_then(self, function, args, kwargs):
        assert self.go.wait(10)
        return function(*args, **kwargs)

    @staticmethod
    def _now(function, args, kwargs):
        return function(*args, **kwargs)


def handed_out(client, category, queue, count):
    """Accept messages and move them to where a hint for the submit process would find them."""
    store = client.store
    ids = [client.send(Message(to="+12025550123", text="Hello.", category=category)).id for _ in range(count)]
    now = store.clock.now()
    found = store.load(ids)
    carry_out(store, [Decided(e, decide(e, store.policies.current, facts, now)) for e, _, facts in found], now)
    alone, others = store.take(queue, lease=LEASE)
    assert sorted(alone + others) == sorted(ids)
    return ids


@pytest.fixture
def made(store, keyring):
    provider, executor = Taking(), Holding()

    async def make(slots):
        settler = Settler(store, executor)
        submit = Submit(
            "twilio", provider, store=store, opener=Opener(keyring, ""), settler=settler, executor=executor,
            slots=slots, call_limit=timedelta(seconds=10), lease=LEASE, max_skew=None,
        )  # fmt: skip
        return submit, settler

    return make, provider, executor


def test_a_one_time_code_does_not_wait_until_a_campaigns_chunk_has_passed_the_gate(client, made):
    make, provider, executor = made
    campaign = handed_out(client, "bulk", "submit.twilio.promotional", 20)
    (code,) = handed_out(client, "otp", "submit.twilio.otp", 1)
    executor.held = set(campaign)

    async def run():
        submit, settler = await make(slots=50)
        tasks = [asyncio.create_task(submit.run()), asyncio.create_task(settler.run())]
        submit.arrived("submit.twilio.promotional", campaign)
        await asyncio.sleep(0)
        submit.arrived("submit.twilio.otp", [code])
        await provider.has(1)
        before = list(provider.ids)
        executor.go.set()
        await provider.has(21)
        await submit.stop()
        for task in tasks:
            task.cancel()
        return before

    assert asyncio.run(run()) == [code]


def test_lanes_never_have_more_calls_at_once_than_there_are_slots(client, made):
    make, provider, _ = made
    campaign = handed_out(client, "bulk", "submit.twilio.promotional", 20)
    codes = handed_out(client, "otp", "submit.twilio.otp", 20)

    async def run():
        submit, settler = await make(slots=10)
        tasks = [asyncio.create_task(submit.run()), asyncio.create_task(settler.run())]
        submit.arrived("submit.twilio.promotional", campaign)
        submit.arrived("submit.twilio.otp", codes)
        await provider.has(40)
        await submit.stop()
        for task in tasks:
            task.cancel()

    asyncio.run(run())

    assert provider.most <= 10
