"""A shard that does not answer is let alone for a moment, and then asked by one at a time."""

from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from lab.waiting import wait_for
from smsqueue.errors import Misconfigured
from smsqueue.store.away import Away
from smsqueue.store.cluster import ADDRESS, Map
from smsqueue.store.server import connect


def test_after_a_failure_nobody_asks_then_one_does_and_an_answer_ends_it():
    away = Away()
    away.ended(RedisConnectionError())

    assert away.spared()
    wait_for(lambda: not away.spared(), "one that may ask")
    assert away.spared()  # the others go on being told at once
    away.ended()
    assert not away.spared()


def test_a_server_that_says_what_is_wrong_is_not_away():
    away = Away()

    away.ended(ResponseError("BEHIND"))

    assert not away.spared()


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("cluster://", id="no node"),
        pytest.param("cluster://host", id="no port"),
        pytest.param("cluster://host:1/0", id="a Cluster has no numbered databases"),
        pytest.param("clusters://host:1", id="another scheme"),
    ],
)
def test_an_address_of_a_cluster_that_cannot_be_read_is_refused(url):
    with pytest.raises(Misconfigured, match="SMSQUEUE_REDIS_URL"):
        connect(url, role="test")


def test_an_address_may_ask_for_tls_and_bring_a_login():
    match = ADDRESS.fullmatch("cluster+tls://user:secret@a.example:7000,b.example:7001")

    assert match is not None
    assert (match["tls"], match["user"], match["password"]) == ("+tls", "user", "secret")
    assert match["hosts"] == "a.example:7000,b.example:7001"


def test_a_cluster_of_which_nobody_answers_is_a_connection_error():
    with pytest.raises(RedisConnectionError, match="no node"):
        Map([("127.0.0.1", 1)]).owner(0)
