"""A server that forgot something: everybody who has seen more refuses it, and nothing is submitted a second time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lab.servers import store_server
from lab.system import POLICY
from smsqueue import Message, Reason, State, policy_file
from smsqueue.client import Client
from smsqueue.core.decide import decide
from smsqueue.core.facts import CLEAR
from smsqueue.core.outcome import Handoff, Watch
from smsqueue.errors import AcceptanceUnknown, Misconfigured, StoreBehind
from smsqueue.store import pauses
from smsqueue.store.epoch import Epoch
from smsqueue.store.recovery import recover
from smsqueue.store.server import connect
from smsqueue.store.store import Passage, Store
from workers.carry_out import Decided, carry_out

LEASE = timedelta(seconds=60)
CALL = timedelta(seconds=15)
QUEUE = "submit.twilio.service"


@pytest.fixture
def own(tmp_path):
    """A server of this test's own: it is rolled back."""
    with store_server(tmp_path / "own") as running:
        yield running


@pytest.fixture
def behind(own, tmp_path, keyring):
    """A worker's store and a producer's client that saw a message submitted, which the server has forgotten."""
    store = Store(connect(own.url, role="test"), connect(own.url, role="test", repeats=0))
    store.policies.publish(policy_file.document(POLICY))
    with Client(own.url, keyring=keyring) as client:
        id = client.send(message()).id
        own.back_up(tmp_path / "backup")
        passage = before_the_gate(store, id)
        assert store.gate([passage], fence="fence", queue=QUEUE, lease=CALL) == ["yes"]
        client.send(message())
        own.roll_back(tmp_path / "backup")
        yield store, client, id


def message(**rest):
    return Message(to="+12025550123", text="Hello.", category="alert", **rest)


def state_of(store, id):
    envelope = store.load([id])[0].envelope
    return envelope.state, envelope.reason, envelope.home


def before_the_gate(store, id):
    store.take("dispatch.service", lease=LEASE)
    envelope = store.load([id])[0].envelope
    outcome = decide(envelope, store.policies.current, CLEAR, store.clock.now())
    assert isinstance(outcome, Handoff)
    carry_out(store, [Decided(envelope, outcome)], store.clock.now())
    store.take(QUEUE, lease=LEASE)
    return Passage(store.load([id])[0].envelope, outcome.valid_until)


def test_a_server_that_forgot_is_refused_by_every_call(behind):
    store, client, id = behind

    for call in (
        lambda: store.load([id]),
        lambda: store.take("dispatch.service", lease=LEASE),
        lambda: store.wake(retention=LEASE),
        lambda: store.stop([id], reason="cancelled", retention=LEASE),
        lambda: client.send(message()),
        lambda: client.send_many([message()]),
        lambda: client.status([id]),
    ):
        with pytest.raises(StoreBehind, match="smsqueue recover"):
            call()
    assert store.redis.zcard(store.keys.ready("dispatch.service")) == 1  # nothing was done to it


def test_a_campaign_that_was_half_accepted_when_the_server_forgot_keeps_its_ids(own, tmp_path, keyring):
    store = Store(connect(own.url, role="test"))
    store.policies.publish(policy_file.document(POLICY))
    with Client(own.url, keyring=keyring) as client:
        client.send(message())
        own.back_up(tmp_path / "backup")

        def messages():
            for n in range(1000):
                if n == 700:
                    own.roll_back(tmp_path / "backup")
                yield message()

        with pytest.raises(AcceptanceUnknown) as lost:
            client.send_many(messages())

    assert len(lost.value.ids) >= 800


def test_recovering_puts_what_was_open_in_doubt_and_submits_none_of_it_again(behind):
    store, client, id = behind

    counts = recover(store)

    assert counts["doubt"] == 1
    assert state_of(store, id) == (State.UNKNOWN, Reason.RESTORED, "due")
    assert store.redis.exists(store.keys.payload(id)) == 0  # nobody can submit it
    envelope = store.load([id])[0].envelope
    assert isinstance(decide(envelope, store.policies.current, CLEAR, store.clock.now()), Watch)
    assert client.send(message()).state is State.QUEUED  # all go on
    assert not pauses.listed(store)


def test_a_one_time_code_is_not_submitted_again_either(behind):
    store, _, _ = behind
    store.epoch.forget()
    store.greet()
    with Client(f"redis://127.0.0.1:{store.redis.connection_pool.connection_kwargs['port']}/0",
                keyring=behind[1]._keyring) as fresh:  # fmt: skip
        code = fresh.send(Message(to="+12025550123", text="123456", category="otp")).id

    recover(store)

    envelope = store.load([code])[0].envelope
    assert store.policies.current.category("otp").doubt == "again"
    assert envelope.reason is Reason.RESTORED
    assert isinstance(decide(envelope, store.policies.current, CLEAR, store.clock.now()), Watch)


def test_what_sleeps_until_a_later_instant_stays_asleep(store, client):
    start = store.clock.now() + timedelta(hours=2)
    id = client.send(message(not_before=start, validity=timedelta(hours=4))).id

    assert recover(store) == {"kept": 1}
    assert state_of(store, id) == (State.HELD, Reason.SCHEDULED, "due")


def test_what_had_passed_its_deadline_when_the_store_still_knew_is_expired_not_in_doubt(store, client, travel):
    late = client.send(message(validity=timedelta(minutes=10))).id
    travel(timedelta(hours=1))
    client.store.greet()
    open_ = client.send(message()).id

    counts = recover(store)

    assert counts == {"expired": 1, "doubt": 1}
    assert [store.load([id])[0].envelope.state for id in (late, open_)] == [State.EXPIRED, State.UNKNOWN]


def test_recovering_twice_changes_nothing_more(store, client):
    client.send(message())
    recover(store)

    assert recover(store) == {"kept": 1}


def test_what_is_accepted_and_parked_while_a_recovery_runs_goes_on_after_it(server, store, client):
    class Busy(Store):
        def leap(self, by):
            id = client.send(message()).id
            store.take("dispatch.service", lease=LEASE)
            loaded = store.load([id])[0]
            outcome = decide(loaded.envelope, store.policies.current, loaded.facts, store.clock.now())
            carry_out(store, [Decided(loaded.envelope, outcome)], store.clock.now())
            self.parked = id, state_of(store, id)
            super().leap(by)

    busy = Busy(connect(server.url, role="test"))
    recover(busy)

    id, then = busy.parked
    assert then == (State.HELD, Reason.PAUSED, "park:paused")
    assert state_of(store, id)[2] == "dispatch.service"
    assert id in store.take("dispatch.service", lease=LEASE)[1]


def test_an_operators_own_pause_of_everything_outlives_a_recovery(store):
    pauses.pause(store, "all", "")

    recover(store)

    assert list(pauses.listed(store)) == ["all:"]


def test_the_highest_epoch_outlives_the_process_in_its_folder(tmp_path):
    first = Epoch(tmp_path / "state")
    first.told(42)
    first.told(41)
    first.save()

    assert Epoch(tmp_path / "state").highest == 42
    (tmp_path / "state" / "epoch").write_text("half a num")
    assert Epoch(tmp_path / "state").highest == 0


@pytest.mark.parametrize(("field", "value", "says"), [("format", 2, "format is 2"), ("shards", 4, "4 shards")])
def test_a_store_of_another_make_is_refused_and_left_alone(server, store, field, value, says):
    store.redis.hset(store.keys.meta, field, value)
    document = store.redis.hgetall(store.keys.policy)
    other = Store(connect(server.url, role="test"))

    with pytest.raises(Misconfigured, match=says):
        other.greet()
    with pytest.raises(Misconfigured, match=says):
        other.policies.publish(policy_file.document(POLICY))
    assert store.redis.hgetall(store.keys.policy) == document


def test_a_pause_of_everything_stops_the_gate_and_parks_the_rest(store, client):
    first, second = client.send(message()).id, client.send(message()).id
    passage = before_the_gate(store, first)
    pauses.pause(store, "all", "")

    assert store.gate([passage], fence="f", queue=QUEUE, lease=CALL) == ["paused"]
    assert store.load([second])[0].facts.paused
    pauses.resume(store, "all", "")
    assert store.gate([passage], fence="f", queue=QUEUE, lease=CALL) == ["yes"]
