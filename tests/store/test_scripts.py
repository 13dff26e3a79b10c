"""Each script on a real server: homes, leases, fences, races."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smsqueue import Message, Reason, State
from smsqueue.core.change import change
from smsqueue.core.decide import decide
from smsqueue.core.facts import CLEAR
from smsqueue.core.outcome import End, Handoff, Hold, Park, Submitted
from smsqueue.core.settle import settle
from smsqueue.core.submission import SendResult, SendStatus
from smsqueue.errors import StoreUnavailable
from smsqueue.store import pauses
from smsqueue.store.store import LOOKS_POISON, Passage

LEASE = timedelta(seconds=60)
CALL = timedelta(seconds=15)
DAY = timedelta(days=1)
QUEUE = "submit.twilio.service"


@pytest.fixture(params=[1, 4], ids=["the only shard", "the second of four"])
def shards(request):
    return request.param


@pytest.fixture
def one(client):
    """Accept one message; returns its id."""
    return client.send(Message(to="+12025550123", text="Hello.", category="alert")).id


def envelope(store, id):
    return store.load([id])[0].envelope


def carry(store, before, outcome, attempts=None):
    policy, now = store.policies.current, store.clock.now()
    return store.apply([change(before, outcome, policy=policy, now=now, attempts=attempts)])[0]


def hand_off(store, id):
    """Bring a message before the gate, as dispatch does."""
    store.take("dispatch.service", lease=LEASE)
    before = envelope(store, id)
    outcome = decide(before, store.policies.current, CLEAR, store.clock.now())
    assert isinstance(outcome, Handoff)
    assert carry(store, before, outcome) == "ok"
    store.take(QUEUE, lease=LEASE)
    return Passage(envelope(store, id), outcome.valid_until)


def homes(store, id):
    """Return every sorted set that holds an id."""
    return [key.decode() for key in store.redis.scan_iter(_type="zset") if store.redis.zscore(key, id) is not None]


def test_an_open_message_has_exactly_one_home_on_its_whole_way(store, one):
    seen = [homes(store, one)]
    passage = hand_off(store, one)
    seen.append(homes(store, one))
    assert store.gate([passage], fence="fence", queue=QUEUE, lease=CALL) == ["yes"]
    seen.append(homes(store, one))
    carry(store, envelope(store, one), Submitted(store.clock.now() + DAY))
    seen.append(homes(store, one))
    carry(store, envelope(store, one), End(State.DELIVERED, Reason.RECEIPT))

    assert [[name.split("}:")[1] for name in found] for found in seen] == [
        ["ready:dispatch.service"], [f"out:{QUEUE}"], ["wire:twilio.service"], ["due"],
    ]  # fmt: skip
    assert homes(store, one) == []


def test_what_became_due_last_does_not_wait_behind_a_backlog_that_woke_before(client, store):
    backlog = [client.send(Message(to="+12025550123", text="Hi.", category="bulk")).id for _ in range(30)]
    code = client.send(Message(to="+12025550123", text="Hi.", category="otp")).id
    for queue in ("dispatch.promotional", "dispatch.otp"):
        store.redis.delete(store.keys.ready(queue))
    store.redis.zadd(store.keys.due, dict.fromkeys(backlog, 1) | {code: 2})

    store.wake(retention=DAY, limit=10)

    assert store.redis.zrange(store.keys.ready("dispatch.otp"), 0, -1) == [code.encode()]
    assert store.redis.zcard(store.keys.ready("dispatch.promotional")) == 9


def test_take_hands_out_earliest_deadlines_first_and_no_more_than_the_window(client, store):
    ids = [
        client.send(Message(to="+12025550123", text="Hi.", category="alert", validity=timedelta(minutes=m))).id
        for m in (30, 10, 20)
    ]

    _, first = store.take("dispatch.service", lease=LEASE, limit=2)
    _, then = store.take("dispatch.service", lease=LEASE)

    assert first == [ids[1], ids[2]]
    assert then == [ids[0]]


def test_a_lane_leaves_the_others_their_guaranteed_places(client, store):
    policy = store.policies.current
    window = store.policies.layout.shares[QUEUE].window
    store.redis.zadd(store.keys.out("submit.twilio.promotional"), {f"x{n}": 2**50 for n in range(window)})
    passage_id = client.send(Message(to="+12025550123", text="Hi.", category="alert")).id
    store.take("dispatch.service", lease=LEASE)
    before = envelope(store, passage_id)
    carry(store, before, decide(before, policy, CLEAR, store.clock.now()))

    assert store.take(QUEUE, lease=LEASE) == ([], [])  # the window is full
    store.redis.zremrangebyrank(store.keys.out("submit.twilio.promotional"), 0, 700)
    assert store.take(QUEUE, lease=LEASE)[1] == [passage_id]


def test_a_lease_that_runs_out_before_the_gate_means_look_again(store, one, travel):
    store.take("dispatch.service", lease=LEASE)
    travel(timedelta(seconds=61))

    woken = store.wake(retention=DAY)

    assert (woken.moves, woken.waiting["dispatch.service"]) == (1, 1)
    assert envelope(store, one).looks == 1


def test_a_lease_that_runs_out_on_the_wire_means_doubt_and_never_another_submit(store, one, travel):
    passage = hand_off(store, one)
    store.gate([passage], fence="fence", queue=QUEUE, lease=CALL)
    travel(timedelta(seconds=16))

    store.wake(retention=DAY)

    found = envelope(store, one)
    assert (found.state, found.reason, found.home) == (State.UNKNOWN, Reason.LEASE_ENDED, "dispatch.upkeep")
    assert store.take(QUEUE, lease=LEASE) == ([], [])


def test_an_id_that_keeps_coming_back_travels_alone_and_then_ends_loudly(store, client, travel):
    bad, good = (client.send(Message(to="+12025550123", text="Hi.", category="alert")).id for _ in range(2))
    shift, poisoned, alone_seen = timedelta(0), 0, []
    for _ in range(LOOKS_POISON):
        alone, together = store.take("dispatch.service", lease=LEASE)
        alone_seen.append(alone)
        if good in together:
            carry(store, envelope(store, good), Hold(store.clock.now() + DAY, Reason.SCHEDULED))
        shift += timedelta(seconds=61)
        travel(shift)
        poisoned += store.wake(retention=DAY).poisoned

    assert [bad] in alone_seen
    assert poisoned == 1
    assert (envelope(store, bad).state, envelope(store, bad).reason) == (State.FAILED, Reason.POISON)


def test_what_passed_its_deadline_goes_to_upkeep_even_if_nobody_takes_it(store, one, travel):
    travel(timedelta(hours=2))

    store.wake(retention=DAY)

    assert store.take("dispatch.upkeep", lease=LEASE)[1] == [one]


def test_an_id_without_an_envelope_is_parked_and_not_dropped(store, one):
    store.redis.delete(store.keys.envelope(one))
    store.redis.zadd(store.keys.due, {one: 1})

    store.wake(retention=DAY)

    assert store.redis.zscore(store.keys.home("park:orphan"), one)


def test_the_gate_lets_one_of_two_workers_through(store, one):
    passage = hand_off(store, one)

    assert store.gate([passage], fence="first", queue=QUEUE, lease=CALL) == ["yes"]
    assert store.gate([passage], fence="second", queue=QUEUE, lease=CALL) == ["lost"]
    assert envelope(store, one).fence == "first"


def test_an_id_that_comes_twice_in_one_call_passes_the_gate_once(store, one):
    passage = hand_off(store, one)

    answers = [store.gate([passage, passage], fence="same", queue=QUEUE, lease=CALL) for _ in range(2)]

    assert answers == [["yes", "lost"], ["yes", "lost"]]


def test_the_gate_repeated_because_its_answer_was_lost_says_yes_again(store, one):
    passage = hand_off(store, one)

    answers = [store.gate([passage], fence="same", queue=QUEUE, lease=CALL) for _ in range(2)]

    assert answers == [["yes"], ["yes"]]
    assert len(envelope(store, one).attempts) == 1


def test_the_gate_is_closed_after_the_deadline_and_when_the_window_is_over(store, one, travel):
    passage = hand_off(store, one)

    early = passage._replace(valid_until=store.clock.now())
    assert store.gate([early], fence="fence", queue=QUEUE, lease=CALL) == ["late"]
    travel(timedelta(hours=1, seconds=1))
    late = passage._replace(valid_until=store.clock.now() + DAY)
    assert store.gate([late], fence="fence", queue=QUEUE, lease=CALL) == ["late"]


@pytest.mark.parametrize(
    ("what", "name"),
    [
        pytest.param("lane", "service", id="its lane is paused"),
        pytest.param("category", "alert", id="its category is paused"),
        pytest.param("provider", "twilio", id="its provider is paused"),
    ],
)
def test_the_gate_stops_what_was_paused_after_it_was_decided(store, one, what, name):
    passage = hand_off(store, one)
    pauses.pause(store, what, name)

    assert store.gate([passage], fence="fence", queue=QUEUE, lease=CALL) == ["paused"]


def test_the_gate_stops_what_was_cancelled_after_it_was_decided(client, store, one):
    passage = hand_off(store, one)
    client.cancel([one])

    assert store.gate([passage], fence="fence", queue=QUEUE, lease=CALL) == ["lost"]
    assert envelope(store, one).state is State.CANCELLED


def test_a_withdrawn_campaign_is_stopped_at_the_gate(client, store):
    one = client.send(Message(to="+12025550123", text="Hi.", category="alert", campaign="spring")).id
    passage = hand_off(store, one)
    client.cancel_campaign("spring")

    assert store.gate([passage], fence="fence", queue=QUEUE, lease=CALL) == ["withdrawn"]


def test_apply_writes_once_and_the_loser_does_nothing(store, one):
    store.take("dispatch.service", lease=LEASE)
    before = envelope(store, one)
    hold = Hold(store.clock.now() + DAY, Reason.SCHEDULED)

    answers = [
        carry(store, before, hold),
        carry(store, before, hold),
        carry(store, before, End(State.FAILED, Reason.REJECTED)),
    ]

    assert answers == ["ok", "again", "lost"]
    assert homes(store, one) == [store.keys.due]


def test_a_cancel_while_the_call_is_under_way_stops_the_next_submit_and_not_this_one(client, store, one):
    passage = hand_off(store, one)
    store.gate([passage], fence="fence", queue=QUEUE, lease=CALL)

    assert client.cancel([one]) == ["stopping"]
    found = envelope(store, one)
    result = SendResult(status=SendStatus.UNAVAILABLE)
    verdict = settle(found, store.policies.current, "fence", result, store.clock.now(), 0.5)

    assert carry(store, found, *verdict) == "ok"
    assert (envelope(store, one).state, envelope(store, one).reason) == (State.CANCELLED, Reason.CANCELLED)


def test_at_the_end_payload_and_fields_go_and_the_idempotency_key_is_remembered(client, store):
    ask = Message(to="+12025550123", text="Hi.", category="alert", idempotency_key="k")
    id = client.send(ask).id
    client.cancel([id])

    assert not store.redis.exists(store.keys.payload(id))
    assert store.redis.ttl(store.keys.envelope(id)) > 0
    again = client.send(ask)
    assert (again.id, again.repeated, again.state) == (id, True, State.CANCELLED)


def test_no_field_of_an_envelope_is_longer_than_64_bytes(client, store):
    id = client.send(
        Message(
            to="+12025550123", text="Hi.", category="alert", campaign="c" * 32, tenant="t" * 32, sender="shop",
            timezone="America/Argentina/ComodRivadavia", idempotency_key="k" * 255,
        )
    ).id  # fmt: skip
    passage = hand_off(store, id)
    store.gate([passage], fence="A" * 11, queue=QUEUE, lease=CALL)
    found = envelope(store, id)
    result = SendResult(status=SendStatus.ACCEPTED, provider_id="SM" + "f" * 32)
    carry(store, found, *settle(found, store.policies.current, "A" * 11, result, store.clock.now(), 0.5))

    longest = max(len(value) for value in store.redis.hgetall(store.keys.envelope(id)).values())
    assert longest <= 64


def test_pausing_parks_and_resuming_lets_go(store, one):
    pauses.pause(store, "lane", "service")
    store.take("dispatch.service", lease=LEASE)
    loaded = store.load([one])[0]
    carry(store, loaded.envelope, decide(loaded.envelope, store.policies.current, loaded.facts, store.clock.now()))
    assert homes(store, one) == [store.keys.home("park:paused")]

    assert pauses.resume(store, "lane", "service") == 1
    assert homes(store, one) == [store.keys.ready("dispatch.service")]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(None, id="and nothing else is paused"),
        pytest.param(("lane", "otp"), id="while another one goes on"),
    ],
)
def test_what_is_parked_just_after_its_pause_ended_is_decided_again(other, store, one):
    if other:
        pauses.pause(store, *other)
    pauses.pause(store, "lane", "service")
    store.take("dispatch.service", lease=LEASE)
    decided_before = envelope(store, one)
    pauses.resume(store, "lane", "service")

    assert carry(store, decided_before, Park(Reason.PAUSED)) == "ok"
    assert homes(store, one) == [store.keys.ready("dispatch.service")]


def test_what_a_stopping_worker_gives_back_waits_again(store, one):
    store.take("dispatch.service", lease=LEASE)

    store.give_back("dispatch.service", [one])

    assert homes(store, one) == [store.keys.ready("dispatch.service")]


def test_a_campaign_counts_its_messages_by_state(client, store):
    ids = [
        client.send(Message(to="+12025550123", text="Hi.", category="alert", campaign="spring")).id for _ in range(3)
    ]
    client.cancel(ids[:1])

    counts = {k.decode(): int(v) for k, v in store.redis.hgetall(store.keys.counts("spring")).items()}
    assert counts == {"queued": 2, "cancelled": 1}


def test_a_settle_under_a_fence_that_never_passed_does_not_move_another_fences_call(store, one):
    passage = hand_off(store, one)
    supposed = passage.envelope._replace(
        state=State.SUBMITTING, version=passage.envelope.version + 1, fence="mine", home="wire:twilio.service"
    )  # the gate call under this fence was lost on its way, and its worker does not know
    assert store.gate([passage], fence="another", queue=QUEUE, lease=CALL) == ["yes"]

    assert carry(store, supposed, Hold(store.clock.now(), Reason.STOPPING)) == "lost"
    assert envelope(store, one).state is State.SUBMITTING
    assert carry(store, envelope(store, one), Submitted(store.clock.now() + DAY)) == "ok"


def test_a_damaged_envelope_does_not_keep_its_batch_from_being_read(client, store, one):
    other = client.send(Message(to="+12025550124", text="Hi.", category="alert")).id
    store.redis.hset(store.keys.envelope(other), "cr", "nonsense")

    assert [loaded.envelope is None for loaded in store.load([one, other])] == [False, True]


def test_an_envelope_damaged_under_a_script_does_not_undo_the_moves_of_those_before_it(client, store, one):
    other = client.send(Message(to="+12025550124", text="Hi.", category="alert")).id
    store.take("dispatch.service", lease=LEASE)
    until, policy, now = store.clock.now() + DAY, store.policies.current, store.clock.now()
    befores = [loaded.envelope for loaded in store.load([one, other])]
    store.redis.hdel(store.keys.envelope(other), "c")
    hold = Hold(until, Reason.QUIET_HOURS)

    with pytest.raises(StoreUnavailable):
        store.apply([change(before, hold, policy=policy, now=now) for before in befores])

    assert homes(store, one) == [store.keys.due]
    assert envelope(store, one).state is State.HELD


def test_an_envelope_damaged_in_a_home_is_parked_and_does_not_stop_the_pump(client, store, one):
    other = client.send(Message(to="+12025550124", text="Hi.", category="alert")).id
    for id in (one, other):
        carry(store, envelope(store, id), Hold(store.clock.now(), Reason.RETRY))
    store.redis.hdel(store.keys.envelope(one), "l")

    store.wake(retention=DAY)

    assert homes(store, one) == [store.keys.home("park:orphan")]
    assert homes(store, other) == [store.keys.ready("dispatch.service")]


def test_moves_of_many_in_one_call_leave_each_in_one_home(client, store):
    messages = [Message(to=f"+120255501{23 + n % 2}", text="Hi.", category="alert") for n in range(150)]
    ids = [accepted.id for accepted in client.send_many(messages)]
    _, out = store.take("dispatch.service", lease=LEASE, limit=70)
    now, policy = store.clock.now(), store.policies.current
    loaded = [one.envelope for one in store.load(ids)]  # some are out, the others still ready
    outcomes = [Hold(now + DAY, Reason.QUIET_HOURS), End(State.EXPIRED, Reason.TTL), Handoff("twilio", now + DAY)]

    codes = store.apply([change(e, outcomes[n % 3], policy=policy, now=now) for n, e in enumerate(loaded)])

    assert len(out) == 70
    assert set(codes) == {"ok"}
    expected = [[store.keys.due], [], [store.keys.ready(QUEUE)]]
    assert [homes(store, id) for id in ids] == [expected[n % 3] for n in range(150)]


def test_a_newer_message_of_the_same_call_supersedes_an_older_one(client, store):
    message = Message(to="+12025550123", text="Hi.", category="alert", supersede_key="code")

    older, newer = client.send_many([message, message])

    assert [envelope(store, id).state for id in (older.id, newer.id)] == [State.CANCELLED, State.QUEUED]
    assert homes(store, older.id) == []
    assert homes(store, newer.id) == [store.keys.ready("dispatch.service")]
