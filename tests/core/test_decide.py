"""What is to be done about a message now: every state, every rule, in the order of the questions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsqueue.core.decide import CALL_GRACE, RECEIPT_GRACE, decide, may_repeat
from smsqueue.core.envelope import Attempt
from smsqueue.core.facts import CLEAR, Facts
from smsqueue.core.outcome import End, Handoff, Hold, Park, Submitted, Watch
from smsqueue.core.states import FINAL, WAITING, Reason, State

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIFE = 4 * HOUR


def attempts(*results: str, provider: str = "") -> tuple[Attempt, ...]:
    """Attempts that took the providers in turn, or the same one every time."""
    turns = ("first", "second")
    return tuple(Attempt(f"f{n}", provider or turns[n % 2], result) for n, result in enumerate(results))


def test_a_receipt_is_waited_for_an_hour_and_a_call_a_minute():
    assert (RECEIPT_GRACE, CALL_GRACE) == (HOUR, MINUTE)


# --- what waits -------------------------------------------------------------------------------


@pytest.mark.parametrize("state", sorted(WAITING))
@pytest.mark.parametrize(
    ("given", "rules", "facts", "after", "expected"),
    [
        pytest.param(
            {}, {}, CLEAR, timedelta(0), ("handoff", "first", LIFE), id="in the open it goes to the first provider"
        ),
        pytest.param(
            {"deadline": 20 * HOUR},
            {},
            CLEAR,
            timedelta(0),
            ("handoff", "first", 9 * HOUR - MINUTE),
            id="its validity ends where quiet hours begin",
        ),
        pytest.param(
            {"deadline": 20 * HOUR},
            {"quiet": "off"},
            CLEAR,
            timedelta(0),
            ("handoff", "first", 20 * HOUR),
            id="without quiet hours its validity is its own",
        ),
        pytest.param(
            {"stop": "cancelled"}, {}, CLEAR, timedelta(0), End(State.CANCELLED, Reason.CANCELLED), id="cancelled"
        ),
        pytest.param(
            {"stop": "superseded"}, {}, CLEAR, timedelta(0), End(State.CANCELLED, Reason.SUPERSEDED), id="superseded"
        ),
        pytest.param(
            {"stop": "superseded"},
            {},
            Facts(withdrawn=True, paused=True),
            LIFE,
            End(State.CANCELLED, Reason.SUPERSEDED),
            id="a stop mark comes first of all",
        ),
        pytest.param(
            {},
            {},
            Facts(withdrawn=True, paused=True),
            LIFE,
            End(State.CANCELLED, Reason.CANCELLED),
            id="its campaign was withdrawn, even after the deadline",
        ),
        pytest.param(
            {}, {}, Facts(paused=True), LIFE, End(State.EXPIRED, Reason.TTL), id="a pause does not outlast the deadline"
        ),
        pytest.param({}, {}, Facts(paused=True), timedelta(0), Park(Reason.PAUSED), id="paused"),
        pytest.param(
            {"deadline": 20 * HOUR},
            {},
            Facts(paused=True),
            12 * HOUR,
            Park(Reason.PAUSED),
            id="paused, in quiet hours: the pause says more",
        ),
        pytest.param({}, {}, CLEAR, LIFE, End(State.EXPIRED, Reason.TTL), id="at its deadline it is late"),
        pytest.param({}, {}, CLEAR, 9 * DAY, End(State.EXPIRED, Reason.TTL), id="long after its deadline"),
        pytest.param(
            {},
            {},
            CLEAR,
            LIFE - 5 * MINUTE + timedelta(seconds=1),
            End(State.EXPIRED, Reason.TTL_TOO_SHORT),
            id="a second less than its least validity is left",
        ),
        pytest.param(
            {},
            {},
            CLEAR,
            LIFE - 5 * MINUTE,
            ("handoff", "first", LIFE),
            id="exactly its least validity is left",
        ),
        pytest.param(
            {"deadline": 24 * HOUR},
            {},
            CLEAR,
            12 * HOUR,
            ("hold", 20 * HOUR + MINUTE, Reason.QUIET_HOURS),
            id="at midnight it waits for the morning",
        ),
        pytest.param(
            {"deadline": 12 * HOUR},
            {},
            CLEAR,
            11 * HOUR,
            End(State.EXPIRED, Reason.TTL_BEFORE_WINDOW),
            id="the morning is too late for it",
        ),
        pytest.param(
            {"not_before": 2 * HOUR},
            {},
            CLEAR,
            timedelta(0),
            ("hold", 2 * HOUR, Reason.SCHEDULED),
            id="scheduled for later",
        ),
        pytest.param(
            {"not_before": 2 * HOUR},
            {},
            CLEAR,
            2 * HOUR,
            ("handoff", "first", LIFE),
            id="scheduled for now",
        ),
        pytest.param(
            {"not_before": 2 * HOUR + timedelta(milliseconds=1)},
            {},
            CLEAR,
            2 * HOUR,
            ("hold", 2 * HOUR + timedelta(seconds=1), Reason.SCHEDULED),
            id="scheduled for a part of a second: never before it",
        ),
        pytest.param(
            {"not_before": 10 * HOUR, "deadline": 24 * HOUR},
            {},
            CLEAR,
            timedelta(0),
            ("hold", 20 * HOUR + MINUTE, Reason.QUIET_HOURS),
            id="scheduled for the night, so for the morning",
        ),
        pytest.param(
            {"region": "001"}, {}, CLEAR, timedelta(0), End(State.EXPIRED, Reason.NO_WINDOW), id="nobody knows where"
        ),
        pytest.param(
            {"region": "001"},
            {"quiet": "off"},
            CLEAR,
            timedelta(0),
            ("handoff", "first", LIFE),
            id="nobody knows where, nobody cares",
        ),
        pytest.param(
            {"zones": "Asia/Tokyo"},
            {},
            CLEAR,
            timedelta(0),
            End(State.EXPIRED, Reason.TTL_BEFORE_WINDOW),
            id="the producer says that the recipient is in Tokyo, where it is night",
        ),
        pytest.param(
            {"category": "gone"},
            {"quiet": "off"},
            CLEAR,
            12 * HOUR,
            End(State.EXPIRED, Reason.TTL),
            id="a category that was removed, too late",
        ),
        pytest.param(
            {"category": "gone", "deadline": 24 * HOUR},
            {"quiet": "off"},
            CLEAR,
            12 * HOUR,
            ("hold", 20 * HOUR + MINUTE, Reason.QUIET_HOURS),
            id="a category that was removed respects the night",
        ),
        pytest.param(
            {"attempts": attempts("refused")},
            {},
            CLEAR,
            timedelta(0),
            ("handoff", "second", LIFE),
            id="the second attempt takes the second provider",
        ),
        pytest.param(
            {"attempts": attempts("refused", "refused")},
            {},
            CLEAR,
            timedelta(0),
            ("handoff", "first", LIFE),
            id="the third takes the first again",
        ),
        pytest.param(
            {"attempts": attempts("no_route", "refused")},
            {},
            CLEAR,
            timedelta(0),
            ("handoff", "second", LIFE),
            id="a provider that does not serve it is not asked again",
        ),
        pytest.param(
            {"attempts": attempts("no_route", "no_route")},
            {},
            CLEAR,
            timedelta(0),
            End(State.FAILED, Reason.NO_ROUTE),
            id="no provider serves it",
        ),
        pytest.param(
            {"sender": "only_second"},
            {},
            CLEAR,
            timedelta(0),
            ("handoff", "second", LIFE),
            id="only the second provider has its sender",
        ),
        pytest.param(
            {"sender": "nobody"},
            {},
            CLEAR,
            timedelta(0),
            End(State.FAILED, Reason.NO_ROUTE),
            id="no provider has its sender",
        ),
        pytest.param(
            {},
            {},
            Facts(paused_providers=frozenset({"first"})),
            timedelta(0),
            ("handoff", "second", LIFE),
            id="a paused provider is passed over",
        ),
        pytest.param(
            {},
            {},
            Facts(paused_providers=frozenset({"first", "second"})),
            timedelta(0),
            Park(Reason.PAUSED),
            id="all providers are paused",
        ),
        pytest.param(
            {},
            {"providers": {"first": {"shortest": "5h"}}},
            CLEAR,
            timedelta(0),
            ("handoff", "second", LIFE),
            id="the first provider cannot express so short a validity",
        ),
        pytest.param(
            {},
            {"providers": {"first": {"shortest": "5h"}, "second": {"shortest": "5h"}}},
            CLEAR,
            timedelta(0),
            End(State.EXPIRED, Reason.VALIDITY_UNREPRESENTABLE),
            id="no provider can",
        ),
    ],
)
def test_what_waits(envelope, policy, noon, state, given, rules, facts, after, expected):
    instants = {name: noon + value for name, value in given.items() if isinstance(value, timedelta)}
    waiting = envelope(state=state, **{**given, **instants})

    got = decide(waiting, policy(**rules), facts, noon + after)

    match expected:
        case ("handoff", provider, until):
            assert got == Handoff(provider, noon + until)
        case ("hold", until, reason):
            assert got == Hold(noon + until, reason)
        case _:
            assert got == expected


# --- what a provider may have -----------------------------------------------------------------


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_final_state_is_never_left(envelope, policy, noon, state):
    for stop in ("", "cancelled"):
        assert decide(envelope(state=state, stop=stop), policy(), Facts(withdrawn=True, paused=True), noon) is None


@pytest.mark.parametrize("after", [timedelta(0), LIFE, 9 * DAY])
def test_a_message_on_the_wire_is_only_watched(envelope, policy, noon, after):
    on_the_wire = envelope(state=State.SUBMITTING, stop="cancelled")

    assert decide(on_the_wire, policy(), Facts(withdrawn=True), noon + after) == Watch(noon + after + CALL_GRACE)


@pytest.mark.parametrize(
    ("given", "rules", "after", "expected"),
    [
        pytest.param({}, {}, timedelta(0), Watch, id="a submitted one waits for its receipt"),
        pytest.param({"stop": "cancelled"}, {}, timedelta(0), Watch, id="a stop mark cannot call it back"),
        pytest.param({}, {"doubt": "again"}, timedelta(0), Watch, id="it is never submitted again for want of one"),
        pytest.param({}, {}, LIFE + RECEIPT_GRACE - timedelta(seconds=1), Watch, id="until an hour after its validity"),
        pytest.param(
            {},
            {},
            LIFE + RECEIPT_GRACE,
            End(State.UNCONFIRMED, Reason.NO_RECEIPT),
            id="then it is over, and nobody knows how",
        ),
    ],
)
def test_what_was_submitted(envelope, policy, noon, given, rules, after, expected):
    submitted = envelope(state=State.SUBMITTED, attempts=attempts("accepted"), **given)

    got = decide(submitted, policy(**rules), CLEAR, noon + after)

    assert got == (Watch(noon + LIFE + RECEIPT_GRACE) if expected is Watch else expected)


DEDUPLICATES = {"first": {"deduplicates": True}}


@pytest.mark.parametrize(
    ("given", "rules", "after", "expected"),
    [
        pytest.param({}, {}, timedelta(0), "watch", id="never twice: it waits for a receipt"),
        pytest.param({}, {"doubt": "again"}, timedelta(0), "again", id="better twice than never"),
        pytest.param(
            {}, {"providers": DEDUPLICATES, "routes": ["first"]}, timedelta(0), "again", id="its provider deduplicates"
        ),
        pytest.param(
            {}, {"providers": DEDUPLICATES}, timedelta(0), "watch", id="the other provider would not know of it"
        ),
        pytest.param({"stop": "cancelled"}, {"doubt": "again"}, timedelta(0), "watch", id="nobody wants it any more"),
        pytest.param(
            {"attempts": attempts("unknown", "unknown", "unknown")},
            {"doubt": "again"},
            timedelta(0),
            "watch",
            id="its attempts are used up",
        ),
        pytest.param({}, {"doubt": "again"}, LIFE - 5 * MINUTE, "again", id="exactly enough validity is left"),
        pytest.param(
            {}, {"doubt": "again"}, LIFE - 5 * MINUTE + timedelta(seconds=1), "watch", id="too little validity is left"
        ),
        pytest.param(
            {"attempts": attempts("accepted")},
            {"doubt": "again"},
            timedelta(0),
            "submitted",
            id="a receipt came before the worker was lost",
        ),
        pytest.param(
            {"attempts": ()}, {"doubt": "again"}, timedelta(0), "again", id="its attempt was not even written"
        ),
        pytest.param({}, {}, LIFE + RECEIPT_GRACE - timedelta(seconds=1), "watch", id="until an hour after"),
        pytest.param({}, {}, LIFE + RECEIPT_GRACE, "end", id="then it is over"),
        pytest.param({}, {"doubt": "again"}, LIFE + RECEIPT_GRACE, "end", id="then it is over, whatever its category"),
    ],
)
def test_what_is_in_doubt(envelope, policy, noon, given, rules, after, expected):
    doubtful = envelope(state=State.UNKNOWN, **{"attempts": attempts("unknown"), **given})
    until = noon + LIFE + RECEIPT_GRACE

    got = decide(doubtful, policy(**rules), CLEAR, noon + after)

    assert (
        got
        == {
            "watch": Watch(until),
            "again": Hold(noon + after, Reason.IN_DOUBT_AGAIN),
            "submitted": Submitted(until),
            "end": End(State.UNCONFIRMED, Reason.IN_DOUBT),
        }[expected]
    )
    assert may_repeat(doubtful, policy(**rules), noon + after) is (expected in {"again", "submitted"})


# --- whatever the policy says -----------------------------------------------------------------


RESULTS = st.sampled_from(["", "accepted", "rejected", "refused", "unavailable", "no_route", "account", "unknown"])
SECONDS = st.integers(-3600, 3 * 86_400)


@settings(derandomize=True, deadline=None, max_examples=500)
@given(
    state=st.sampled_from(sorted(State)),
    stop=st.sampled_from(["", "", "cancelled", "superseded"]),
    results=st.lists(RESULTS, max_size=3),
    doubt=st.sampled_from(["wait", "again"]),
    facts=st.builds(
        Facts,
        paused=st.booleans(),
        withdrawn=st.booleans(),
        paused_providers=st.frozensets(st.sampled_from(["first", "second"])),
    ),
    at=SECONDS,
    life=SECONDS.filter(lambda seconds: seconds > 0),
    not_before=st.none() | SECONDS,
)
def test_rules_that_hold_whatever_the_policy_says(
    envelope, policy, noon, state, stop, results, doubt, facts, at, life, not_before
):
    start = None if not_before is None else noon + timedelta(seconds=not_before)
    deadline, now = noon + timedelta(seconds=life), noon + timedelta(seconds=at)
    message = envelope(state=state, stop=stop, attempts=attempts(*results), deadline=deadline, not_before=start)

    got = decide(message, policy(doubt=doubt), facts, now)

    assert (got is None) == (state in FINAL)
    if isinstance(got, Handoff):
        assert state in WAITING
        assert not any((stop, facts.paused, facts.withdrawn))
        assert got.provider not in facts.paused_providers
        assert now + 5 * MINUTE <= got.valid_until <= deadline
        assert start is None or start <= now
        opens, closes = (now.replace(hour=hour, minute=minute, second=0) for hour, minute in ((8, 1), (20, 59)))
        assert opens <= now < got.valid_until <= closes  # in November London's clocks are UTC
    if isinstance(got, Hold):
        assert not stop
        assert got.until > now or (state is State.UNKNOWN and doubt == "again" and got.until == now)
    if isinstance(got, End) and got.state is not State.UNCONFIRMED:
        assert state in WAITING
    if state not in WAITING | FINAL | {State.UNKNOWN}:
        assert isinstance(got, Watch | End)
