"""So many a day to one recipient: counted where they pass the gate, and given back when surely not sent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smsqueue import Message
from smsqueue.core.decide import decide
from smsqueue.core.facts import CLEAR
from smsqueue.core.settle import never_started, settle
from smsqueue.core.submission import SendResult, SendStatus
from smsqueue.store.store import Passage
from workers.carry_out import Decided, carry_out

LEASE = timedelta(seconds=60)
QUEUE = "submit.twilio.promotional"
DAY = timedelta(days=1)


@pytest.fixture(params=[1, 4], ids=["the only shard", "the second of four"])
def shards(request):
    return request.param


@pytest.fixture
def before_the_gate(client, store):
    """Bring new messages for one recipient before the gate."""

    def make(count, token="recipient", most=2):
        sent = client.send_many([Message(to="+12025550123", text="Hello.", category="bulk")] * count)
        ids = [one.id for one in sent]
        store.take("dispatch.promotional", lease=LEASE)
        now = store.clock.now()
        policy = store.policies.current
        decided = [Decided(one.envelope, decide(one.envelope, policy, CLEAR, now)) for one in store.load(ids)]
        carry_out(store, decided, now)
        store.take(QUEUE, lease=LEASE)
        return [Passage(one.envelope, one.envelope.deadline, token, most) for one in store.load(ids)]

    return make


def gate(store, passages, fence="fence"):
    return [code.partition(":")[0] for code in store.gate(passages, fence=fence, queue=QUEUE, lease=LEASE)]


def test_no_more_than_so_many_of_one_batch_pass_and_the_others_learn_when_there_is_room(store, before_the_gate):
    codes = store.gate(before_the_gate(4), fence="fence", queue=QUEUE, lease=LEASE)

    assert codes[:2] == ["yes", "yes"]
    room = int(codes[2].removeprefix("capped:")) / 1000
    assert room - store.clock.now().timestamp() == pytest.approx(DAY.total_seconds(), abs=5)
    assert codes[3].startswith("capped:")


def test_another_recipient_is_counted_apart(store, before_the_gate):
    assert gate(store, before_the_gate(2)) == ["yes", "yes"]
    assert gate(store, before_the_gate(2, token="other")) == ["yes", "yes"]


def test_a_gate_call_that_runs_twice_counts_once(store, before_the_gate):
    first, second, third = before_the_gate(3)
    assert gate(store, [first]) == ["yes"]
    assert gate(store, [first]) == ["yes"]
    assert gate(store, [second, third], "other") == ["yes", "capped"]


@pytest.mark.parametrize(
    ("result", "counts"),
    [
        pytest.param(SendStatus.ACCEPTED, True, id="taken: it counts"),
        pytest.param(SendStatus.UNKNOWN, True, id="in doubt: it counts"),
        pytest.param(SendStatus.UNAVAILABLE, False, id="surely not sent: given back"),
        pytest.param(SendStatus.REJECTED, False, id="rejected: given back"),
        pytest.param(None, False, id="never started: given back"),
    ],
)
def test_what_was_surely_not_sent_does_not_count(store, before_the_gate, result, counts):
    first, second = before_the_gate(2, most=1)
    assert gate(store, [first]) == ["yes"]
    envelope, now, policy = store.load([first.envelope.id])[0].envelope, store.clock.now(), store.policies.current
    if result is None:
        verdict = never_started(envelope, policy, "fence", now)
    else:
        verdict = settle(envelope, policy, "fence", SendResult(status=result), now, 0.5)
    assert carry_out(store, [Decided(envelope, *verdict)], now) == ["ok"]

    assert gate(store, [second], "later") == (["capped"] if counts else ["yes"])


def test_a_day_later_there_is_room_again(store, before_the_gate, travel):
    assert gate(store, before_the_gate(2)) == ["yes", "yes"]
    first = before_the_gate(1)
    assert gate(store, first) == ["capped"]
    travel(DAY + timedelta(minutes=1))
    store.redis.hset(store.keys.envelope(first[0].envelope.id), "dl", int((store.clock.now() + DAY).timestamp() * 1000))
    fresh = [first[0]._replace(valid_until=store.clock.now() + DAY)]

    assert gate(store, fresh) == ["yes"]


def test_the_counting_ends_with_its_day(store, before_the_gate):
    gate(store, before_the_gate(1))

    assert 0 < store.redis.pttl(store.keys.cap("recipient")) <= DAY.total_seconds() * 1000
