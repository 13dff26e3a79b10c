"""The machine: hypothesis chooses who does what next, and when everything goes wrong."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.model import rules
from tests.model.actors import ANSWERS, everybody, receipt, worker_of
from tests.model.world import Order, World

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = int(os.environ.get("SMSQUEUE_MODEL_EXAMPLES", "0"))
"""More than the normal run: random, with a printed seed."""
STEPS = 40

NUMBER = st.integers(0, 30)
ORDERS = st.builds(Order, st.sampled_from(list(ANSWERS)), st.booleans(), st.booleans())
CATEGORIES = st.sampled_from(list(rules.CATEGORIES))
VALIDITIES = st.sampled_from([timedelta(seconds=45), timedelta(minutes=3), timedelta(hours=1), timedelta(hours=15)])
PASSES = st.sampled_from([timedelta(seconds=s) for s in (4, 6, 16, 61, 240, 3600, 5400, 36_000)])
WAITS = st.sampled_from([timedelta(0), timedelta(0), timedelta(seconds=3), timedelta(minutes=2)])
ROUNDS = st.sampled_from([4, 4, 5, 6, 6, 7, 8, 12])
"""Up to the gate, past it, to the answer, to the settle."""
PAUSES = st.sampled_from([("lane", "service"), ("category", "code"), ("provider", "acme")])


LIKELY = {"accepted": 5, "throttled": 3, "unavailable": 3, "refused": 2}
"""What brings a message to a second attempt comes often, the rest now and then."""
SHORT = [timedelta(seconds=s) for s in (0, 1, 3, 6, 10, 16, 61)]
LONG = [timedelta(seconds=s) for s in (240, 3600, 5400, 36_000)]


def busy_while(world: World, chance: random.Random, steps: int) -> None:
    """Let everybody do something, as on a busy day: single steps of single workers, and now and then a mishap.

    Hypothesis alone seldom gets a message as far as a second attempt; here most get somewhere.
    """
    weights = [LIKELY.get(answer, 1) for answer in ANSWERS]

    def order() -> Order:
        return Order(
            chance.choices(list(ANSWERS), weights)[0], twice=chance.random() < 0.1, later=chance.random() < 0.8
        )

    def start() -> None:
        world.wake()
        world.start(worker_of(world, chance.choice(rules.QUEUES)))

    def resume_or_pause() -> None:
        if world.paused:
            world.resume()
        elif chance.random() < 0.2:
            world.pause(*chance.choice([("lane", "service"), ("category", "code"), ("provider", "acme")]))

    def accept() -> None:
        validity = chance.choice([timedelta(seconds=45), *[timedelta(hours=1)] * 3, timedelta(hours=15)])
        world.accept(chance.choice(list(rules.CATEGORIES)), validity, chance.choice(["", "", "", "a"]))

    calm = chance.random() < 0.5  # half of the days few messages come, and they get far
    mishaps = 0.3 if calm else 2
    deeds = {
        lambda: world.work(chance.randrange(30), order()): 45, start: 30 if calm else 20, accept: 1.5 if calm else 5,
        lambda: receipt(world, chance.randrange(30), chance.choice(["delivered", "undelivered", "accepted"])): 6,
        lambda: world.move(chance.choice(SHORT)): 8, lambda: world.move(chance.choice(LONG)): mishaps / 4,
        lambda: world.crash(chance.randrange(30)): mishaps, lambda: world.stop(chance.randrange(30)): mishaps,
        lambda: world.accept_again(chance.randrange(30)): 1, resume_or_pause: mishaps,
    }  # fmt: skip
    for deed in chance.choices(list(deeds), list(deeds.values()), k=steps):
        deed()
        world.check()


class Machine(RuleBasedStateMachine):
    """One world; every rule is one step of somebody."""

    make: Callable[[], World]

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).make()

    @rule(category=CATEGORIES, validity=VALIDITIES, key=st.sampled_from(["", "", "a", "b"]), wait=WAITS)
    def accept(self, category, validity, key, wait):
        self.world.accept(category, validity, key, wait)

    @rule(seed=st.integers(0, 2**32), steps=st.sampled_from([10, 40, 80]))
    def a_busy_while(self, seed, steps):
        busy_while(self.world, random.Random(seed), steps)

    @rule(number=NUMBER)
    def accept_again(self, number):
        self.world.accept_again(number)

    @rule(queue=st.sampled_from(rules.QUEUES))
    def wake_and_take(self, queue):
        self.world.wake()
        self.world.check()
        self.world.start(worker_of(self.world, queue))

    @rule(orders=st.lists(st.tuples(NUMBER, ORDERS), min_size=1, max_size=6))
    def some_go_on(self, orders):
        for number, order in orders:
            self.world.work(number, order)
            self.world.check()

    @rule(order=ORDERS, rounds=ROUNDS)
    def fresh_workers_go_on(self, order, rounds):
        self.world.rush(everybody, order, rounds)

    @rule(order=ORDERS, rounds=ROUNDS, by=PASSES)
    def time_passes_and_fresh_workers_go_on(self, order, rounds, by):
        self.world.move(by)
        self.world.rush(everybody, order, rounds)

    @rule(order=ORDERS, by=PASSES, rounds=st.integers(1, 3))
    def time_passes_and_those_at_work_go_on(self, order, by, rounds):
        self.world.move(by)
        for _ in range(rounds * len(self.world.hand)):
            self.world.work(0, order)
            self.world.check()

    @rule(order=ORDERS)
    def those_at_work_go_on(self, order):
        for _ in range(len(self.world.hand)):
            self.world.work(0, order)
            self.world.check()

    @rule(number=NUMBER)
    def crash(self, number):
        self.world.crash(number)

    @rule(by=PASSES)
    def time_passes(self, by):
        self.world.move(by)

    @rule(number=NUMBER)
    def stop(self, number):
        self.world.stop(number)

    @rule(number=NUMBER, status=st.sampled_from(["delivered", "undelivered", "accepted", "unknown"]))
    def receipt(self, number, status):
        receipt(self.world, number, status)

    @rule(what=PAUSES)
    def pause_or_resume(self, what):
        if self.world.paused:
            self.world.resume()
        else:
            self.world.pause(*what)

    @invariant()
    def promises_hold(self):
        self.world.check()

    def teardown(self):
        for _ in range(len(self.world.hand) // 2):
            self.world.crash(0)
        self.world.heal(everybody)


def run(make: Callable[[], World], *, examples: int, shrink: bool = True) -> None:
    """Run the machine in worlds made by `make`."""
    machine = type("Machine", (Machine,), {"make": staticmethod(make)})
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES or examples,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not EXAMPLES,
            database=None,
            print_blob=True,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )
