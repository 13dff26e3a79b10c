"""A provider whose calls end badly one after the other: it is probed now and then, and all others wait."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lab.system import POLICY
from smsqueue import Message, policy_file
from smsqueue.core.decide import decide
from smsqueue.store import pauses
from smsqueue.store.store import Passage
from workers.carry_out import Decided, carry_out

LEASE = timedelta(minutes=10)
QUEUE = "submit.twilio.service"


class Waiting:
    """Messages that wait for one provider, and a clock."""

    def __init__(self, store, client, travel, count):
        self._store, self._travel, self._now = store, travel, timedelta(0)
        ids = [client.send(Message(to="+12025550123", text="Hello.", category="alert")).id for _ in range(count)]
        store.take("dispatch.service", lease=LEASE)
        now = store.clock.now()
        decided = [Decided(e, decide(e, store.policies.current, facts, now)) for e, _, facts in store.load(ids)]
        carry_out(store, decided, now)

    def later(self, seconds):
        self._now += timedelta(seconds=seconds)
        self._travel(self._now)

    def take(self):
        alone, ids = self._store.take(QUEUE, lease=LEASE)
        until = self._store.clock.now() + timedelta(minutes=5)
        return [Passage(one.envelope, until) for one in self._store.load(alone + ids)]

    def gate(self, fence):
        """Take what may be taken, ask for all of it, and give back who did not pass."""
        passages = self.take()
        codes = self._store.gate(passages, fence=fence, queue=QUEUE, lease=LEASE)
        back = [p.envelope.id for p, code in zip(passages, codes, strict=True) if code == "ailing"]
        self._store.give_back(QUEUE, back)
        return codes


@pytest.fixture
def waiting(store, client, travel):
    return Waiting(store, client, travel, 6)


def ailing(store):
    """Say who is shown as ailing beside each message."""
    return store.load(["0" * 18])[0].facts.ailing_providers


def test_twenty_bad_ends_in_a_row_make_it_ailing(store):
    assert store.health("twilio", well=False, bad=19) == ""
    assert not ailing(store)
    assert store.health("twilio", well=False, bad=1) == "ailing"
    assert ailing(store) == {"twilio"}
    assert store.health("twilio", well=False, bad=30) == ""  # no news


def test_a_good_end_begins_a_new_row(store):
    store.health("twilio", well=False, bad=19)
    assert store.health("twilio", well=True, bad=19) == ""
    assert not ailing(store)


def test_what_is_long_ago_is_of_another_row(store, travel):
    store.health("twilio", well=False, bad=19)
    travel(timedelta(seconds=61))
    assert store.health("twilio", well=False, bad=19) == ""
    assert not ailing(store)


def test_nothing_is_taken_for_it_until_it_may_be_probed_and_then_one_passes(store, waiting):
    store.health("twilio", well=False, bad=20)
    assert waiting.take() == []
    waiting.later(1)
    assert waiting.gate("fence") == ["probe", *["ailing"] * 5]
    assert waiting.take() == []


def test_each_probe_waits_twice_as_long_as_the_last_and_ten_seconds_at_most(store, waiting):
    store.health("twilio", well=False, bad=20)
    gaps = []
    for n in range(6):
        gaps.append(int(store.redis.hget(store.keys.health, "gap|twilio")) / 1000)
        waiting.later(gaps[-1])
        assert waiting.gate(f"fence {n}") == ["probe", *["ailing"] * (5 - n)]

    assert gaps == [1, 2, 4, 8, 10, 10]


def test_whose_probe_is_long_due_is_not_shown_as_ailing_or_nobody_would_be_one(store, waiting):
    store.health("twilio", well=False, bad=20)
    for seconds, shown in ((0, {"twilio"}), (2, {"twilio"}), (1.5, set())):
        waiting.later(seconds)
        assert ailing(store) == shown
    waiting.gate("fence")
    assert ailing(store) == {"twilio"}


def test_one_time_codes_are_probes_when_nothing_else_is(store, client, travel):
    code = client.send(Message(to="+12025550123", text="493817", category="otp")).id
    store.health("twilio", well=False, bad=20)
    for seconds, shown in ((0, {"twilio"}), (4, {"twilio"}), (6, set())):
        travel(timedelta(seconds=seconds))
        assert store.load([code])[0].facts.ailing_providers == shown


def test_while_it_is_ailing_few_are_handed_out_to_let_one_pass(store, client, travel):
    waiting = Waiting(store, client, travel, 30)
    store.health("twilio", well=False, bad=20)
    waiting.later(1)

    assert len(waiting.take()) == 20


def test_while_there_is_a_row_of_bad_ends_a_good_one_is_news(store, waiting):
    store.health("twilio", well=False, bad=3)

    assert waiting.gate("fence") == ["watch"] * 6


def test_a_server_whose_clock_was_set_back_does_not_wait_for_it(store, client, travel):
    travel(timedelta(hours=1))
    store.health("twilio", well=False, bad=20)
    travel(timedelta(0))
    waiting = Waiting(store, client, travel, 6)

    assert waiting.gate("fence")[0] == "probe"
    assert waiting.take() == []


def test_a_probe_that_ends_well_lets_all_go(store, waiting):
    store.health("twilio", well=False, bad=20)
    waiting.later(1)
    waiting.gate("first")
    assert store.health("twilio", well=True, bad=0) == "well"
    assert waiting.gate("second") == ["yes"] * 5
    assert not store.redis.exists(store.keys.health)


def test_a_gate_whose_answer_was_lost_probes_once(store, waiting):
    store.health("twilio", well=False, bad=20)
    waiting.later(1)
    passages = waiting.take()
    first = store.gate(passages, fence="fence", queue=QUEUE, lease=LEASE)

    assert store.gate(passages, fence="fence", queue=QUEUE, lease=LEASE) == first == ["probe", *["ailing"] * 5]


def test_another_provider_is_not_concerned(store, waiting):
    store.health("console", well=False, bad=20)
    assert waiting.gate("fence") == ["yes"] * 6


def test_what_was_not_let_pass_waits_where_it_waited(store, waiting):
    key = store.keys.ready(QUEUE)
    before = store.redis.zrange(key, 0, -1, withscores=True)
    store.health("twilio", well=False, bad=20)
    waiting.later(1)
    waiting.gate("fence")

    after = store.redis.zrange(key, 0, -1, withscores=True)
    assert len(after) == 5
    assert set(after) <= set(before)


class Ways:
    """A backlog for one provider, of messages of which some may go by another."""

    def __init__(self, store, client):
        document = document_of_two()
        document["categories"]["alert"]["routes"] = ["twilio", "console"]
        store.policies.publish(document)
        store.greet()
        for category in ("alert", "notice"):
            message = Message(to="+12025550123", text="Hello.", category=category)
            ids = [one.id for one in client.send_many([message] * 150)]
            store.take("dispatch.service", lease=LEASE)
            now = store.clock.now()
            carry_out(
                store,
                [Decided(e, decide(e, store.policies.current, facts, now)) for e, _, facts in store.load(ids)],
                now,
            )
        self._store = store

    def waiting(self):
        keys = self._store.keys
        homes = (QUEUE, "submit.console.service", "dispatch.service")
        return [self._store.redis.zcard(keys.ready(queue)) for queue in homes]

    def look_through(self, most=20):
        for _ in range(most):
            if self._store.reroute(limit=50)[1]:
                return
        raise AssertionError("it has no end")

    def dispatch(self):
        store = self._store
        while ids := store.take("dispatch.service", lease=LEASE)[1]:
            now = store.clock.now()
            carry_out(
                store,
                [Decided(e, decide(e, store.policies.current, facts, now)) for e, _, facts in store.load(ids)],
                now,
            )


def document_of_two():
    """Return a policy with two categories that differ in nothing but their routes."""
    document = policy_file.document(POLICY)
    document["categories"]["notice"] = dict(document["categories"]["alert"])
    return document


@pytest.fixture
def ways(store, client):
    return Ways(store, client)


def test_what_waits_for_an_ailing_provider_and_has_another_way_takes_it(store, ways):
    assert ways.waiting() == [300, 0, 0]
    assert store.reroute(limit=50) == (0, True)

    store.health("twilio", well=False, bad=20)
    ways.look_through()
    assert ways.waiting() == [150, 0, 150]
    ways.dispatch()
    assert ways.waiting() == [150, 150, 0]
    assert store.reroute(limit=50) == (0, True)


def test_after_a_new_policy_it_is_looked_through_again(store, ways):
    store.health("twilio", well=False, bad=20)
    ways.look_through()
    ways.dispatch()
    document = document_of_two()
    document["categories"]["notice"]["routes"] = ["twilio", "console"]
    store.policies.publish(document)
    store.greet()
    store.relook(limit=50, margin=LEASE)
    ways.look_through()

    assert ways.waiting() == [0, 150, 150]


def test_after_a_pause_it_is_looked_through_again(store, ways):
    pauses.pause(store, "provider", "console")
    store.health("twilio", well=False, bad=20)
    ways.look_through()
    ways.dispatch()
    assert ways.waiting() == [300, 0, 0]
    pauses.resume(store, "provider", "console")
    ways.look_through()
    ways.dispatch()

    assert ways.waiting() == [150, 150, 0]
