"""While the server refuses whatever needs memory, operators can still pause and recover, and workers still beat."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smsqueue import InvalidMessage, Message
from smsqueue.store import pauses
from smsqueue.store.recovery import recover
from workers.beat import Beat


@pytest.fixture
def full(store, client):
    """Return a store that holds one message, on a server whose memory is full."""
    client.send(Message(to="+12025550123", text="Hello.", category="alert", campaign="spring"))
    store.redis.config_set("maxmemory", 1)
    yield store
    store.redis.config_set("maxmemory", 0)


def test_a_pause_is_set_and_lifted(full):
    pauses.pause(full, "lane", "service")
    assert list(pauses.listed(full)) == ["lane:service"]

    pauses.resume(full, "lane", "service")
    assert not pauses.listed(full)


def test_a_campaign_is_withdrawn(full):
    pauses.withdraw(full, "spring")

    assert list(pauses.listed(full)) == ["withdrawn:spring"]


def test_a_store_is_recovered(full):
    before = full.epoch.highest

    assert recover(full) == {"doubt": 1}
    assert full.epoch.highest > before
    assert not pauses.listed(full)


def test_a_worker_shows_a_sign_of_life_and_takes_it_back(full):
    beat = Beat(full, "dispatch")
    beat.beat()
    assert full.redis.hlen(full.keys.beats) == 1

    beat.stop()
    assert full.redis.hlen(full.keys.beats) == 0


def test_the_door_is_closed_and_opened(full):
    full.close_door(["promotional", "service"], lasts=timedelta(seconds=30))
    assert full.redis.get(full.keys.door) == b",promotional,service,"
    assert 0 < full.redis.pttl(full.keys.door) <= 30_000

    full.close_door([], lasts=timedelta(seconds=30))
    assert not full.redis.exists(full.keys.door)


def test_pausing_twice_keeps_since_when(store):
    pauses.pause(store, "lane", "service")
    since = pauses.listed(store)
    pauses.pause(store, "lane", "service")

    assert pauses.listed(store) == since


@pytest.mark.parametrize(
    ("scope", "says"),
    [
        pytest.param(("lane", "service"), "service is not paused, and nothing waits for it", id="a lane"),
        pytest.param(("campaign", "spring"), "spring is not paused, and nothing waits for it", id="a campaign"),
        pytest.param(("all", ""), "everything is not paused, and nothing waits for it", id="everything"),
    ],
)
def test_resuming_what_is_not_paused_is_told_in_a_sentence_and_changes_nothing(scope, says, store):
    pauses.pause(store, "lane", "otp")

    with pytest.raises(InvalidMessage, match=says):
        pauses.resume(store, *scope)
    assert list(pauses.listed(store)) == ["lane:otp"]
