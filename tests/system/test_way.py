"""The whole way on real processes: receipts, pauses, garbage in the queues, a missing key."""

from __future__ import annotations

import http.client
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from redis import Redis

from lab.simulator.receipts import sign
from lab.system import POLICY, TOKEN, System
from lab.waiting import wait_for
from smsqueue import Message, Reason, State, policy_file
from smsqueue.store import pauses
from workers.celery_app import KEY_PREFIX
from workers.opening import callback_token

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    behaviour = {"latency_ms": 30, "callbacks": True, "callback_delay_ms": 20}
    with System(tmp_path_factory.mktemp("way"), behaviour=behaviour, web=True, SMSQUEUE_HINT_LEASE="3s") as running:
        running.fleet.workers(dispatch=1, submit=1)
        yield running


def send(system, digits, **changes):
    ask = {"to": f"+1202555{digits}", "text": "Your parcel is here.", "category": "alert", **changes}
    return system.client.send(Message(**ask)).id


def envelope(system, id):
    return system.client.status([id])[0]


def becomes(system, id, *states, within=15.0):
    wait_for(lambda: envelope(system, id).state in states, f"one of {states}", within=within)
    return envelope(system, id)


def received(system, id):
    return next((record for record in system.received() if record["id"] == id), None)


def test_a_message_reaches_the_provider_once_and_its_receipt_comes_back(system):
    id = send(system, "0101", validity=timedelta(minutes=10))

    found = becomes(system, id, State.DELIVERED)

    record = received(system, id)
    assert (record["taken"], record["requests"]) == (1, 1)
    assert 590 <= record["validity"][0] <= 600
    assert found.attempts[0].provider_id.startswith("SM")
    assert system.client.store.redis.exists(system.client.store.keys.payload(id)) == 0


@pytest.mark.parametrize(
    ("digits", "state", "reason", "taken"),
    [
        pytest.param("0180", State.FAILED, Reason.REJECTED, 0, id="a number the provider refuses"),
        pytest.param("0181", State.FAILED, Reason.OPTED_OUT, 0, id="a recipient who opted out"),
        pytest.param("0182", State.FAILED, Reason.REJECTED, 0, id="an error code nobody knows"),
        pytest.param("0190", State.UNKNOWN, Reason.ANSWER_LOST, 0, id="a 500 without a word of the provider's"),
        pytest.param("0184", State.UNKNOWN, Reason.ANSWER_LOST, 0, id="a page of HTML from a gateway"),
        pytest.param("0185", State.HELD, Reason.ACCOUNT, 0, id="credentials that are refused"),
        pytest.param("0198", State.HELD, Reason.ACCOUNT, 0, id="a redirect, which is not followed"),
        pytest.param("0193", State.DELIVERED, Reason.RECEIPT, 1, id="taken, then hung up: the receipt resolves it"),
        pytest.param("0195", State.DELIVERED, Reason.RECEIPT, 1, id="an answer that is not JSON, then a receipt"),
        pytest.param("0196", State.DELIVERED, Reason.RECEIPT, 1, id="an answer cut short, then a receipt"),
        pytest.param("0197", State.DELIVERED, Reason.RECEIPT, 1, id="an answer of megabytes, then a receipt"),
        pytest.param("0191", State.DELIVERED, Reason.RECEIPT, 1, id="throttled first, then accepted"),
        pytest.param("0170", State.UNDELIVERED, Reason.RECEIPT, 1, id="a receipt that says undelivered"),
        pytest.param("0172", State.DELIVERED, Reason.RECEIPT, 1, id="a receipt before the answer"),
        pytest.param("0173", State.DELIVERED, Reason.RECEIPT, 1, id="receipts that come twice"),
        pytest.param("0174", State.DELIVERED, Reason.RECEIPT, 1, id="receipts in the wrong order"),
        pytest.param("0175", State.DELIVERED, Reason.RECEIPT, 1, id="a forged receipt, then the right one"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_message_when_the_provider_misbehaves(system, digits, state, reason, taken):
    id = send(system, digits)

    wait_for(lambda: (envelope(system, id).state, envelope(system, id).reason) == (state, reason), state)

    record = received(system, id)
    assert record["taken"] == taken
    assert system.counts()["followed"] == 0


def test_a_receipt_that_may_have_been_delivered_leaves_it_submitted(system):
    id = send(system, "0171")

    assert becomes(system, id, State.SUBMITTED).state is State.SUBMITTED
    wait_for(lambda: envelope(system, id).attempts[0].result == "accepted", "the receipts")


def test_a_one_time_code_whose_answer_was_lost_is_sent_again_and_an_alert_is_not(system):
    code, alert = send(system, "0190", category="otp"), send(system, "0190")

    wait_for(lambda: (received(system, code) or {}).get("requests") == 3, "three submits of the code")

    assert received(system, alert)["requests"] == 1


def post(system, path, form, signature):
    connection = http.client.HTTPConnection("127.0.0.1", system.web_port, timeout=10)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    connection.request("POST", path, urlencode(form), headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_receipts_that_are_forged_unknown_or_garbage_change_nothing(system):
    id = send(system, "0192")  # the provider never answers
    fence = becomes(system, id, State.SUBMITTING).fence
    mark = callback_token(system.keyring.subjects, "twilio", id, fence)
    other = callback_token(system.keyring.subjects, "twilio", "00" + "A" * 16, fence)
    base = f"http://127.0.0.1:{system.web_port}"
    form = {"MessageSid": "SM" + "0" * 32, "MessageStatus": "delivered"}
    good, path = f"/receipts/twilio/{id}/{fence}/{mark}", f"/receipts/twilio/{id}/{fence}/{'x' * 20}"

    statuses = [
        post(system, good, form, "bm90IHRoZSBzaWduYXR1cmU="),
        post(system, path, form, sign(base + path, form, TOKEN)),
        post(system, good, {"garbage": "1"}, sign(base + good, {"garbage": "1"}, TOKEN)),
        post(system, good, {"x": "y" * 100_000}, "x"),
    ]
    unknown = f"/receipts/twilio/{'00' + 'A' * 16}/{fence}/{other}"
    statuses.append(post(system, unknown, form, sign(base + unknown, form, TOKEN)))

    assert statuses == [403, 403, 400, 403, 204]
    assert envelope(system, id).state is State.SUBMITTING
    assert post(system, good, form, sign(base + good, form, TOKEN)) == 204
    assert envelope(system, id).state is State.DELIVERED


def test_a_pause_stops_what_comes_after_and_resume_lets_it_go(system):
    store = system.client.store
    pauses.pause(store, "category", "alert")
    id = send(system, "0102")
    wait_for(lambda: envelope(system, id).home == "park:paused", "parking")
    assert received(system, id) is None

    pauses.resume(store, "category", "alert")

    becomes(system, id, State.DELIVERED)


def celery_message(task, args):
    headers = {"lang": "py", "task": task, "id": "x", "root_id": "x", "parent_id": None, "group": None}
    body = json.dumps([args, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    properties = {"correlation_id": "x", "delivery_mode": 2, "delivery_tag": "t", "body_encoding": "utf-8",
                  "delivery_info": {"exchange": "", "routing_key": "dispatch.service"}}  # fmt: skip
    return json.dumps(
        {
            "body": body,
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": headers,
            "properties": properties,
        }
    )


@pytest.mark.parametrize("queue", ["dispatch.service", "submit.twilio.service"])
@pytest.mark.parametrize(
    "element",
    [
        pytest.param(celery_message("smsqueue.nonsense", []), id="an unknown task"),
        pytest.param(celery_message("celery.map", ["smsqueue.dispatch", []]), id="a built-in task"),
        pytest.param(celery_message("smsqueue.dispatch", ["+12025550123"]), id="a number as argument"),
        pytest.param(celery_message("smsqueue.dispatch", [["../../etc", 1]]), id="arguments that are no ids"),
        pytest.param(celery_message("smsqueue.submit", ["no.such.queue", ["00" + "A" * 16]]), id="a queue nobody has"),
        pytest.param(celery_message("smsqueue.dispatch", [["00" + "A" * 16]]), id="an id nobody knows"),
        pytest.param("this is not JSON +12025550123", id="not JSON"),
    ],
)
def test_whatever_is_in_the_celery_queues_the_next_message_goes_its_way(system, queue, element):
    with Redis.from_url(system.broker_server.url) as redis:
        redis.lpush(f"{KEY_PREFIX}{queue}", element)
    id = send(system, "0103")

    becomes(system, id, State.DELIVERED, within=40)
    assert "2025550123" not in "".join(process.said() for process in system.fleet.processes[1:])


def test_a_message_whose_key_is_missing_waits_and_is_not_lost(system):
    store = system.client.store
    pauses.pause(store, "category", "alert")
    id = send(system, "0104")
    wait_for(lambda: envelope(system, id).home == "park:paused", "parking")
    key, record = store.keys.payload(id), store.redis.get(store.keys.payload(id))
    forged = record[:4] + b"k9999-99-99"[: record[3]] + record[4 + record[3] :]
    store.redis.set(key, forged)

    pauses.resume(store, "category", "alert")

    wait_for(lambda: envelope(system, id).home == "park:unknown_key", "waiting for the key")
    store.redis.set(key, record)
    pauses.resume(store, "provider", "twilio")
    becomes(system, id, State.DELIVERED)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("dl", "99999999999999", id="a later deadline"),
        pytest.param("c", "otp", id="another category"),
        pytest.param("r", "FR", id="another country"),
    ],
)
def test_an_envelope_that_somebody_changed_is_never_submitted(system, field, value):
    store = system.client.store
    pauses.pause(store, "lane", "service")
    id = send(system, "0105")
    wait_for(lambda: envelope(system, id).home == "park:paused", "parking")
    store.redis.hset(store.keys.envelope(id), field, value)

    pauses.resume(store, "lane", "service")

    assert becomes(system, id, State.FAILED).reason is Reason.BAD_SEAL
    assert received(system, id) is None


def test_a_recipient_gets_no_more_of_a_category_than_it_allows_in_a_day(system):
    store = system.client.store
    document = policy_file.document(POLICY)
    document["categories"]["bulk"]["cap"] = 2
    store.policies.publish(document)
    store.greet()
    ids = [send(system, "0142", category="bulk") for _ in range(4)]
    wait_for(lambda: all(envelope(system, id).state is not State.QUEUED for id in ids), "four decisions")
    wait_for(lambda: sum(received(system, id) is not None for id in ids) == 2, "two at the provider")

    late = [envelope(system, id) for id in ids if received(system, id) is None]
    assert {(one.state, one.reason) for one in late} == {(State.EXPIRED, Reason.TTL_TOO_SHORT)}  # good for an hour only
