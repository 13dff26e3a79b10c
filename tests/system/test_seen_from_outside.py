"""What whoever watches sees of a running system, over HTTP."""

from __future__ import annotations

import http.client
import json

import pytest

from lab.system import System
from lab.waiting import wait_for
from smsqueue import Message, State
from smsqueue.store.audit import audit

pytestmark = pytest.mark.slow


@pytest.fixture
def system(tmp_path):
    with System(tmp_path, behaviour={"latency_ms": 30}, web=True) as running:
        yield running


def get(system, path):
    connection = http.client.HTTPConnection("127.0.0.1", system.web_port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def ready(system):
    status, body = get(system, "/readyz")
    assert (status == 200) is json.loads(body)["ready"]
    return json.loads(body)["wrong"]


def test_the_audit_finds_nothing_while_workers_run(system):
    system.fleet.workers(dispatch=1, submit=1)
    messages = [Message(to="+12025550101", text="Hi.", category="alert")] * 2000
    system.client.send_many(messages)
    store, looked = system.client.store, []

    def done():
        looked.append(audit(store))
        return store.redis.zcard(store.keys.due) == len(messages)

    wait_for(done, "all being submitted", within=60)

    assert len(looked) > 1
    assert [found.faults for found in looked] == [0] * len(looked)
    assert looked[-1].envelopes == len(messages)


def test_life_readiness_and_metrics_follow_what_happens(system):
    assert get(system, "/livez")[0] == 200
    assert ready(system) == ["dispatch", "submit"]
    dispatch, _ = system.fleet.workers(dispatch=1, submit=1)
    wait_for(lambda: ready(system) == [], "being ready")

    sent = [
        system.client.send(Message(to=f"+1202555{digits}", text="QZXSECRET", category="otp"))
        for digits in ("0101", "0102", "0103")
    ]
    for one in sent:
        wait_for(lambda id=one.id: system.client.status([id])[0].state is State.SUBMITTED, "a submit")
    text = get(system, "/metrics")[1]
    assert 'smsqueue_accepted_total{category="otp",lane="otp"} 3.0' in text
    assert 'smsqueue_submitted_total{category="otp",lane="otp",provider="twilio"} 3.0' in text
    assert 'smsqueue_processes{role="submit"} 1.0' in text
    assert "QZXSECRET" not in text
    assert "2025550101" not in text
    counted = 'smsqueue_provider_seconds_count{provider="twilio"} 3.0'
    wait_for(lambda: counted in get(system, "/metrics")[1], "the calls' durations, written with the next sign of life")

    assert dispatch.terminate() == 0
    assert ready(system) == ["dispatch"]
    system.store_server.kill()
    assert ready(system) == ["store"]
    assert get(system, "/livez")[0] == 200
    assert "smsqueue_store_up 0.0" in get(system, "/metrics")[1]
    system.store_server.start()
    wait_for(lambda: "store" not in ready(system), "the store's return")
