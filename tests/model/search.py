"""Searching: busy days one after the other, each with a seed of its own that says how to repeat it."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

from tests.model.actors import everybody
from tests.model.machine import busy_while

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.model.world import World

STEPS = 150


def search(make: Callable[[], World], *, days: int, first: int = 0) -> Counter[str]:
    """Go through days, numbered from `first`; counts what became of messages. A broken promise names its day."""
    counts: Counter[str] = Counter()
    for day in range(first, first + days):
        world = make()
        try:
            busy_while(world, random.Random(day), STEPS)
            world.heal(everybody)
        except AssertionError as error:
            error.add_note(f"day {day}: repeat with search(make, days=1, first={day})")
            raise
        counts["steps"] += STEPS
        counts["messages"] += len(world.promises.told)
        counts["submits"] += len(world.promises.received)
        counts.update(state for state in world.promises.ended.values())
    return counts
