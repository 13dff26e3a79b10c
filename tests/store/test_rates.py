"""A provider's rate: spent where ids are handed out, shared by lanes, and obeyed by everybody at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lab.system import POLICY
from smsqueue import InvalidPolicy, Message, policy_file
from smsqueue.core import policy as policies
from smsqueue.core.decide import decide
from smsqueue.core.facts import CLEAR
from smsqueue.store.store import Passage
from workers.carry_out import Decided, carry_out

LEASE = timedelta(seconds=60)
MINUTE = 60_000
OTP, SERVICE, BULK = (f"submit.twilio.{lane}" for lane in ("otp", "service", "promotional"))
CATEGORIES = {OTP: "otp", SERVICE: "alert", BULK: "bulk"}


def limit(store, **provider):
    """Put a policy with a limited provider in force."""
    document = policy_file.document(POLICY)
    twilio = {**document["providers"]["twilio"], **provider}
    store.policies.publish({**document, "providers": {**document["providers"], "twilio": twilio}})
    store.greet()


@pytest.fixture
def fill(client, store):
    """Put messages before a provider: `fill({BULK: 30}, text)`."""

    def fill_(counts, text="Hello."):
        for queue, count in counts.items():
            client.store.policies._current = None
            category = CATEGORIES[queue]
            client.send_many([Message(to="+12025550123", text=text, category=category) for _ in range(count)])
            dispatch = f"dispatch.{queue.split('.')[2]}"
            _, ids = store.take(dispatch, lease=LEASE)
            now = store.clock.now()
            decided = [
                Decided(one.envelope, decide(one.envelope, store.policies.current, CLEAR, now))
                for one in store.load(ids)
            ]
            carry_out(store, decided, now)

    return fill_


class Time:
    """The server's clock, stepped by hand: it stands still between steps for all that a rate can notice."""

    def __init__(self, store):
        self._store, self._start = store, int(store.clock.now().timestamp() * 1000)
        self.ms = 0
        self.step(0)

    def step(self, ms):
        self.ms += ms
        seconds, micros = self._store.redis.time()
        real = seconds * 1000 + micros // 1000
        self._store.redis.set(self._store.keys.clock, self._start + MINUTE + self.ms - real)


def took(store, queue):
    return len(store.take(queue, lease=LEASE)[1])


def test_no_second_sees_more_than_rate_and_burst(store, fill):
    limit(store, rate=20, burst=4)
    fill({BULK: 120})
    time = Time(store)
    at = []
    for _ in range(100):
        at += [time.ms] * took(store, BULK)
        time.step(50)

    for start in range(0, 4001, 50):
        assert sum(start <= when < start + 1000 for when in at) <= 20 + 4
    assert 95 <= len(at) <= 5 * 20 + 4


def test_a_rate_is_counted_in_segments(store, fill):
    limit(store, rate=20, burst=4)
    fill({BULK: 60}, text="x" * 400)  # three segments
    time = Time(store)
    count = 0
    for _ in range(60):
        count += took(store, BULK)
        time.step(50)

    assert 18 <= count <= (3 * 20 + 4) / 3 + 1


def test_a_message_larger_than_the_burst_goes_when_the_bucket_is_full(store, fill):
    limit(store, rate=10, burst=1)
    fill({BULK: 3}, text="x" * 400)
    time = Time(store)

    assert took(store, BULK) == 1
    time.step(290)
    assert took(store, BULK) == 0
    time.step(30)
    assert took(store, BULK) == 1


def test_a_one_time_code_goes_at_once_while_a_campaign_uses_up_the_rate(store, fill):
    limit(store, rate=50, burst=10)
    fill({BULK: 100})
    time = Time(store)
    while took(store, BULK):
        time.step(0)
    fill({OTP: 2})
    time.step(1)

    assert took(store, OTP) == 2
    assert took(store, BULK) == 0


def test_each_lane_gets_at_least_its_share_while_all_wait(store, fill):
    limit(store, rate=100, burst=10)
    fill({OTP: 150, SERVICE: 150, BULK: 150})
    shares = {queue: store.policies.current.lanes[queue.split(".")[2]].share for queue in CATEGORIES}
    time = Time(store)
    counts = dict.fromkeys(CATEGORIES, 0)
    for _ in range(40):  # two seconds, the greedy lane asking first each time
        for queue in (BULK, SERVICE, OTP):
            counts[queue] += took(store, queue)
        time.step(50)

    assert sum(counts.values()) <= 2 * 100 + 10
    for queue, share in shares.items():
        assert counts[queue] >= 0.8 * share * 200, counts


def test_what_one_lane_does_not_use_another_may(store, fill):
    limit(store, rate=100, burst=10)
    fill({BULK: 200})
    time = Time(store)
    count = 0
    for _ in range(20):
        count += took(store, BULK)
        time.step(50)

    assert count >= 95


def test_a_retry_after_is_obeyed_by_everybody(store, fill):
    fill({BULK: 10})
    time = Time(store)
    _, ids = store.take(BULK, lease=LEASE, limit=5)
    store.throttle("twilio", timedelta(seconds=30))
    store.throttle("twilio", timedelta(seconds=5))  # a shorter wish does not end a longer one
    passages = [Passage(one.envelope, store.clock.now() + LEASE) for one in store.load(ids)]

    assert store.gate(passages, fence="f", queue=BULK, lease=LEASE) == ["throttled"] * 5
    store.give_back(BULK, ids)
    assert took(store, BULK) == 0
    time.step(29_000)
    assert took(store, BULK) == 0
    time.step(1_100)
    assert took(store, BULK) == 10


@pytest.mark.parametrize("name", ["rate", "burst", "window"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_of_nothing_is_refused_with_what_to_do_instead(name, value):
    document = policy_file.document(POLICY)
    document["providers"]["twilio"][name] = value

    with pytest.raises(InvalidPolicy, match=rf"providers.twilio: {name} is above 0; .*smsqueue pause provider"):
        policies.read(document)
