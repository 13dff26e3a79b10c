"""The backlog as an operator asks for it: exact where it counts, and by samples where counting would take long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smsqueue import Message
from smsqueue.store import backlog as backlogs
from smsqueue.store import pauses
from smsqueue.store.backlog import backlog

LEASE = timedelta(seconds=60)


def lines(found):
    return {line.what: line for line in found.lines}


def send(client, n, **changes):
    ask = {"to": "+12025550123", "text": "Hi.", "category": "alert", **changes}
    return [accepted.id for accepted in client.send_many([Message(**ask)] * n)]


def submits(store, n, category="alert"):
    """Write events as settles do."""
    fields = {"id": "x", "state": "submitted", "reason": "none", "category": category, "provider": "twilio"}
    with store.redis.pipeline(transaction=False) as pipe:
        for _ in range(n):
            pipe.xadd(store.keys.events, {**fields, "attempt": 1})
        pipe.execute()


def test_an_empty_store_has_no_backlog(store):
    found = backlog(store)

    assert {line.open for line in found.lines} == {0}
    assert (found.categories, found.samples) == ([], 0)


def test_a_lane_shows_what_waits_what_is_out_and_its_oldest(store, client, travel):
    send(client, 5)
    store.take("dispatch.service", lease=LEASE, limit=2)
    travel(timedelta(minutes=3))

    line = lines(backlog(store))["service"]

    assert (line.open, line.waiting, line.out) == (5, 3, 2)
    assert 180 <= line.oldest.total_seconds() < 190


def test_the_fate_follows_from_the_rate_of_the_last_minute(store, client):
    send(client, 100, validity=timedelta(minutes=1))
    send(client, 300, validity=timedelta(hours=1))
    submits(store, 60)  # one a second

    line = lines(backlog(store))["service"]

    assert line.rate == 1.0
    assert line.in_time + line.expires == 400
    assert 37 <= line.expires <= 45  # of the 100, as many as one a second leaves when the minute is over
    assert line.done is not None


def test_other_lanes_submits_say_nothing_about_this_one(store, client):
    send(client, 3)
    submits(store, 60, category="otp")

    found = lines(backlog(store))

    assert found["otp"].rate == 1.0
    assert (found["service"].rate, found["service"].in_time, found["service"].expires) == (0.0, None, None)


def test_what_has_not_moved_for_minutes_will_expire(store, client, travel):
    send(client, 3)
    travel(timedelta(minutes=3))

    line = lines(backlog(store))["service"]

    assert (line.in_time, line.expires, line.done) == (0, 3, None)


def test_the_rate_of_fast_traffic_is_measured_on_the_newest_events(store):
    submits(store, backlogs.EVENTS + 100)

    assert lines(backlog(store))["service"].rate > backlogs.EVENTS / 60  # they were written within seconds


def test_what_sleeps_and_what_is_parked_is_told_apart(store, client):
    send(client, 1, not_before=store.clock.now() + timedelta(minutes=10))
    send(client, 2, not_before=store.clock.now() + timedelta(hours=2))
    pauses.pause(store, "lane", "otp")
    store.redis.zadd(store.keys.home("park:paused"), {"x": 2**50})

    found = lines(backlog(store))

    assert found["asleep, wakes within an hour"].open == 1
    assert found["asleep, wakes later"].open == 2
    assert found["parked, paused"].open == 1


def test_what_should_be_awake_is_told_apart_from_what_sleeps(store, client, travel):
    send(client, 3, not_before=store.clock.now() + timedelta(minutes=10))
    send(client, 1, not_before=store.clock.now() + timedelta(minutes=50))
    travel(timedelta(minutes=20))

    found = lines(backlog(store))

    assert found["waking now"].open == 3
    assert found["waking now"].oldest > timedelta(minutes=9)
    assert found["asleep, wakes within an hour"].open == 1


def test_a_small_backlog_is_counted_by_category(store, client):
    send(client, 30)
    send(client, 10, category="otp")

    found = backlog(store)

    assert [(line.category, line.open) for line in found.categories] == [("alert", 30), ("otp", 10)]
    assert found.samples == 40


def test_a_large_backlog_is_estimated_from_samples(store, client):
    send(client, 2000)
    send(client, 1000, category="bulk")

    found = backlog(store)

    assert found.samples <= backlogs.SAMPLES
    estimates = {line.category: line.open for line in found.categories}
    assert estimates["alert"] == pytest.approx(2000, rel=0.05)
    assert estimates["bulk"] == pytest.approx(1000, rel=0.05)
