"""A policy that changes: what it frees, what it would move, and what it may not drop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lab.system import POLICY
from smsqueue import InvalidPolicy, Message, Reason, State, policy_file
from smsqueue.core import policy as policies
from smsqueue.store import in_use
from smsqueue.store.preview import preview
from workers.dispatch import Dispatch

LEASE = timedelta(seconds=60)
MARGIN = timedelta(minutes=1)


@pytest.fixture
def night(store, client):
    """Three in the morning in Paris, at the server's clock."""
    real = datetime.now(UTC)
    night = (real + timedelta(days=1)).replace(hour=2, minute=0, second=0, microsecond=0)
    store.redis.set(store.keys.clock, (night - real) // timedelta(milliseconds=1))
    store.greet()
    client.store.greet()
    return store


def held(client, count):
    messages = [
        Message(to="+33639981234", text="Hello.", category="service", region="FR", timezone="Europe/Paris",
                validity=timedelta(hours=20))
        for _ in range(count)
    ]  # fmt: skip
    accepted = client.send_many(messages)
    assert all(one.state is State.HELD for one in accepted), accepted[0]
    return [one.id for one in accepted]


def policy(**changes):
    document = policy_file.document(POLICY)
    for table, keys in changes.items():
        document[table] = {**document[table], **keys}
    return document


def without(table, name):
    document = policy_file.document(POLICY)
    del document[table][name]
    if table == "lanes":
        for category in document["categories"].values():
            if category["lane"] == name:
                category["lane"] = "otp"
    return document


class Nobody:
    """Stands for the Celery queues, which this test does not need; notes which would have been filled."""

    def __init__(self):
        self.filled = []

    def top_up(self, queue):
        self.filled.append(queue)
        return 0


def awake(store):
    """Let the pump and dispatch do what is due, until nothing is; returns what waits for the provider."""
    while store.wake(retention=LEASE).moves:
        for queue in store.policies.layout.dispatch:
            _, ids = store.take(queue, lease=LEASE)
            if ids:
                Dispatch(store, Nobody()).run(ids)
    return store.redis.zcard(store.keys.ready("submit.twilio.service"))


def test_a_loosened_rule_frees_what_sleeps_a_few_at_a_time(night, client):
    held(client, 250)
    assert awake(night) == 0
    night.policies.publish(policy(quiet={"open": "24/7"}))
    freed, steps, done = [], 0, False
    while not done:
        _, done = night.relook(limit=100, margin=MARGIN)
        steps += 1
        freed.append(awake(night))

    assert freed[-1] == 250
    assert steps == 3
    assert freed[0] == 100
    assert night.relook(limit=100, margin=MARGIN) == (0, True)  # once for each version


def test_what_another_reason_holds_is_left_alone(night, client):
    held(client, 150)
    at = night.clock.now() + timedelta(hours=1)
    client.send_many(
        [Message(to="+12025550123", text="Hi.", category="alert", not_before=at, validity=timedelta(hours=3))] * 230
    )
    night.policies.publish(policy(quiet={"open": "24/7"}))
    done = False
    while not done:
        _, done = night.relook(limit=100, margin=MARGIN)
        awake(night)

    assert night.redis.zcard(night.keys.ready("submit.twilio.service")) == 150
    assert night.redis.zcard(night.keys.due) == 230


def test_what_the_new_policy_holds_as_well_sleeps_again_until_the_same_instant(night, client):
    ids = held(client, 50)
    before = [night.redis.zscore(night.keys.due, id) for id in ids]
    night.policies.publish(policy(numbers={"accept_fiction": True}, quiet={"guard": "61s"}))
    night.relook(limit=100, margin=MARGIN)
    awake(night)

    after = [night.redis.zscore(night.keys.due, id) for id in ids]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1000] * 50
    assert {one.envelope.decisions[-1].policy for one in night.load(ids)} == {night.policies.current.version}


@pytest.mark.parametrize(
    ("hours", "what"),
    [("24/7", "now"), ("Mo-Su 06:00-21:00", "earlier"), ("Mo-Su 12:00-21:00", "later"), ("Mo-Su 08:00-21:00", "stays")],
)
def test_a_preview_says_what_a_policy_would_do_and_changes_nothing(night, client, hours, what):
    ids = held(client, 30)
    before = night.redis.zrange(night.keys.due, 0, -1, withscores=True)

    seen = preview(night, policies.read(policy(quiet={"open": hours})))

    assert (seen.held, seen.looked_at) == (30, 30)
    assert sum(count for (move, _), count in seen.moves.items() if move == what) == 30, seen.moves
    assert night.redis.zrange(night.keys.due, 0, -1, withscores=True) == before
    assert night.load(ids[:1])[0].envelope.reason is Reason.QUIET_HOURS


@pytest.mark.parametrize(
    ("table", "name", "says"),
    [
        ("categories", "alert", r"categories.alert: 3 messages are open"),
        ("lanes", "service", r"lanes.service: 3 messages wait in its queues"),
    ],
)
def test_a_policy_may_not_drop_what_open_messages_need(store, client, table, name, says):
    ids = [client.send(Message(to="+12025550123", text="Hi.", category="alert")).id for _ in range(3)]
    fresh = policies.read(without(table, name))

    with pytest.raises(InvalidPolicy, match=says):
        in_use.check(store, fresh)
    client.cancel(ids)
    in_use.check(store, fresh)
