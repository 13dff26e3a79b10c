"""While one-time codes are about, what carries many messages goes in small calls."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smsqueue import Message
from smsqueue.store.courtesy import PART, SMALL, Courtesy
from smsqueue.store.store import CALL_MAX, MOVE_MAX


@pytest.fixture
def many(client):
    messages = [Message(to=f"+1202555{100 + n:04}", text="Hi.", category="alert") for n in range(CALL_MAX)]
    return [accepted.id for accepted in client.send_many(messages)]


def calls(store):
    return store.redis.info("commandstats")["cmdstat_evalsha"]["calls"]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        pytest.param(False, 1, id="as many as a call may carry while there are none"),
        pytest.param(True, CALL_MAX // SMALL, id="in small parts while there are"),
    ],
)
def test_messages_are_read(store, many, codes, expected):
    store.greet()
    if codes:
        store.courtesy.make_way()
    before = calls(store)

    assert [one.envelope.id for one in store.load(many)] == many

    assert calls(store) - before == expected


def test_a_tick_wakes_less_at_a_time_while_codes_are_about(store, many):
    assert len(store.take("dispatch.service", lease=timedelta(0))[1]) == len(many)
    store.courtesy.make_way()

    assert store.wake(retention=timedelta(days=1)).moves == MOVE_MAX // PART


def test_courtesy_ends_a_while_after_the_last_code():
    courtesy = Courtesy()

    assert courtesy.most(CALL_MAX) == CALL_MAX
    courtesy.make_way()
    assert courtesy.most(CALL_MAX) == SMALL
    assert courtesy.most(10) == 10
