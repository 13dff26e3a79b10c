"""While memory is short, the least urgent lanes are closed first."""

from __future__ import annotations

import pytest

from smsqueue import InvalidMessage, Message, State
from workers.door import Door, closed_lanes

LANES = ["otp", "service", "promotional"]


@pytest.mark.parametrize(
    ("used", "closed"),
    [
        pytest.param(0, [], id="empty"),
        pytest.param(69, [], id="below 70 %"),
        pytest.param(70, ["promotional"], id="at 70 % promotional traffic stops"),
        pytest.param(80, ["service", "promotional"], id="at 80 % service messages too"),
        pytest.param(90, LANES, id="at 90 % everything"),
        pytest.param(100, LANES, id="full"),
    ],
)
def test_lanes_close_one_by_one(used, closed):
    assert closed_lanes(LANES, used, 100) == closed


def test_a_server_without_a_limit_closes_nothing():
    assert closed_lanes(LANES, 10**12, 0) == []


def test_the_door_closes_and_opens_again(store, client):
    used = store.redis.info("memory")["used_memory"]
    store.redis.config_set("maxmemory", int(used / 0.75))
    try:
        Door(store).look()
        with pytest.raises(InvalidMessage) as caught:
            client.send(Message(to="+12025550123", text="Sale!", category="bulk"))
        assert caught.value.rule == "memory_short"
        assert client.send(Message(to="+12025550123", text="Code 1", category="otp")).state is State.QUEUED
    finally:
        store.redis.config_set("maxmemory", "0")

    Door(store).look()

    assert client.send(Message(to="+12025550123", text="Sale!", category="bulk")).state is State.QUEUED
