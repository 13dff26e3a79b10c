"""The ledger can see: each thing that must not happen is planted once, and found in its column and in no other."""

from __future__ import annotations

import base64
import gzip
import time

import pytest
from redis import Redis

from lab import books
from lab.faults import traffic
from lab.faults.leaks import leaks
from lab.faults.scenario import Row
from lab.ledger import Ledger, Silence, Stop, Told, weigh

NOW = time.time()
LONDON, NIGHT, DAY = "+447700900123", 1_800_054_000.0, 1_800_014_400.0  # a January's 23:00 and 12:00 in London
TORONTO = 1_800_060_300.0  # 19:45 there
COLUMNS = ("gone", "stuck", "twice_not_allowed", "twice_allowed", "late", "at_night", "after_stop", "in_doubt")


def planted(redis, **changes):
    """Write one message into the store as it lies there, by hand; by default one that is submitted."""
    message = {
        "id": "00abcdefghijklmnop", "state": "submitted", "reason": "none", "home": "due", "places": ("due",),
        "category": "alert", "deadline": NOW + 86_400, "score": NOW + 86_400, "told": (), **changes,
    }  # fmt: skip
    redis.flushall()
    redis.hset(
        f"sms:{{0}}:e:{message['id']}",
        mapping={
            "s": message["state"], "rs": message["reason"], "v": 1, "h": message["home"], "c": message["category"],
            "l": "service", "g": "faults", "dl": int(message["deadline"] * 1000),
        },
    )  # fmt: skip
    for place in message["places"]:
        redis.zadd(f"sms:{{0}}:{place}", {message["id"]: message["score"] * 1000})
    for state in message["told"]:
        redis.xadd("sms:{0}:events", {"id": message["id"], "state": state})
    return message["id"]


def final(state, **changes):
    return {"state": state, "home": "", "places": (), "told": (state,), **changes}


def provider(*first_bytes, taken=1, to=LONDON):
    return {"first_bytes": list(first_bytes), "taken": taken, "requests": len(first_bytes), "to": to}


def seen(redis, id, record, **told):
    ledger = weigh(books.read(redis, "faults"), {id: record} if record else {}, Told(ids=[id], **told))
    return {column: getattr(ledger, column) for column in COLUMNS if getattr(ledger, column)}


SENT = provider(NOW)
HELD = {"state": "held", "home": "due", "places": ("due",)}


@pytest.mark.parametrize(
    ("message", "record", "column"),
    [
        pytest.param({}, None, "gone", id="said to be submitted, and the provider never had it"),
        pytest.param(final("failed"), SENT, "gone", id="said to have failed, and the provider has it"),
        pytest.param(final("expired"), SENT, "gone", id="said to have expired, and the provider has it"),
        pytest.param(final("failed", reason="poison"), None, "gone", id="given up, though nobody had broken it"),
        pytest.param(final("cancelled", told=()), None, "gone", id="ended, and nobody was told"),
        pytest.param(final("cancelled", told=("failed", "cancelled")), None, "gone", id="ended twice"),
        pytest.param({**HELD, "places": ()}, None, "stuck", id="open without a home"),
        pytest.param({**HELD, "places": ("due", "park:paused")}, None, "stuck", id="open in two homes"),
        pytest.param({**HELD, "places": ("ready:dispatch.otp",)}, None, "stuck", id="in a home it does not name"),
        pytest.param({**HELD, "score": NOW - 60}, None, "stuck", id="asleep, and nobody wakes it"),
        pytest.param(
            {"state": "queued", "home": "dispatch.otp", "places": ("out:dispatch.otp",), "score": NOW - 60},
            None, "stuck", id="handed out, and nobody takes it back",
        ),
        pytest.param(
            {"state": "submitting", "home": "wire:twilio.otp", "places": ("wire:twilio.otp",), "score": NOW - 60},
            SENT, "stuck", id="on the wire long after its lease",
        ),
        pytest.param(final("expired", places=("due",)), None, "stuck", id="final, and still in a home"),
        pytest.param({}, provider(NOW, NOW, taken=2), "twice_not_allowed", id="sent twice"),
        pytest.param({"category": "otp"}, provider(NOW, NOW, taken=2), "twice_allowed", id="a code sent twice"),
        pytest.param({"deadline": NOW - 1}, SENT, "late", id="a second after its deadline"),
        pytest.param(
            {"category": "service", "deadline": NIGHT + 60}, provider(NIGHT), "at_night", id="at eleven in the evening"
        ),
        pytest.param({"state": "unknown"}, SENT, "in_doubt", id="in doubt"),
    ],
)  # fmt: skip
def test_the_ledger_finds_what_is(message, record, column, store):
    id = planted(store.redis, **message)

    assert seen(store.redis, id, record) == {column: 1}


def test_the_ledger_finds_a_message_that_the_store_does_not_know(store):
    store.redis.flushall()

    assert seen(store.redis, "00abcdefghijklmnop", None) == {"gone": 1}


@pytest.mark.parametrize(
    ("message", "record"),
    [
        pytest.param({}, SENT, id="submitted"),
        pytest.param({**HELD}, None, id="asleep"),
        pytest.param(final("delivered"), SENT, id="delivered"),
        pytest.param(final("expired"), None, id="expired"),
        pytest.param({}, provider(NOW, NOW), id="tried twice, taken once"),
        pytest.param({"category": "service", "deadline": DAY + 60}, provider(DAY), id="sent by day"),
        pytest.param(
            {"category": "service", "deadline": TORONTO + 60},
            provider(TORONTO, to="+14165550123"),
            id="sent by day where its area code is, when Newfoundland is quiet",
        ),
        pytest.param({"category": "alert", "deadline": NIGHT + 60}, provider(NIGHT), id="at night, which it may"),
        pytest.param(
            {"state": "queued", "home": "dispatch.otp", "places": ("ready:dispatch.otp",)}, None, id="waiting"
        ),
    ],
)
def test_the_ledger_finds_nothing_wrong_with_what_is(message, record, store):
    id = planted(store.redis, **message)

    assert seen(store.redis, id, record) == {}


@pytest.mark.parametrize(
    ("at", "told", "found"),
    [
        pytest.param(1.0, {"stops": (0.5, 0)}, 1, id="after it was cancelled"),
        pytest.param(0.4, {"stops": (0.5, 0)}, 0, id="before it was cancelled"),
        pytest.param(1.0, {"stops": (0.5, 1)}, 0, id="with a call that was under way"),
        pytest.param(5.0, {"silences": (0.0, 9.0)}, 1, id="while it was paused"),
        pytest.param(1.0, {"silences": (0.0, 9.0)}, 0, id="with a call that had passed the gate before a pause"),
        pytest.param(9.5, {"silences": (0.0, 9.0)}, 0, id="after a pause"),
    ],
)
def test_the_ledger_counts_what_goes_out(at, told, found, store):
    id = planted(store.redis)
    stops = [Stop(id, NOW + told["stops"][0], told["stops"][1])] if "stops" in told else []
    silences = [Silence("lane", "service", *(NOW + t for t in told["silences"]))] if "silences" in told else []

    assert seen(store.redis, id, provider(NOW + at), stops=stops, silences=silences).get("after_stop", 0) == found


def test_what_a_recipient_had_within_a_day_is_no_home(store):
    id = planted(store.redis)
    store.redis.zadd("sms:{0}:cap:token", {id: 1})

    assert seen(store.redis, id, SENT) == {}


def test_what_was_broken_on_purpose_may_end_as_poison(store):
    id = planted(store.redis, **final("failed", reason="poison"))

    assert seen(store.redis, id, None, broken=[id]) == {}


PERSON = traffic.ALIVE[7]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PERSON.number.encode(), id="a number"),
        pytest.param(PERSON.text.encode(), id="a text"),
        pytest.param(f"({PERSON.national[:3]}) {PERSON.national[3:6]}-{PERSON.national[6:]}".encode(), id="as read"),
        pytest.param(base64.b64encode(b'{"to": "' + PERSON.number.encode() + b'"}'), id="a number in Base64"),
        pytest.param(gzip.compress(PERSON.text.encode()), id="a text that is compressed"),
        pytest.param(PERSON.text.encode().hex().encode(), id="a text in hexadecimal"),
        pytest.param(int(PERSON.digits).to_bytes(8, "little"), id="a number in eight bytes"),
    ],
)
def test_a_file_is_a_leak_that_holds(data, tmp_path, broker):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "submit.1.log").write_bytes(b"before " + data + b" after")
    (tmp_path / "logs" / "clean.log").write_bytes(b"nothing of anybody")

    assert leaks(tmp_path, broker.url) == 1


def test_a_key_of_the_broker_is_a_leak_that_holds_a_number(tmp_path, broker):
    with Redis.from_url(broker.url) as redis:
        redis.lpush("sms:broker:dispatch.otp", PERSON.number)
        assert leaks(tmp_path, broker.url) == 1
        redis.flushall()


@pytest.mark.parametrize(
    "column",
    ["lost", "stuck", "twice_not_allowed", "late", "night", "leaked", "after_stop", "found_by_audit"],
)
def test_a_row_is_not_kept_with_one_in_its_column(column):
    assert Row("a fault").kept
    assert not Row("a fault", **{column: 1}).kept
    assert Row("a fault", twice_allowed=9, in_doubt=9, in_doubt_at_provider=9, forgotten=9).kept


def test_a_fault_that_was_none_is_no_proof():
    assert not Row("a fault", missed="the answer to gate is lost").kept


def test_the_ledger_tells_people_what_it_counted():
    ledger = Ledger(accepted=2, lost=1)

    assert ("lost", 1) in ledger.rows()
