"""Replicas: what was called safe survives the primary, and what is not safe says so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis

from lab.sentinels import Replicated
from lab.system import POLICY
from lab.waiting import wait_for
from smsqueue import Message, State, policy_file
from smsqueue.client import Client
from smsqueue.core.decide import decide
from smsqueue.core.facts import CLEAR
from smsqueue.errors import Misconfigured, SmsQueueError
from smsqueue.store.server import connect
from smsqueue.store.store import Passage, Store
from workers.carry_out import Decided, carry_out

pytestmark = pytest.mark.slow

LEASE = timedelta(seconds=60)
QUEUE = "submit.twilio.service"


@pytest.fixture
def servers(tmp_path):
    with Replicated(tmp_path) as running:
        yield running


@pytest.fixture
def store(servers):
    made = Store(connect(servers.url, role="test"), connect(servers.url, role="test", repeats=0), replicas=1)
    made.policies.publish(policy_file.document(POLICY))
    made.greet()
    return made


@pytest.fixture
def client(servers, store, keyring, monkeypatch):
    monkeypatch.setenv("SMSQUEUE_REPLICAS", "1")
    with Client(servers.url, keyring=keyring) as made:
        yield made


def message():
    return Message(to="+12025550123", text="Hello.", category="alert")


def gate(store, id, fence="fence"):
    store.take("dispatch.service", lease=LEASE)
    envelope = store.load([id])[0].envelope
    outcome = decide(envelope, store.policies.current, CLEAR, store.clock.now())
    carry_out(store, [Decided(envelope, outcome)], store.clock.now())
    store.take(QUEUE, lease=LEASE)
    passage = Passage(store.load([id])[0].envelope, outcome.valid_until)
    return store.gate([passage], fence=fence, queue=QUEUE, lease=LEASE)[0]


def test_what_was_accepted_and_let_onto_the_wire_survives_the_loss_of_the_primary(servers, store, client):
    sent = [client.send(message()) for _ in range(20)]
    assert all(one.replicated for one in sent)
    assert gate(store, sent[0].id) == "yes"

    servers.primary.kill()
    wait_for(lambda: servers.master_port() == servers.replica.port, "the failover", within=30)

    def answers():
        try:
            store.greet()
        except SmsQueueError:
            return False
        return True

    wait_for(answers, "the new primary", within=20)
    states = [envelope.state for envelope in client.status([one.id for one in sent])]
    assert states == [State.SUBMITTING, *[State.QUEUED] * 19]
    assert client.send(message()).replicated is False  # there is no second replica


def test_without_its_replica_a_message_is_accepted_and_called_what_it_is(servers, store, client):
    servers.replica.kill()

    first, second = client.send(message()), client.send(message())

    assert (first.replicated, second.replicated) == (False, False)
    assert client.store.replication.missing  # the second did not wait
    assert gate(store, first.id) == "alone"


def test_the_sentinels_without_a_master_are_named_and_nothing_is_accepted(servers, store, client):
    for server in (*servers.sentinels, servers.primary):
        server.kill()

    with pytest.raises(SmsQueueError, match="Is the server of SMSQUEUE_REDIS_URL up"):
        client.send_many([message()])


@pytest.mark.parametrize("url", ["sentinel://localhost", "sentinel:///name", "sentinel://host:port/name"])
def test_an_address_of_sentinels_that_cannot_be_read_is_refused(url):
    with pytest.raises(Misconfigured, match="sentinel://host:port,host:port/name"):
        connect(url, role="test")


def test_a_number_of_replicas_that_is_none_is_refused(servers, keyring, monkeypatch):
    monkeypatch.setenv("SMSQUEUE_REPLICAS", "one")
    with pytest.raises(Misconfigured, match="SMSQUEUE_REPLICAS"):
        Client(servers.url, keyring=keyring)


def test_without_a_quorum_of_sentinels_nobody_takes_over_and_nothing_is_accepted(servers, store, client):
    for server in (*servers.sentinels[1:], servers.primary):
        server.kill()

    with pytest.raises(SmsQueueError, match="Is the server of SMSQUEUE_REDIS_URL up"):
        client.send(message())
    with Redis.from_url(servers.replica.url) as replica:
        assert replica.role()[0] == b"slave"
        assert not list(replica.scan_iter(match="*}:e:*"))
