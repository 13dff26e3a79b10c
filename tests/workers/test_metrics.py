"""What `/metrics` and `/readyz` say, on a real server: right, complete, and nothing that names anybody."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from smsqueue import Message
from smsqueue.core.change import change
from smsqueue.core.decide import decide
from smsqueue.core.facts import CLEAR
from smsqueue.core.outcome import Hold
from smsqueue.core.receipt import Receipt, ReceiptStatus
from smsqueue.core.settle import settle
from smsqueue.core.states import Reason
from smsqueue.core.submission import SendResult, SendStatus
from smsqueue.store import gauges, pauses
from smsqueue.store.recovery import recover
from smsqueue.store.server import connect
from smsqueue.store.store import Passage, Store
from workers.beat import Beat
from workers.labels import home
from workers.metrics import exposition
from workers.readiness import missing
from workers.receipts import apply_receipt
from workers.tally import Measured, Tally

LEASE, CALL, DAY = timedelta(seconds=60), timedelta(seconds=15), timedelta(days=1)
QUEUE = "submit.twilio.service"
DOWN = {("smsqueue_store_up",): 0.0, ("smsqueue_store_behind",): 0.0}


def scrape(store):
    """Return the values of one scrape by name and labels."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition(store).decode())
        for sample in family.samples
    }


def value(found, name, **labels):
    matching = [v for (n, *given), v in found.items() if n == name and labels.items() <= dict(given).items()]
    return sum(matching)


@pytest.fixture
def one(client):
    return client.send(Message(to="+12025550123", text="QZXSECRET", category="alert", tenant="acme", campaign="spring"))


def carry(store, before, outcome, attempts=None):
    policy, now = store.policies.current, store.clock.now()
    return store.apply([change(before, outcome, policy=policy, now=now, attempts=attempts)])[0]


def to_the_gate(store, id, fence="fence"):
    store.take("dispatch.service", lease=LEASE)
    before = store.load([id])[0].envelope
    outcome = decide(before, store.policies.current, CLEAR, store.clock.now())
    carry(store, before, outcome)
    store.take(QUEUE, lease=LEASE)
    passage = Passage(store.load([id])[0].envelope, outcome.valid_until)
    assert store.gate([passage], fence=fence, queue=QUEUE, lease=CALL) == ["yes"]
    return store.load([id])[0].envelope


def settled(store, id, status):
    before = to_the_gate(store, id)
    result = SendResult(status=status)
    carry(store, before, *settle(before, store.policies.current, "fence", result, store.clock.now(), 0.5))


def test_a_message_is_counted_once_at_each_step_of_its_way(store, one):
    settled(store, one.id, SendStatus.ACCEPTED)

    found = scrape(store)
    where = {"lane": "service", "category": "alert"}
    assert value(found, "smsqueue_accepted_total", **where) == 1
    assert value(found, "smsqueue_submitted_total", **where, provider="twilio") == 1
    assert value(found, "smsqueue_final_total") == 0
    assert value(found, "smsqueue_home_size", home="due") == 1


def test_accepting_or_writing_again_is_not_counted_again(store, client):
    ask = Message(to="+12025550123", text="Hi.", category="alert", idempotency_key="k")
    id = client.send(ask).id
    client.send(ask)
    before = store.load([id])[0].envelope
    hold = Hold(store.clock.now() + DAY, Reason.SCHEDULED)

    codes = [carry(store, before, hold), carry(store, before, hold)]

    found = scrape(store)
    assert codes == ["ok", "again"]
    assert value(found, "smsqueue_accepted_total") == 1
    assert value(found, "smsqueue_holds_total", reason="scheduled", category="alert") == 1


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        pytest.param(SendStatus.REJECTED, "failed", "rejected", id="a provider that never will"),
        pytest.param(None, "cancelled", "cancelled", id="a producer that withdraws"),
    ],
)
def test_an_end_is_counted_by_state_and_reason_whoever_brought_it_about(store, client, one, status, state, reason):
    if status:
        settled(store, one.id, status)
    else:
        client.cancel([one.id])

    assert value(scrape(store), "smsqueue_final_total", state=state, reason=reason, category="alert") == 1


def test_what_was_delivered_late_is_counted_by_provider_and_country(store, client, travel):
    ids = [client.send(Message(to="+12025550123", text="Hi.", category="alert")).id for _ in range(3)]
    beat = Beat(store, "web")
    for id in ids:
        settled(store, id, SendStatus.ACCEPTED)
    delivered = Receipt(provider_id="P1", status=ReceiptStatus.DELIVERED)

    apply_receipt(store, beat.tally, id=ids[0], fence="fence", receipt=delivered)  # in time
    travel(timedelta(hours=1, minutes=30))
    for _ in range(2):  # the second says nothing new
        apply_receipt(store, beat.tally, id=ids[1], fence="fence", receipt=delivered)
    undelivered = Receipt(provider_id="P1", status=ReceiptStatus.UNDELIVERED)
    apply_receipt(store, beat.tally, id=ids[2], fence="fence", receipt=undelivered)
    beat.beat()

    found = scrape(store)
    late = {"how": "after_deadline", "provider": "twilio", "country": "US"}
    assert value(found, "smsqueue_delivered_late_total", **late) == 1
    assert value(found, "smsqueue_delivered_late_total") == 1


def test_a_receipt_after_the_end_still_counts_as_late(store, one, travel):
    settled(store, one.id, SendStatus.ACCEPTED)
    travel(DAY / 4)
    before = store.load([one.id])[0].envelope
    carry(store, before, decide(before, store.policies.current, CLEAR, store.clock.now()))
    beat = Beat(store, "web")

    apply_receipt(
        store, beat.tally, id=one.id, fence="fence", receipt=Receipt(provider_id="P1", status=ReceiptStatus.DELIVERED)
    )
    beat.beat()

    assert store.load([one.id])[0].envelope.state == "unconfirmed"
    assert value(scrape(store), "smsqueue_delivered_late_total", how="after_deadline") == 1


def test_doubt_is_counted_as_it_comes_and_goes(store, one, travel):
    before = to_the_gate(store, one.id)
    travel(timedelta(seconds=16))
    store.wake(retention=DAY)
    found = scrape(store)
    assert value(found, "smsqueue_in_doubt", category="alert") == 1
    assert value(found, "smsqueue_doubts_total", reason="lease_ended", provider="twilio") == 1
    assert value(found, "smsqueue_leases_ended_total", home="wire", provider="twilio", lane="service") == 1

    unknown = store.load([one.id])[0].envelope
    result = SendResult(status=SendStatus.ACCEPTED)
    carry(store, unknown, *settle(unknown, store.policies.current, before.fence, result, store.clock.now(), 0.5))

    found = scrape(store)
    assert value(found, "smsqueue_in_doubt") == 0
    assert value(found, "smsqueue_doubts_total") == 1


def test_a_write_that_lost_a_race_is_counted(store, one):
    before = store.load([one.id])[0].envelope
    carry(store, before, Hold(store.clock.now() + DAY, Reason.SCHEDULED))
    other = Hold(store.clock.now(), Reason.RETRY)
    carry(store, store.load([one.id])[0].envelope, other)

    assert carry(store, before, other) == "lost"
    assert value(scrape(store), "smsqueue_settles_refused_total", category="alert") == 1


def test_ages_tell_how_long_the_oldest_waits_and_how_late_the_pump_is(store, client, travel):
    client.send(Message(to="+12025550123", text="Hi.", category="alert"))
    late = client.send(Message(to="+12025550124", text="Hi.", category="alert"))
    store.take("dispatch.service", lease=LEASE, limit=1)
    before = store.load([late.id])[0].envelope
    carry(store, before, Hold(store.clock.now(), Reason.RETRY))
    client.send(Message(to="+12025550125", text="Hi.", category="alert"))
    travel(timedelta(seconds=90))

    found = scrape(store)

    assert 90 <= value(found, "smsqueue_ready_age_seconds", provider="", lane="service") < 100
    assert 90 <= value(found, "smsqueue_overdue_seconds") < 100


def test_a_message_that_slept_has_not_waited_in_a_queue_that_was_empty(store, client, travel):
    client.send(
        Message(to="+12025550123", text="Hi.", category="alert", not_before=store.clock.now() + timedelta(minutes=30))
    )
    travel(timedelta(minutes=45))
    store.wake(retention=DAY)

    assert value(scrape(store), "smsqueue_ready_age_seconds") < 10


def test_windows_pauses_and_the_versions_in_force_are_shown(store, one):
    to_the_gate(store, one.id)
    pauses.pause(store, "category", "bulk")
    gauges.tell_key(store, "k2026-01-01")

    found = scrape(store)

    assert value(found, "smsqueue_window_used", provider="twilio") == 1
    assert value(found, "smsqueue_window_limit", provider="twilio") == 3000
    assert value(found, "smsqueue_pauses", scope="category") == 1
    assert value(found, "smsqueue_policy_version") == store.policies.current.version
    assert value(found, "smsqueue_payload_key_age_days") > 0
    assert value(found, "smsqueue_tzdata_age_days") > 0


def test_no_label_names_anybody_even_if_the_policy_forgot_the_name(store, client, one):
    Beat(store, "dispatch").beat()
    pauses.pause(store, "tenant", "acme")
    store.redis.hincrby(store.keys.tally, "accepted|forgotten", 2)
    store.redis.hincrby(store.keys.tally, "told|failed|+12025550123|alert|twilio", 1)
    store.redis.hincrby(store.keys.tally, "garbage|+12025550123", 1)
    client.cancel([one.id])

    text = exposition(store).decode()

    for secret in ("QZXSECRET", "5550123", one.id, "acme", "spring", "forgotten"):
        assert secret not in text
    assert value(scrape(store), "smsqueue_accepted_total", category="other") == 2
    labels = set(re.findall(r'(\w+)="([^"]*)"', text))
    assert not [pair for pair in labels if pair[0] != "le" and re.search(r"[0-9]", pair[1])]


class Acme:
    """A provider that answers, or breaks."""

    can = None

    def __init__(self, answer):
        self.answer = answer

    async def submit(self, _):
        if self.answer is None:
            raise RuntimeError("a bug")
        return SendResult(status=self.answer)

    async def close(self):
        """Nothing to give back."""


def test_calls_are_written_with_the_sign_of_life_once(store):
    beat = Beat(store, "submit")
    calls = beat.tally.calls("twilio")
    for answer in (SendStatus.ACCEPTED, SendStatus.ACCEPTED, SendStatus.THROTTLED):
        asyncio.run(Measured(Acme(answer), calls).submit(None))
    with pytest.raises(RuntimeError):
        asyncio.run(Measured(Acme(None), calls).submit(None))
    calls.ended(SendStatus.UNKNOWN, 99.0)

    beat.beat()
    beat.stop()

    found = scrape(store)
    results = {status: value(found, "smsqueue_provider_results_total", status=status) for status in SendStatus}
    assert {status: n for status, n in results.items() if n} == {"accepted": 2, "throttled": 1, "unknown": 2}
    assert value(found, "smsqueue_provider_seconds_count", provider="twilio") == 5
    assert value(found, "smsqueue_provider_seconds_bucket", le="0.025") == 4
    assert value(found, "smsqueue_provider_seconds_bucket", le="10.0") == 4
    assert value(found, "smsqueue_provider_seconds_sum") >= 99


def test_what_the_store_did_not_take_is_written_later(server, store):
    beat = Beat(store, "submit")
    beat.tally.calls("twilio").ended(SendStatus.ACCEPTED, 0.1)
    news = beat.tally.news()
    assert beat.tally.news() == news  # not taken: still news
    beat.tally.written(news)

    assert Tally().calls("twilio").totals("twilio")["call|twilio|accepted"] == 0
    assert beat.tally.news() == {}


def test_who_ends_as_asked_is_no_longer_expected_and_who_is_killed_is(store, travel):
    asked, killed = Beat(store, "dispatch"), Beat(store, "submit")
    asked.beat()
    killed.beat()
    assert missing(store) == []
    asked.stop()
    assert missing(store) == ["dispatch"]
    travel(timedelta(seconds=21))

    assert missing(store) == ["dispatch", "submit"]
    found = scrape(store)
    assert value(found, "smsqueue_processes_silent", role="submit") == 1
    assert value(found, "smsqueue_processes_silent", role="dispatch") == 0
    assert 21 <= value(found, "smsqueue_beat_age_seconds", role="submit") < 30


def test_readiness_and_metrics_say_that_a_policy_is_missing(store):
    store.redis.delete(store.keys.policy)
    fresh = Store(store.redis)

    assert missing(fresh) == ["policy"]
    assert scrape(fresh) == DOWN


def test_readiness_and_metrics_say_that_the_store_is_away(store):
    away = Store(connect("redis://127.0.0.1:1/0", role="test", repeats=0))

    assert missing(away) == ["store"]
    assert scrape(away) == DOWN


def test_readiness_and_metrics_say_that_the_store_has_forgotten_something(store):
    store.epoch.told(10**9)

    assert missing(store) == ["recovery"]
    assert scrape(store) == {**DOWN, ("smsqueue_store_behind",): 1.0}


def test_a_provider_that_asks_for_patience_and_waits_for_its_rate_are_shown(store):
    store.throttle("twilio", timedelta(seconds=30))
    store.redis.hincrby(store.keys.rate("twilio"), "waits", 7)

    found = scrape(store)

    assert 25 < value(found, "smsqueue_provider_patience_seconds", provider="twilio") <= 30
    assert value(found, "smsqueue_rate_waits_total", provider="twilio") == 7


def test_a_provider_that_is_only_probed_is_shown(store):
    assert value(scrape(store), "smsqueue_provider_ailing", provider="twilio") == 0

    store.health("twilio", well=False, bad=20)

    found = scrape(store)
    assert value(found, "smsqueue_provider_ailing", provider="twilio") == 1
    assert value(found, "smsqueue_provider_ailing", provider="console") == 0


def test_what_a_recovery_puts_in_doubt_is_counted(store, one):
    recover(store)

    found = scrape(store)
    assert value(found, "smsqueue_in_doubt", category="alert") == 1
    assert value(found, "smsqueue_doubts_total", reason="restored", category="alert") == 1


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        pytest.param("due", ("due", "", ""), id="asleep"),
        pytest.param("ready:dispatch.otp", ("ready_dispatch", "", "otp"), id="waiting to be decided"),
        pytest.param("out:submit.acme.otp", ("out_submit", "acme", "otp"), id="in a provider's queue"),
        pytest.param("wire:acme.otp", ("wire", "acme", "otp"), id="on the wire"),
        pytest.param("park:no_key", ("park_no_key", "", ""), id="parked"),
    ],
)
def test_a_home_is_shown_by_kind_provider_and_lane(name, labels):
    assert home(name) == labels
