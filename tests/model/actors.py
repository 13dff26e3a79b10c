"""Simulated workers. Each `yield` is a place where another worker goes on, time passes, or this one dies."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from smsqueue.core.confirm import confirm
from smsqueue.core.envelope import Attempt
from smsqueue.core.facts import Facts
from smsqueue.core.outcome import Handoff, Hold, Park
from smsqueue.core.receipt import Receipt, ReceiptStatus
from smsqueue.core.settle import never_started
from smsqueue.core.states import Reason, State
from smsqueue.core.submission import SendResult, SendStatus
from smsqueue.store.store import Passage
from tests.model import rules
from tests.model.promises import Reception

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

    from smsqueue.core.envelope import Envelope
    from tests.model.world import Order, World

ANSWERS = {
    "accepted": SendResult(status=SendStatus.ACCEPTED, provider_id="A1"),
    "rejected": SendResult(status=SendStatus.REJECTED, code="bad"),
    "throttled": SendResult(status=SendStatus.THROTTLED, retry_after=timedelta(seconds=1)),
    "refused": SendResult(status=SendStatus.REFUSED, code="busy"),
    "unavailable": SendResult(status=SendStatus.UNAVAILABLE, code="connect"),
    "account": SendResult(status=SendStatus.ACCOUNT, code="funds"),
    "lost": SendResult(status=SendStatus.UNKNOWN, code="timeout"),
    "lost, not taken": SendResult(status=SendStatus.UNKNOWN, code="timeout"),
}


def dispatcher(world: World, queue: str) -> Generator[None, Order, None]:
    """Take, load and decide, apply."""
    alone, together = world.store.take(queue, lease=rules.LEASE)
    if not alone + together:
        return
    yield
    loaded = world.store.load(alone + together)
    decided = [(one.envelope, world.decide(one.envelope, one.facts)) for one in loaded if one.envelope]
    order = yield
    world.write([item for item in decided if item[1] is not None], twice=order.twice)


def submitter(world: World, queue: str) -> Generator[None, Order, None]:
    """Take, load and decide again, gate; then one call for each that passed."""
    alone, together = world.store.take(queue, lease=rules.LEASE)
    if not alone + together:
        return
    yield
    passages, decided = [], []
    for envelope, _, facts in world.store.load(alone + together, payloads=True):
        if envelope is None or envelope.state not in {State.QUEUED, State.HELD}:
            continue
        outcome = world.decide(envelope, facts)
        if isinstance(outcome, Handoff):
            passages.append(Passage(envelope, outcome.valid_until))
        elif outcome is not None:
            decided.append((envelope, outcome))
    order = yield
    world.write(decided, twice=order.twice)
    if not passages:
        return
    yield from _gate(world, passages, queue)


def _gate(world: World, passages: list[Passage], queue: str) -> Generator[None, Order, None]:
    order = yield
    world.fences += 1
    fence = f"F{world.fences}"
    ends = world.now() + rules.CALL_LEASE
    for _ in range(1 + order.twice):
        codes = world.store.gate(passages, fence=fence, queue=queue, lease=rules.CALL_LEASE)
    refused = []
    for (envelope, *_), code in zip(passages, codes, strict=True):
        if code == "yes":
            world.promises.passed.setdefault(envelope.id, set()).add(fence)
            world.start(call(world, _past_gate(envelope, fence, queue), ends))
        elif code != "lost":
            refused.append((envelope, _turned_away(world, envelope, code)))
    world.write(refused)


def _past_gate(envelope: Envelope, fence: str, queue: str) -> Envelope:
    return envelope._replace(
        state=State.SUBMITTING, version=envelope.version + 1, fence=fence, home=queue.replace("submit.", "wire:"),
        attempts=(*envelope.attempts, Attempt(fence, rules.PROVIDER, "")),
    )  # fmt: skip


def _turned_away(world: World, envelope: Envelope, code: str) -> object:
    if code == "paused":
        return Park(Reason.PAUSED)
    outcome = world.decide(envelope, Facts())
    return Hold(world.store.clock.now(), Reason.CLOCK) if isinstance(outcome, Handoff) else outcome


def call(world: World, envelope: Envelope, ends: datetime) -> Generator[None, Order, None]:
    """One call to the provider, unless its lease is too short by now; then the settle."""
    order = yield
    result = None
    fence = envelope.fence
    if world.now() + rules.CALL_LIMIT <= ends:
        result = ANSWERS[order.answer]
        if order.answer != "unavailable":
            taken = order.answer in {"accepted", "lost"}
            sure = not taken and order.answer != "lost, not taken"
            world.promises.arrives(Reception(envelope.id, fence, sure, taken), world.now())
    order = yield
    while True:
        _settle(world, envelope, fence, result, twice=order.twice)
        if not order.later:
            return
        order = yield  # the script's answer was lost: settled again, whatever has happened meanwhile


def _settle(world: World, envelope: Envelope, fence: str, result: SendResult | None, *, twice: bool) -> None:
    for _ in range(5):
        policy, now = world.store.policies.current, world.store.clock.now()
        verdict = (
            never_started(envelope, policy, fence, now)
            if result is None
            else world.settle(envelope, policy, fence, result, now, 0.5)
        )
        if world.write([(envelope, *verdict)], twice=twice) != ["lost"]:
            return
        fresh = world.store.load([envelope.id])[0].envelope
        assert fresh is not None
        envelope = fresh


def receipt(world: World, number: int, status: str) -> None:
    """The provider says what became of one it took: early, late, twice."""
    taken = [one for one in world.promises.received if one.taken]
    if not taken:
        return
    one = taken[number % len(taken)]
    one.undelivered |= status == "undelivered"
    answer = Receipt(provider_id="A1", status=ReceiptStatus(status), temporary=True)
    for _ in range(8):
        envelope = world.store.load([one.id])[0].envelope
        assert envelope is not None
        verdict = confirm(envelope, world.store.policies.current, one.fence, answer, world.store.clock.now())
        if world.write([(envelope, *verdict)]) != ["lost"]:
            return


def everybody(world: World) -> None:
    """Dispatchers and submitters take whatever is ready."""
    for queue in rules.QUEUES:
        world.start(worker_of(world, queue))


def worker_of(world: World, queue: str) -> Generator[None, Order, None]:
    """Make a worker of a queue."""
    return dispatcher(world, queue) if queue.startswith("dispatch") else submitter(world, queue)
