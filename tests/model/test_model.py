"""The promises hold, whoever does what in which order, and whoever dies."""

from __future__ import annotations

from tests.model.machine import run
from tests.model.world import World


def test_promises_hold_in_every_order_of_steps_crashes_and_lost_answers(quick_store):
    run(lambda: World(quick_store), examples=60)
