"""The submit process shows a sign of life from its engine's loop, and none once part of its work has ended."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.waiting import wait_for
from workers.beat import Beat
from workers.engine import Engine


async def nothing():
    """End at once."""


async def beating(store, work):
    """Run the engine's beat beside a piece of work until one of the two is over, or it has beaten."""
    engine, beat = Engine(store, None, None, max_skew=None), Beat(store, "submit")
    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    with ThreadPoolExecutor(1) as executor:
        beats = asyncio.create_task(engine._beat(executor, beat, (task,)))
        await asyncio.to_thread(
            wait_for, lambda: beats.done() or store.redis.hlen(store.keys.beats), "a beat or an end"
        )
        for each in (beats, task):
            each.cancel()
        await asyncio.gather(beats, task, return_exceptions=True)
    engine._loop.close()


@pytest.mark.parametrize(
    ("work", "seen"),
    [
        pytest.param(asyncio.Event().wait, 1, id="work that goes on"),
        pytest.param(nothing, 0, id="work that ended, while the process runs on"),
    ],
)
def test_the_engine_beats_as_long_as_all_its_work_goes_on(store, work, seen):
    asyncio.run(beating(store, work))

    assert store.redis.hlen(store.keys.beats) == seen
