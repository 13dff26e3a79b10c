"""The proxy's faults are what they say: a lost answer means a request that was carried out."""

from __future__ import annotations

import time

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import TimeoutError as NoAnswer
from redis.retry import Retry

from lab.proxy import Proxy


@pytest.fixture
def proxied(server, store):
    with Proxy(server.port) as proxy, Redis(port=proxy.port, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as redis:
        yield proxy, redis


def test_an_answer_is_lost_once_and_the_request_is_done(proxied):
    proxy, redis = proxied
    lost = proxy.lose_answer(b"counter")

    with pytest.raises(LostConnection):
        redis.incr("counter")

    assert lost.wait(1)
    assert redis.incr("counter") == 2  # the next one is answered


def test_other_answers_are_not_lost(proxied):
    proxy, redis = proxied
    lost = proxy.lose_answer(b"counter")

    assert redis.ping()
    assert not lost.is_set()


def test_only_answers_are_late_when_asked_for(proxied, store):
    proxy, redis = proxied
    redis.ping()
    proxy.slow_down(2, answers_only=True)

    with pytest.raises(NoAnswer):
        redis.set("key", "value")

    assert store.redis.get("key") == b"value"


def test_a_silent_connection_is_neither_answered_nor_closed(proxied):
    proxy, redis = proxied
    redis.ping()
    proxy.silence()
    begun = time.monotonic()

    with pytest.raises(NoAnswer):
        redis.ping()
    assert time.monotonic() - begun > 0.9

    proxy.cut()
    proxy.speak()
    assert redis.ping()
