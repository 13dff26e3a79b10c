"""Trials that a test run selected are run a few at a time: mostly they wait for leases and time limits."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lab.faults.__main__ import attempt
from lab.faults.scenarios.processes import PROCESSES

COUNT = int(os.environ.get("SMSQUEUE_FAULT_MESSAGES", "400"))
SEED = 1
AT_ONCE = 4


@pytest.fixture(scope="session")
def rows(request, tmp_path_factory):
    """Return a promise of a row for each trial that is selected, by scenario and mode."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        promises = {}
        for item in request.session.items:
            if "trial" not in getattr(item, "fixturenames", ()):
                continue
            scenario, mode = item.callspec.params["trial"]
            if not scenario.possible():
                folder = tmp_path_factory.mktemp("trial")
                job = pool.submit(attempt, _short(scenario), folder, count=COUNT, seed=SEED, mode=mode)
                promises[scenario.name, mode] = job
        yield promises
        pool.shutdown(cancel_futures=True)


def _short(scenario):
    """Start one worker of each role where the fault is not about workers: starting them is half of a short trial."""
    if scenario in PROCESSES:
        return scenario
    return replace(scenario, dispatch=min(scenario.dispatch, 1), submit=min(scenario.submit, 1))
