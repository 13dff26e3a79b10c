"""The audit finds what is nowhere, mends it, and finds nothing in a healthy store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smsqueue import Message, Reason, State
from smsqueue.core.change import change
from smsqueue.core.decide import decide
from smsqueue.core.facts import CLEAR
from smsqueue.core.outcome import End, Hold, Submitted
from smsqueue.store.audit import Audited, audit
from smsqueue.store.store import Passage

LEASE, CALL, DAY = timedelta(seconds=60), timedelta(seconds=15), timedelta(days=1)
QUEUE = "submit.twilio.service"


@pytest.fixture
def one(client):
    """Accept one message; returns its id."""
    return client.send(Message(to="+12025550123", text="Hello.", category="alert")).id


def envelope(store, id):
    return store.load([id])[0].envelope


def carry(store, id, outcome):
    item = change(envelope(store, id), outcome, policy=store.policies.current, now=store.clock.now())
    assert store.apply([item]) == ["ok"]


def waits(store, id):
    """In a ready home."""


def handed_out(store, id):
    store.take("dispatch.service", lease=LEASE)


def asleep(store, id):
    carry(store, id, Hold(store.clock.now() + DAY, Reason.QUIET_HOURS))


def on_the_wire(store, id):
    handed_out(store, id)
    outcome = decide(envelope(store, id), store.policies.current, CLEAR, store.clock.now())
    carry(store, id, outcome)
    store.take(QUEUE, lease=LEASE)
    assert store.gate([Passage(envelope(store, id), outcome.valid_until)], fence="f", queue=QUEUE, lease=CALL)


def submitted(store, id):
    on_the_wire(store, id)
    carry(store, id, Submitted(store.clock.now() + DAY))


def ended(store, id):
    carry(store, id, End(State.FAILED, Reason.REJECTED))


STAGES = [
    pytest.param(waits, id="waiting in a queue"),
    pytest.param(handed_out, id="handed out"),
    pytest.param(asleep, id="asleep until tomorrow"),
    pytest.param(on_the_wire, id="on the wire"),
    pytest.param(submitted, id="waiting for a receipt"),
]


def homes(store, id):
    return [
        key.decode().split("}:")[1]
        for key in store.redis.scan_iter(_type="zset")
        if store.redis.zscore(key, id) is not None
    ]


def take_away(store, id):
    """Do by hand what must never happen: remove an id from wherever it is."""
    for name in homes(store, id):
        store.redis.zrem(store.keys.home(name), id)


@pytest.mark.parametrize("stage", [*STAGES, pytest.param(ended, id="final")])
def test_a_healthy_message_is_left_alone_at_every_step_of_its_way(store, one, stage):
    stage(store, one)
    before = envelope(store, one), homes(store, one)

    found = audit(store)

    assert (found.envelopes, found.faults) == (1, 0)
    assert (envelope(store, one), homes(store, one)) == before


@pytest.mark.parametrize(
    ("stage", "home", "state"),
    [
        pytest.param(waits, "ready:dispatch.service", State.QUEUED, id="waiting: it is decided again"),
        pytest.param(handed_out, "ready:dispatch.service", State.QUEUED, id="handed out: it is decided again"),
        pytest.param(asleep, "ready:dispatch.service", State.HELD, id="asleep: it is decided again"),
        pytest.param(on_the_wire, "due", State.UNKNOWN, id="on the wire: in doubt, never submitted again from here"),
        pytest.param(submitted, "due", State.SUBMITTED, id="waiting for a receipt: looked at again"),
    ],
)
def test_an_open_message_without_a_home_gets_one(store, one, stage, home, state):
    stage(store, one)
    take_away(store, one)

    assert audit(store) == Audited(envelopes=1, places=0, homeless=1, orphans=0, strays=0)

    assert homes(store, one) == [home]
    assert envelope(store, one).state is state
    assert audit(store).faults == 0
    store.wake(retention=DAY)
    assert len(homes(store, one)) == 1


def test_a_message_that_ended_gets_no_home(store, one):
    ended(store, one)

    assert audit(store) == Audited(envelopes=1, places=0, homeless=0, orphans=0, strays=0)


@pytest.mark.parametrize("stage", STAGES)
def test_an_id_without_an_envelope_is_parked_as_an_orphan(store, one, stage):
    stage(store, one)
    store.redis.delete(store.keys.envelope(one))

    assert audit(store) == Audited(envelopes=0, places=1, homeless=0, orphans=1, strays=0)

    assert homes(store, one) == ["park:orphan"]
    assert audit(store).faults == 0


@pytest.mark.parametrize("stage", STAGES)
def test_an_id_in_a_second_home_is_taken_out_there(store, one, stage):
    stage(store, one)
    right = homes(store, one)
    store.redis.zadd(store.keys.home("park:account"), {one: 1})

    assert audit(store).strays == 1

    assert homes(store, one) == right


def test_an_id_twice_in_one_queue_waits_once(store, one):
    handed_out(store, one)
    store.redis.zadd(store.keys.ready("dispatch.service"), {one: 1})

    assert audit(store).strays == 1

    assert homes(store, one) == ["ready:dispatch.service"]


def test_an_id_that_moved_since_it_was_seen_is_no_fault(store, one):
    assert store.audit("due", [one]) == ["gone"]
    store.redis.delete(store.keys.envelope(one))
    assert store.audit("", [one]) == ["gone"]


def test_more_messages_than_fit_into_one_call_are_all_found(store, client):
    ids = [
        accepted.id for accepted in client.send_many([Message(to="+12025550123", text="Hi.", category="alert")] * 450)
    ]
    store.redis.zrem(store.keys.ready("dispatch.service"), *ids[::2])

    assert audit(store) == Audited(envelopes=450, places=450, homeless=225, orphans=0, strays=0)
