"""The ledger that demo and fault laboratory count with."""

from __future__ import annotations

from types import SimpleNamespace

from lab.ledger import _homes
from smsqueue import Message


def test_what_a_recipient_had_within_a_day_is_no_home(client):
    id = client.send(Message(to="+12025550123", text="Hello.", category="bulk")).id
    store = client.store
    store.redis.zadd(store.keys.cap("token"), {id: 1})

    assert _homes(SimpleNamespace(client=client)) == {id: 1}
