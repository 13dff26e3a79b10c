"""The promises hold, whoever does what in which order, and whoever dies."""

from __future__ import annotations

import os

from tests.model.machine import run
from tests.model.search import search
from tests.model.world import World

DAYS = int(os.environ.get("SMSQUEUE_MODEL_DAYS", "30"))


def test_promises_hold_on_busy_days(quick_store):
    counts = search(lambda: World(quick_store), days=DAYS)

    reached = {"delivered", "undelivered", "unconfirmed", "expired", "cancelled"}
    assert reached <= counts.keys(), counts  # the search gets somewhere
    assert counts["submits"] >= DAYS


def test_promises_hold_in_every_order_of_steps_crashes_and_lost_answers(quick_store):
    run(lambda: World(quick_store), examples=30)
