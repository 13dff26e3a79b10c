"""A provider whose calls end badly one after the other: it is probed now and then, and all others wait."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smsqueue import Message
from smsqueue.core.decide import decide
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


def test_while_a_probe_is_due_it_is_not_shown_as_ailing_or_nobody_would_probe_it(store, waiting):
    store.health("twilio", well=False, bad=20)
    assert ailing(store) == {"twilio"}
    waiting.later(1)
    assert not ailing(store)
    waiting.gate("fence")
    assert ailing(store) == {"twilio"}


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
