"""Accepting: validated, planned, stored once, on a real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lab.system import POLICY
from smsqueue import (
    AcceptanceUnknown,
    Accepted,
    Client,
    InvalidMessage,
    Message,
    Refused,
    State,
    StoreUnavailable,
    policy_file,
)
from smsqueue.core.states import Reason

NUMBER = "+12025550123"


def message(**changes) -> Message:
    return Message(**{"to": NUMBER, "text": "Your parcel is here.", "category": "alert", **changes})


def test_an_accepted_message_has_an_envelope_a_payload_and_one_home(client, store):
    accepted = client.send(message())

    assert accepted.state is State.QUEUED
    assert store.redis.zscore(store.keys.ready("dispatch.service"), accepted.id)
    assert store.redis.exists(store.keys.payload(accepted.id))
    assert store.load([accepted.id])[0].envelope.category == "alert"


def test_number_and_text_are_not_readable_in_the_store(client, store):
    client.send(message(text="Meet me at the QZXCANARY"))

    held = b"".join(store.redis.dump(key) for key in store.redis.scan_iter())
    assert b"QZXCANARY" not in held
    assert b"2025550123" not in held


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        pytest.param({"to": "12"}, "to", "no_country", id="a number without a country"),
        pytest.param({"to": "+1202555"}, "to", "too_short", id="a number that is too short"),
        pytest.param({"to": "+19995550123"}, "to", "unallocated", id="a number of a range that nobody has"),
        pytest.param({"to": "call me"}, "to", "not_a_number", id="words instead of a number"),
        pytest.param({"text": " "}, "text", "empty", id="an empty text"),
        pytest.param({"text": "x" * 100_000}, "text", "too_long", id="a text of 100,000 characters"),
        pytest.param({"text": "x" * 1200}, "text", "too_many_segments", id="more segments than its category allows"),
        pytest.param({"text": "a\x1bb"}, "text", "control_character", id="an escape character"),
        pytest.param({"text": "a\ud800"}, "text", "not_unicode", id="half a character"),
        pytest.param({"category": "gossip"}, "category", "unknown_category", id="a category nobody knows"),
        pytest.param({"sender": "nobody"}, "sender", "unknown_sender", id="a sender nobody knows"),
        pytest.param({"deadline": datetime(2030, 1, 1)}, "deadline", "naive_datetime", id="an instant without a zone"),  # noqa: DTZ001
        pytest.param({"deadline": datetime(2020, 1, 1, tzinfo=UTC)}, "deadline", "ttl", id="a deadline of the past"),
        pytest.param({"validity": timedelta(0)}, "validity", "not_positive", id="no validity at all"),
        pytest.param({"validity": timedelta(days=9)}, "validity", "too_long", id="more validity than allowed"),
        pytest.param({"validity": timedelta(seconds=20)}, "deadline", "ttl_too_short", id="too little to be worth it"),
        pytest.param({"campaign": "447700900123"}, "campaign", "bad_label", id="a campaign that looks like a number"),
        pytest.param({"timezone": "Mars/Olympus"}, "timezone", "unknown_zone", id="a zone that is not on earth"),
        pytest.param({"region": "uk"}, "region", "bad_region", id="a region that is none"),
        pytest.param({"region": "US-FLORIDA"}, "region", "bad_region", id="a subdivision in full"),
        pytest.param({"region": "GB-ENG"}, "region", "another_country", id="a subdivision of another country"),
        pytest.param({"metadata": {"n": 1}}, "metadata", "not_text", id="metadata that is no text"),
        pytest.param({"metadata": {"n": "x" * 40_000}}, "metadata", "too_long", id="too much metadata"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_by_field_and_rule_before_anything_is_stored(client, store, changes, field, rule):
    before = store.redis.dbsize()

    with pytest.raises(InvalidMessage) as caught:
        client.send(message(**changes))

    assert (caught.value.field, caught.value.rule) == (field, rule)
    assert store.redis.dbsize() == before
    assert not any(run in str(caught.value) for run in ("2025550123", "447700900123"))


@pytest.mark.parametrize(
    ("changes", "region", "zones"),
    [
        pytest.param({}, "US-DC", "~A/New_York", id="the area code's state and zone"),
        pytest.param({"to": "+18505550123"}, "US-FL", "~A/New_York,A/Chicago", id="both zones of Florida"),
        pytest.param({"region": "US-TX"}, "US-TX", "~A/New_York", id="the producer knows the state"),
        pytest.param({"timezone": "America/Denver"}, "US-DC", "America/Denver", id="the producer knows the zone"),
        pytest.param({"to": "(202) 555-0123", "region": "US"}, "US-DC", "~A/New_York", id="a country to read it by"),
        pytest.param({"to": "+18005550123"}, "US", "~US,CA", id="freephone"),
        pytest.param({"to": "+447700900123"}, "GB", "", id="a country with one clock"),
    ],
)
def test_where_the_recipient_may_be_is_noted_without_a_digit(client, store, changes, region, zones):
    accepted = client.send(message(category="service", validity=timedelta(hours=24), **changes))

    envelope = store.load([accepted.id])[0].envelope
    assert (envelope.region, envelope.zones) == (region, zones)


def test_a_number_of_no_country_is_refused_unless_the_policy_says_where_it_is(client, store):
    with pytest.raises(InvalidMessage, match="give a timezone") as caught:
        client.send(message(to="+80012345678", category="service"))
    assert (caught.value.field, caught.value.rule) == ("timezone", "no_window")

    changed = policy_file.document(POLICY)
    changed["quiet"]["instead"] = {"*": "Europe/Paris"}
    store.policies.publish(changed)
    store.greet()
    client.store.greet()

    assert client.send(message(to="+80012345678", category="service", validity=timedelta(hours=24))).id


def test_a_deadline_before_the_next_allowed_instant_is_refused_at_once(client):
    at = _somewhere_quiet(client)

    with pytest.raises(InvalidMessage) as caught:
        client.send(message(category="service", timezone=at, validity=timedelta(minutes=6)))

    assert caught.value.rule in {"ttl_before_window", "ttl_too_short"}


def test_a_message_for_a_quiet_place_is_held_until_it_opens(client, store):
    accepted = client.send(message(category="promotional", timezone=_somewhere_quiet(client)))

    assert accepted.state is State.HELD
    assert accepted.reason is Reason.QUIET_HOURS
    assert store.redis.zscore(store.keys.due, accepted.id) == accepted.until.timestamp() * 1000


def test_a_scheduled_message_sleeps_until_its_instant(client):
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=30)

    accepted = client.send(message(not_before=at))

    assert (accepted.until, accepted.reason) == (at, Reason.SCHEDULED)


def test_the_same_idempotency_key_and_request_is_the_same_message(client, store):
    first = client.send(message(idempotency_key="order 7"))
    again = client.send(message(idempotency_key="order 7", to="(202) 555-0123", region="US"))

    assert again.id == first.id
    assert again.repeated
    assert store.redis.zcard(store.keys.ready("dispatch.service")) == 1


def test_the_same_idempotency_key_with_another_request_is_an_error(client):
    client.send(message(idempotency_key="order 7"))

    with pytest.raises(InvalidMessage) as caught:
        client.send(message(idempotency_key="order 7", text="Something else."))
    with pytest.raises(InvalidMessage, match="another request"):
        client.send(message(idempotency_key="order 7", region="US-TX"))

    assert caught.value.rule == "conflict"


def test_the_same_idempotency_key_of_another_tenant_or_recipient_is_another_message(client):
    ids = {
        client.send(message(idempotency_key="order 7", **changes)).id
        for changes in ({}, {"tenant": "acme"}, {"to": "+12025550124"})
    }

    assert len(ids) == 3


def test_in_bulk_the_bad_ones_come_back_one_by_one(client):
    results = client.send_many([message(), message(to="12"), message(text=""), message()])

    assert [type(result) for result in results] == [Accepted, Refused, Refused, Accepted]
    assert [(r.place, r.field) for r in results if isinstance(r, Refused)] == [(1, "to"), (2, "text")]


def test_in_bulk_progress_is_told_and_order_is_kept(client):
    told = []
    wanted = [f"+1202555{100 + n % 90:04d}" for n in range(1000)]

    results = client.send_many(
        (message(to=to, idempotency_key=str(n)) for n, to in enumerate(wanted)), progress=told.append
    )

    assert told[-1] == 1000
    assert len({result.id for result in results}) == 1000


def test_a_newer_message_with_the_same_supersede_key_cancels_the_older(client, store):
    older = client.send(message(text="Your code is 1111", supersede_key="login"))
    newer = client.send(message(text="Your code is 2222", supersede_key="login"))
    other = client.send(message(text="Your code is 3333", supersede_key="login", to="+12025550124"))

    states = [(e.state, e.reason) for e in client.status([older.id, newer.id, other.id])]
    assert states == [
        (State.CANCELLED, Reason.SUPERSEDED), (State.QUEUED, Reason.NONE), (State.QUEUED, Reason.NONE),
    ]  # fmt: skip
    assert not store.redis.exists(store.keys.payload(older.id))


def test_when_memory_is_short_the_lane_is_closed_and_says_so(client, store):
    store.redis.set(store.keys.door, ",promotional,service,")

    with pytest.raises(InvalidMessage) as caught:
        client.send(message())

    assert caught.value.rule == "memory_short"
    assert client.send(message(category="otp")).state is State.QUEUED


def test_a_server_out_of_memory_accepts_nothing_and_says_so(client, store):
    client.send(message())
    store.redis.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(InvalidMessage) as caught:
            client.send(message())
    finally:
        store.redis.config_set("maxmemory", "0")

    assert caught.value.rule == "memory_short"


def test_a_store_that_is_away_is_a_clear_error_within_the_timeout(keyring):
    away = Client("redis://127.0.0.1:1/0", keyring=keyring, timeout=1)

    with pytest.raises(StoreUnavailable) as caught:
        away.send(message())

    assert not isinstance(caught.value, AcceptanceUnknown)
    assert "SMSQUEUE_REDIS_URL" in str(caught.value)


def _somewhere_quiet(client: Client) -> str:
    """Return a zone where it is the small hours now: from there it is hours to the morning."""
    client.store.greet()
    offset = (26 - client.store.clock.now().hour) % 24  # there it is two in the morning
    return f"Etc/GMT-{offset}" if offset <= 14 else f"Etc/GMT+{24 - offset}"
