"""What a receipt makes of a message: early, late, doubled, out of order, or after the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsqueue.core.change import change
from smsqueue.core.confirm import confirm
from smsqueue.core.decide import RECEIPT_GRACE
from smsqueue.core.envelope import Attempt, Envelope
from smsqueue.core.outcome import End, Hold, Submitted
from smsqueue.core.receipt import Receipt, ReceiptStatus
from smsqueue.core.settle import Verdict, settle
from smsqueue.core.states import FINAL, WAITING, Reason, State
from smsqueue.core.submission import SendResult, SendStatus

LIFE = timedelta(hours=4)
R = ReceiptStatus

DELIVERED = End(State.DELIVERED, Reason.RECEIPT)
UNDELIVERED = End(State.UNDELIVERED, Reason.RECEIPT)


def attempts(*results: str) -> tuple[Attempt, ...]:
    return tuple(Attempt(f"f{n}", ("first", "second")[n % 2], result) for n, result in enumerate(results))


def receipt(status: ReceiptStatus, code: str = "") -> Receipt:
    return Receipt(provider_id="P1", status=status, code=code)


# --- a receipt for the newest attempt ---------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "result", "status", "expected"),
    [
        pytest.param(State.SUBMITTED, "accepted", R.DELIVERED, DELIVERED, id="submitted, delivered"),
        pytest.param(State.SUBMITTED, "accepted", R.UNDELIVERED, UNDELIVERED, id="submitted, not delivered"),
        pytest.param(State.SUBMITTED, "accepted", R.ACCEPTED, None, id="submitted, on its way: nothing new"),
        pytest.param(State.SUBMITTED, "accepted", R.UNKNOWN, None, id="submitted, ended without saying how"),
        pytest.param(State.SUBMITTING, "", R.DELIVERED, DELIVERED, id="early: delivered before the answer came"),
        pytest.param(State.SUBMITTING, "", R.UNDELIVERED, UNDELIVERED, id="early: not delivered"),
        pytest.param(State.SUBMITTING, "", R.ACCEPTED, None, id="early: the answer itself will settle it"),
        pytest.param(State.SUBMITTING, "", R.UNKNOWN, None, id="early and unclear: the answer will settle it"),
        pytest.param(State.UNKNOWN, "unknown", R.DELIVERED, DELIVERED, id="in doubt, delivered"),
        pytest.param(State.UNKNOWN, "unknown", R.UNDELIVERED, UNDELIVERED, id="in doubt, not delivered"),
        pytest.param(State.UNKNOWN, "unknown", R.ACCEPTED, Submitted, id="in doubt: so the provider did take it"),
        pytest.param(State.UNKNOWN, "unknown", R.UNKNOWN, Submitted, id="in doubt: whatever it says, it was taken"),
        pytest.param(State.UNKNOWN, "", R.ACCEPTED, Submitted, id="the worker was lost: the provider took it"),
        *(
            pytest.param(state, "unknown", status, expected, id=f"{state} again after doubt: {status}")
            for state in sorted(WAITING)
            for status, expected in [
                (R.DELIVERED, DELIVERED),
                (R.ACCEPTED, Submitted),
                (R.UNKNOWN, Submitted),
                (R.UNDELIVERED, None),
            ]
        ),
    ],
)
def test_a_receipt_moves_a_message_forward(envelope, policy, noon, state, result, status, expected):
    message = envelope(state=state, fence="f0", attempts=attempts(result))

    got = confirm(message, policy(), "f0", receipt(status), noon)

    assert got.outcome == (Submitted(noon + LIFE + RECEIPT_GRACE) if expected is Submitted else expected)


@pytest.mark.parametrize(
    ("status", "result"),
    [
        pytest.param(R.DELIVERED, "delivered", id="delivered"),
        pytest.param(R.UNDELIVERED, "undelivered", id="undelivered"),
        pytest.param(R.ACCEPTED, "accepted", id="accepted"),
        pytest.param(R.UNKNOWN, "accepted", id="unknown proves that it was accepted"),
    ],
)
def test_a_receipt_is_noted_on_its_attempt(envelope, policy, noon, status, result):
    message = envelope(state=State.UNKNOWN, fence="f1", attempts=attempts("refused", "unknown"))

    got = confirm(message, policy(), "f1", receipt(status, "30008"), noon)

    assert got.attempts == (Attempt("f0", "first", "refused"), Attempt("f1", "second", result, "30008", "P1"))


# --- after the end, twice, for nobody ---------------------------------------------------------


@pytest.mark.parametrize("status", list(ReceiptStatus))
@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_receipt_after_the_end_changes_nothing(envelope, policy, noon, state, status):
    message = envelope(state=state, fence="f0", attempts=attempts("accepted"))

    assert confirm(message, policy(), "f0", receipt(status), noon) == Verdict(None, message.attempts)


@pytest.mark.parametrize("status", list(ReceiptStatus))
def test_a_receipt_for_an_attempt_of_nobody_changes_nothing(envelope, policy, noon, status):
    message = envelope(state=State.SUBMITTED, fence="f0", attempts=attempts("accepted"))

    assert confirm(message, policy(), "f9", receipt(status), noon) == Verdict(None, message.attempts)
    assert confirm(message, policy(), "", receipt(status), noon) == Verdict(None, message.attempts)


def written(message: Envelope, verdict: Verdict, policy, now) -> Envelope:
    """The message after a verdict, as the store would show it."""
    got = change(message, verdict.outcome, policy=policy, now=now, attempts=verdict.attempts)
    if got is None:
        return message
    return message._replace(state=got.state, reason=got.reason, home=got.home, attempts=got.attempts)


@pytest.mark.parametrize("status", list(ReceiptStatus))
def test_the_second_of_two_equal_receipts_changes_nothing(envelope, policy, noon, status):
    message = envelope(state=State.UNKNOWN, fence="f0", attempts=attempts("unknown"))
    once = written(message, confirm(message, policy(), "f0", receipt(status), noon), policy(), noon)

    got = confirm(once, policy(), "f0", receipt(status), noon)

    assert got == Verdict(None, once.attempts)


@pytest.mark.parametrize("status", [R.ACCEPTED, R.UNKNOWN])
def test_a_receipt_that_says_no_more_is_not_even_noted(envelope, policy, noon, status):
    known = (Attempt("f0", "first", "accepted", "7", "P0"),)
    message = envelope(state=State.SUBMITTED, fence="f0", attempts=known)

    assert confirm(message, policy(), "f0", receipt(status), noon) == Verdict(None, known)


@pytest.mark.parametrize("last", [R.DELIVERED, R.UNDELIVERED])
@pytest.mark.parametrize("start", [State.SUBMITTING, State.UNKNOWN, State.SUBMITTED])
def test_the_order_of_receipts_does_not_matter(envelope, policy, noon, start, last):
    result = {State.SUBMITTING: "", State.UNKNOWN: "unknown", State.SUBMITTED: "accepted"}[start]
    ends = set()

    for order in permutations([R.ACCEPTED, R.UNKNOWN, R.ACCEPTED, last]):
        message = envelope(state=start, fence="f0", attempts=attempts(result))
        for status in order:
            message = written(message, confirm(message, policy(), "f0", receipt(status), noon), policy(), noon)
        ends.add((message.state, message.attempts[0].result))

    assert ends == {(State(last.value), last.value)}


@pytest.mark.parametrize("status", list(SendStatus))
def test_an_answer_that_comes_after_its_receipt_changes_nothing(envelope, policy, noon, status):
    message = envelope(state=State.SUBMITTING, fence="f0", attempts=attempts(""))
    delivered = written(message, confirm(message, policy(), "f0", receipt(R.DELIVERED), noon), policy(), noon)

    got = settle(delivered, policy(), "f0", SendResult(status=status), noon, 0.5)

    assert got == Verdict(None, delivered.attempts)
    assert got.attempts[0].result == "delivered"


# --- several attempts -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "fence", "status", "expected"),
    [
        pytest.param(("unknown", "accepted"), "f0", R.DELIVERED, DELIVERED, id="the first was delivered: that is all"),
        pytest.param(("unknown", "accepted"), "f0", R.UNDELIVERED, None, id="the second may still arrive"),
        pytest.param(("unknown", "accepted"), "f1", R.UNDELIVERED, None, id="the first, in doubt, may have arrived"),
        pytest.param(("accepted", "accepted"), "f1", R.UNDELIVERED, None, id="the first may still arrive"),
        pytest.param(("undelivered", "accepted"), "f1", R.UNDELIVERED, UNDELIVERED, id="neither was delivered"),
        pytest.param(("undelivered", "accepted"), "f1", R.DELIVERED, DELIVERED, id="the second was delivered"),
        pytest.param(("accepted", "undelivered"), "f0", R.UNDELIVERED, UNDELIVERED, id="neither, the first told last"),
        pytest.param(("refused", "accepted"), "f1", R.UNDELIVERED, UNDELIVERED, id="the first was surely not sent"),
        pytest.param(("no_route", "accepted"), "f1", R.UNDELIVERED, UNDELIVERED, id="the first was not served"),
        pytest.param(("account", "accepted"), "f1", R.UNDELIVERED, UNDELIVERED, id="the first met account trouble"),
        pytest.param(("unknown", "accepted"), "f0", R.ACCEPTED, None, id="the first was taken, too"),
    ],
)
def test_a_message_is_as_good_as_its_best_attempt(envelope, policy, noon, results, fence, status, expected):
    message = envelope(state=State.SUBMITTED, fence="f1", attempts=attempts(*results))

    assert confirm(message, policy(), fence, receipt(status), noon).outcome == expected


def test_an_old_attempts_receipt_ends_the_doubt_of_the_message(envelope, policy, noon):
    message = envelope(state=State.UNKNOWN, fence="f1", attempts=attempts("unknown", "unknown"))

    got = confirm(message, policy(), "f0", receipt(R.ACCEPTED), noon)

    assert got.outcome == Submitted(noon + LIFE + RECEIPT_GRACE)
    assert [attempt.result for attempt in got.attempts] == ["accepted", "unknown"]


@pytest.mark.parametrize("state", sorted(WAITING))
def test_what_a_throttled_answer_left_waiting_is_not_submitted_again_once_it_was_taken(envelope, policy, noon, state):
    message = envelope(state=state, fence="f1", attempts=attempts("unknown"))  # f1 was throttled: no attempt

    got = confirm(message, policy(doubt="again"), "f0", receipt(R.ACCEPTED), noon)

    assert got.outcome == Submitted(noon + LIFE + RECEIPT_GRACE)


def test_undelivered_does_not_end_what_is_on_the_wire_again(envelope, policy, noon):
    message = envelope(state=State.SUBMITTING, fence="f1", attempts=attempts("unknown", ""))

    assert confirm(message, policy(), "f0", receipt(R.UNDELIVERED), noon).outcome is None


def test_what_a_receipt_said_last_of_an_attempt_is_not_taken_back(envelope, policy, noon):
    message = envelope(state=State.SUBMITTING, fence="f1", attempts=attempts("undelivered", ""))

    assert confirm(message, policy(), "f0", receipt(R.DELIVERED), noon) == Verdict(None, message.attempts)


# --- resending --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "after", "expected"),
    [
        pytest.param({}, timedelta(0), Hold, id="once more, after a while"),
        pytest.param(
            {"attempts": attempts("undelivered", "undelivered", "accepted"), "fence": "f2"},
            timedelta(0),
            UNDELIVERED,
            id="its attempts are used up",
        ),
        pytest.param({}, LIFE - timedelta(minutes=5), UNDELIVERED, id="too little validity is left"),
        pytest.param({}, 9 * LIFE, UNDELIVERED, id="its deadline is long over"),
        pytest.param(
            {"stop": "cancelled"},
            timedelta(0),
            UNDELIVERED,
            id="somebody cancelled it in the meantime: not again, but it was sent",
        ),
    ],
)
@pytest.mark.parametrize("state", [State.SUBMITTED, State.UNKNOWN])
def test_undelivered_for_a_cause_that_passes_is_submitted_again_where_a_category_wants_it(
    envelope, policy, noon, state, given, after, expected
):
    usual = {"state": state, "fence": "f0", "attempts": attempts("accepted")}
    message = envelope(**{**usual, **given})
    rules = policy(resend=True)

    got = confirm(message, rules, message.fence, replace(receipt(R.UNDELIVERED), temporary=True), noon + after)

    again = Hold(noon + after + timedelta(seconds=10), Reason.RETRY)
    assert got.outcome == (again if expected is Hold else expected)
    assert change(message, got.outcome, policy=rules, now=noon, attempts=got.attempts)


@pytest.mark.parametrize(
    ("resend", "temporary"),
    [
        pytest.param(True, False, id="for good: no attempt will change it"),
        pytest.param(False, True, id="its category does not want it"),
    ],
)
def test_undelivered_is_the_end_otherwise(envelope, policy, noon, resend, temporary):
    message = envelope(state=State.SUBMITTED, fence="f0", attempts=attempts("accepted"))

    got = confirm(message, policy(resend=resend), "f0", replace(receipt(R.UNDELIVERED), temporary=temporary), noon)

    assert got.outcome == UNDELIVERED


def test_what_is_submitted_again_after_the_evening_waits_for_the_morning(envelope, policy, noon):
    evening = noon + timedelta(hours=9, minutes=30)
    message = envelope(
        state=State.SUBMITTED, fence="f0", attempts=attempts("accepted"), deadline=noon + timedelta(hours=23)
    )

    got = confirm(message, policy(resend=True), "f0", replace(receipt(R.UNDELIVERED), temporary=True), evening)

    assert got.outcome == Hold(noon + timedelta(hours=20, minutes=1), Reason.QUIET_HOURS)


# --- whatever comes, in whatever order --------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=500)
@given(
    state=st.sampled_from(sorted(State)),
    stop=st.sampled_from(["", "cancelled"]),
    results=st.lists(
        st.sampled_from(["", "accepted", "refused", "unknown", "account", "delivered", "undelivered"]), max_size=3
    ),
    rules=st.sampled_from([{}, {"resend": True}, {"doubt": "again"}]),
    receipts=st.lists(
        st.tuples(st.sampled_from(["f0", "f1", "f2", "f9"]), st.sampled_from(R), st.booleans()), max_size=6
    ),
    seconds=st.integers(0, 30_000),
)
def test_receipts_only_move_forward(envelope, policy, noon, state, stop, results, rules, receipts, seconds):
    made = attempts(*results)
    message = envelope(state=state, stop=stop, fence=made[-1].fence if made else "", attempts=made)
    now = noon + timedelta(seconds=seconds)

    for fence, status, temporary in receipts:
        told = replace(receipt(status), temporary=temporary)
        verdict = confirm(message, policy(**rules), fence, told, now)
        after = written(message, verdict, policy(**rules), now)
        assert len(after.attempts) == len(message.attempts)
        if message.state in FINAL:
            assert after == message
        if message.state is State.SUBMITTED:
            assert after.state in {State.SUBMITTED, State.DELIVERED, State.UNDELIVERED, State.HELD}
        if status is R.DELIVERED and message.state not in FINAL and verdict.attempts != message.attempts:
            assert after.state is State.DELIVERED
        message = after
