"""A store of four shards on one server: what belongs together lies together, and the whole answers as one."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from redis import Redis

from lab.system import POLICY
from smsqueue import Accepted, InvalidMessage, Message, State, policy_file
from smsqueue.client import Client
from smsqueue.core.identity import shard_of
from smsqueue.core.states import Reason
from smsqueue.errors import InvalidPolicy, Misconfigured, StoreUnavailable
from smsqueue.store import gauges, in_use, pauses
from smsqueue.store.audit import audit
from smsqueue.store.backlog import backlog
from smsqueue.store.connected import connected, shard_count
from smsqueue.store.preview import preview
from smsqueue.store.recovery import recover
from smsqueue.store.server import connect
from smsqueue.store.shards import Shards
from smsqueue.store.store import Store

DAY = timedelta(days=1)
LEASE = timedelta(seconds=60)
QUEUE = "dispatch.service"


@pytest.fixture
def shards():
    return 4


def messages(count, **changes):
    ask = {"text": "Hello.", "category": "alert", **changes}
    return [Message(to=f"+1{202 + n % 3}555{100 + n // 3 % 60:04d}", **ask) for n in range(count)]


def sizes(whole, name):
    return [shard.redis.zcard(shard.keys.home(name)) for shard in whole.shards]


def test_messages_are_spread_by_recipient_and_each_is_where_its_id_says(client, whole):
    results = client.send_many(messages(180))

    ids = [result.id for result in results]
    assert all(isinstance(result, Accepted) for result in results)
    assert sizes(whole, f"ready:{QUEUE}") == [Counter(shard_of(id, 4) for id in ids)[n] for n in range(4)]
    assert min(sizes(whole, f"ready:{QUEUE}")) > 10
    assert [envelope.id for envelope in client.status(ids)] == ids


def test_one_recipients_messages_share_a_shard_and_tenants_do_not_tell_whose_is_whose(client):
    ids = [client.send(message).id for message in messages(1) * 5]
    other = [
        client.send(Message(to="+12025550100", text="Hi.", category="alert", tenant=f"t{n}")).id for n in range(20)
    ]

    assert len({id[:2] for id in ids}) == 1
    assert len({id[:2] for id in other}) > 1


def test_an_idempotency_key_and_a_supersede_key_find_the_older_message_in_its_shard(client):
    asks = [(message, f"key {n}") for n, message in enumerate(messages(20))]
    first = [client.send(Message(**_given(m), idempotency_key=key, supersede_key="login")) for m, key in asks]
    again = [client.send(Message(**_given(m), idempotency_key=key, supersede_key="login")) for m, key in asks]
    newer = [client.send(Message(**_given(m), supersede_key="login")) for m, _ in asks]

    assert [one.id for one in again] == [one.id for one in first]
    assert all(one.repeated for one in again)
    reasons = {(e.state, e.reason) for e in client.status([one.id for one in first])}
    assert reasons == {(State.CANCELLED, Reason.SUPERSEDED)}
    assert {e.state for e in client.status([one.id for one in newer])} == {State.QUEUED}


def _given(message):
    return {"to": message.to, "text": message.text, "category": message.category}


def test_an_id_that_was_made_for_somebody_else_is_refused(client):
    first, *others = messages(30)
    id = client.send(first).id
    elsewhere = next(message for message in others if client.send(message).id[:2] != id[:2])

    with pytest.raises(InvalidMessage) as caught:
        client.send(elsewhere, id=id)

    assert (caught.value.field, caught.value.rule) == ("id", "another_recipient")


@pytest.mark.parametrize("other", [1, 2, 5])
def test_another_shard_count_is_refused_in_a_sentence_and_nothing_changes(server, whole, keyring, other):
    before = _everything(whole)
    with Client(server.url, keyring=keyring, shards=other) as stranger, pytest.raises(Misconfigured) as sending:
        stranger.send(messages(1)[0])
    with pytest.raises(Misconfigured) as publishing:
        connected(server.url, role="test", shards=other).policies.publish(_with_window(2000))

    sentence = f"This store was set up with 4 shards, this smsqueue is set up for {other}."
    assert str(sending.value).startswith(sentence)
    assert str(publishing.value).startswith(sentence)
    assert _everything(whole) == before


@pytest.mark.parametrize("given", ["", "0", "257", "-1", "two", "1.5"])
def test_a_count_that_is_none_is_refused_by_the_settings_name(given):
    with pytest.raises(Misconfigured, match="SMSQUEUE_SHARDS"):
        shard_count(given)


def _everything(whole):
    return {key: whole.redis.dump(key) for key in whole.redis.scan_iter()}


def _with_window(window):
    document = policy_file.document(POLICY)
    document["providers"]["twilio"]["window"] = window
    return document


def test_a_window_smaller_than_the_count_of_shards_is_refused(whole):
    with pytest.raises(InvalidPolicy, match=r"providers\.twilio\.window"):
        whole.policies.publish(_with_window(3))

    assert whole.policies.current.version == 1


def test_window_rate_and_burst_are_split_and_nothing_of_them_is_lost(whole):
    document = _with_window(1003)
    document["providers"]["twilio"] |= {"rate": 50, "burst": 10}
    whole.policies.publish(document)
    whole.greet()

    shares = [shard.policies.layout.shares["submit.twilio.service"] for shard in whole.shards]
    assert [share.window for share in shares] == [251, 251, 251, 250]
    assert sum(share.rate for share in shares) == 50
    assert sum(share.burst for share in shares) == 10


def test_a_policy_has_one_version_in_all_shards_and_an_equal_one_keeps_it(whole):
    assert whole.policies.publish(_with_window(2000)) == 2
    assert whole.policies.publish(_with_window(2000)) == 2

    assert [shard.policies.published().version for shard in whole.shards] == [2] * 4
    whole.greet()
    assert [shard.policies.current.providers["twilio"].window for shard in whole.shards] == [2000] * 4


def test_a_policy_that_reached_some_shards_only_is_mended_by_applying_it_again(whole):
    text = whole.shards[0].policies.published().text.decode()
    whole.shards[0].policies.put(text.replace('"twilio"', '"twilio"'), 7)
    whole.shards[2].redis.delete(whole.shards[2].keys.policy)

    assert whole.policies.publish(policy_file.document(POLICY)) == 8
    assert [shard.policies.published().version for shard in whole.shards] == [8] * 4


def test_a_pause_holds_in_all_shards_and_resume_ends_it_in_all(client, whole):
    ids = [result.id for result in client.send_many(messages(60))]
    pauses.pause(whole, "lane", "service")
    assert all(loaded.facts.paused for loaded in whole.load(ids))
    assert set(pauses.listed(whole)) == {"lane:service"}

    pauses.resume(whole, "lane", "service")

    assert not any(loaded.facts.paused for loaded in whole.load(ids))
    with pytest.raises(InvalidMessage):
        pauses.resume(whole, "lane", "service")


def test_a_campaign_is_withdrawn_in_all_shards(client, whole):
    results = client.send_many(messages(60, campaign="spring"))

    client.cancel_campaign("spring")

    assert all(loaded.facts.withdrawn for loaded in whole.load([result.id for result in results]))


def test_a_campaign_that_a_shard_which_is_away_may_know_is_withdrawn_in_the_others(whole):
    lost = Store(connect("redis://127.0.0.1:1/0", role="test", repeats=0), shard=0, of=4)

    with pytest.raises(StoreUnavailable, match=r"Shards 0 of the store did not answer\. The others did as asked"):
        pauses.withdraw(Shards([lost, *whole.shards[1:]]), "spring")

    assert [shard.redis.hkeys(shard.keys.pause) for shard in whole.shards[1:]] == [[b"withdrawn:spring"]] * 3


def test_cancelling_many_answers_in_their_order(client):
    ids = [result.id for result in client.send_many(messages(30))]
    client.cancel(ids[::2])

    assert client.cancel(ids) == ["final", "cancelled"] * 15


def test_sizes_counters_and_the_backlog_are_those_of_all_shards(client, whole):
    client.send_many(messages(120))
    taken, _ = zip(*(shard.take(QUEUE, lease=LEASE, limit=5) for shard in whole.shards), strict=True)

    seen = gauges.look(whole)
    found = backlog(whole)

    assert taken == ([],) * 4
    assert (seen.sizes[f"ready:{QUEUE}"], seen.sizes[f"out:{QUEUE}"], seen.away) == (100, 20, 0)
    assert seen.counters["accepted|alert"] == 120
    line = next(line for line in found.lines if line.what == "service")
    assert (line.open, line.waiting, line.out) == (120, 100, 20)
    assert [(one.category, one.open) for one in found.categories] == [("alert", 120)]


def test_the_audit_walks_all_shards_and_mends_in_each(client, whole):
    ids = [result.id for result in client.send_many(messages(60))]
    for shard in whole.shards:
        own = next(id for id in ids if whole.shard_of(id) is shard)
        shard.redis.zrem(shard.keys.ready(QUEUE), own)
        shard.redis.zadd(shard.keys.due, {"ff" + "A" * 16: 1})

    found, again = audit(whole), audit(whole)

    assert (found.envelopes, found.homeless, found.orphans) == (60, 4, 4)
    assert again.faults == 0


def test_what_open_messages_need_in_any_shard_is_not_dropped(client, whole):
    client.send_many(messages(60))
    document = policy_file.document(POLICY)
    del document["categories"]["alert"]

    with pytest.raises(InvalidPolicy, match=r"categories\.alert: 60 messages"):
        in_use.check(whole, whole.policies.current.model_validate({**document, "version": 2}))


def test_a_preview_looks_at_what_sleeps_in_all_shards(client, whole):
    whole.greet()
    hour = (26 - whole.clock.now().hour) % 24
    night = f"Etc/GMT-{hour}" if hour <= 14 else f"Etc/GMT+{24 - hour}"
    client.send_many(messages(60, category="service", timezone=night, validity=timedelta(hours=20)))

    seen = preview(whole, whole.policies.current)

    assert (seen.held, seen.looked_at, set(seen.moves)) == (60, 60, {("stays", None)})


def test_only_the_shard_that_was_restored_is_recovered(client, whole):
    ids = [result.id for result in client.send_many(messages(60))]
    restored = whole.shards[2]

    counts = recover(whole, shards=[restored])

    own = [id for id in ids if whole.shard_of(id) is restored]
    assert counts["doubt"] == len(own)
    assert {e.id for e in client.status(ids) if e.state is State.UNKNOWN} == set(own)


def test_servers_whose_clocks_differ_by_more_than_the_guard_are_refused(whole, client):
    guard = whole.policies.current.quiet.guard
    shard = whole.shards[3]
    shard.redis.set(shard.keys.clock, 2 * guard // timedelta(milliseconds=1))

    with pytest.raises(Misconfigured, match="clocks"):
        client.send(messages(1)[0])


def test_an_epoch_is_remembered_shard_by_shard(server, whole, client, tmp_path):
    first = connected(server.url, role="test", shards=4, state_dir=tmp_path)
    client.send_many(messages(60))
    first.greet()
    for shard in first.shards:
        shard.epoch.save()

    again = connected(server.url, role="test", shards=4, state_dir=tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch", "epoch.1", "epoch.2", "epoch.3"]
    assert [shard.epoch.highest for shard in again.shards] == [shard.epoch.highest for shard in first.shards]
    assert all(shard.epoch.highest for shard in again.shards)


def test_with_one_shard_nothing_stands_between_a_caller_and_the_store(server):
    one = connected(server.url, role="test")

    assert one.shards == (one,)
    assert isinstance(one.redis, Redis)
