"""What a provider's answer makes of a message: every status, at any time, from any attempt."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsqueue.core import policy as policies
from smsqueue.core.change import change
from smsqueue.core.decide import RECEIPT_GRACE
from smsqueue.core.envelope import Attempt
from smsqueue.core.outcome import Doubt, End, Hold, Park, Submitted
from smsqueue.core.settle import Verdict, in_doubt, never_started, noted, settle
from smsqueue.core.states import FINAL, WAITING, Reason, State
from smsqueue.core.submission import SendResult, SendStatus

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NOW = timedelta(0)
LIFE = 4 * HOUR
WAIT_FOR_RECEIPT = LIFE + RECEIPT_GRACE
HALF = 0.5


def attempts(*results: str) -> tuple[Attempt, ...]:
    """Attempts f0, f1, …, which took the two providers in turn."""
    return tuple(Attempt(f"f{n}", ("first", "second")[n % 2], result) for n, result in enumerate(results))


@pytest.fixture
def answer(envelope, policy, noon):
    """Settle the newest attempt of a message on the wire; instants are told as time from noon."""

    def given_to(
        status: SendStatus, *, results=("",), rules=None, after=NOW, code="", retry_after=None, jitter=HALF, **given
    ) -> Verdict:
        made = attempts(*results)
        usual = {"state": State.SUBMITTING, "fence": made[-1].fence, "attempts": made}
        result = SendResult(status=status, code=code, retry_after=retry_after)
        message = envelope(**{**usual, **given})
        return settle(message, policy(**(rules or {})), message.fence, result, noon + after, jitter)

    return given_to


# --- the answer of the newest attempt ---------------------------------------------------------

S = SendStatus


@pytest.mark.parametrize("state", [State.SUBMITTING, State.UNKNOWN])
@pytest.mark.parametrize(
    ("status", "given", "expected"),
    [
        pytest.param(S.ACCEPTED, {}, ("submitted",), id="accepted"),
        pytest.param(S.ACCEPTED, {"stop": "cancelled"}, ("submitted",), id="accepted, though nobody wants it any more"),
        pytest.param(S.ACCEPTED, {"after": 9 * HOUR}, ("submitted",), id="accepted, long after its deadline"),
        pytest.param(S.REJECTED, {}, (State.FAILED, Reason.REJECTED), id="rejected"),
        pytest.param(S.REJECTED, {"code": "21211"}, (State.FAILED, Reason.REJECTED), id="rejected with a code"),
        pytest.param(S.REJECTED, {"code": "opted_out"}, (State.FAILED, Reason.OPTED_OUT), id="opted out"),
        pytest.param(S.REJECTED, {"code": "expired"}, (State.EXPIRED, Reason.PROVIDER_EXPIRED), id="expired there"),
        pytest.param(S.UNKNOWN, {}, ("doubt", WAIT_FOR_RECEIPT), id="the answer was lost: never twice"),
        pytest.param(
            S.UNKNOWN, {"rules": {"doubt": "again"}}, ("doubt", 10 * SECOND), id="the answer was lost: once more, soon"
        ),
        pytest.param(
            S.UNKNOWN,
            {"rules": {"doubt": "again"}, "results": ("unknown", "unknown", "")},
            ("doubt", WAIT_FOR_RECEIPT),
            id="the answer was lost, and so were all before",
        ),
        pytest.param(
            S.UNKNOWN,
            {"rules": {"doubt": "again"}, "stop": "cancelled"},
            ("doubt", WAIT_FOR_RECEIPT),
            id="the answer was lost, and nobody wants it any more",
        ),
        pytest.param(
            S.UNKNOWN,
            {"rules": {"routes": ["first"], "providers": {"first": {"deduplicates": True}}}},
            ("doubt", 10 * SECOND),
            id="the answer was lost, and its provider deduplicates",
        ),
        pytest.param(S.REFUSED, {}, ("hold", 5 * SECOND, Reason.RETRY), id="refused: half of the first range"),
        pytest.param(S.UNAVAILABLE, {}, ("hold", 5 * SECOND, Reason.RETRY), id="not sent: the same"),
        pytest.param(
            S.REFUSED,
            {"results": ("refused", "")},
            ("hold", 10 * SECOND, Reason.RETRY),
            id="refused twice: the range doubles",
        ),
        pytest.param(
            S.REFUSED,
            {"results": ("refused",) * 8 + ("",), "rules": {"attempts": 10}},
            ("hold", 30 * SECOND, Reason.RETRY),
            id="refused often: the range ends at its cap",
        ),
        pytest.param(S.REFUSED, {"jitter": 0.0}, ("hold", 1 * SECOND, Reason.RETRY), id="refused: never again at once"),
        pytest.param(
            S.REFUSED, {"results": ("refused", "refused", "")}, (State.FAILED, Reason.ATTEMPTS), id="refused to the end"
        ),
        pytest.param(
            S.UNAVAILABLE,
            {"results": ("refused", "unknown", "")},
            (State.FAILED, Reason.ATTEMPTS),
            id="attempts of every kind are counted",
        ),
        pytest.param(
            S.REFUSED,
            {"after": LIFE - 5 * MINUTE},
            (State.EXPIRED, Reason.TTL_TOO_SHORT),
            id="refused, and its least validity would be gone",
        ),
        pytest.param(
            S.REFUSED,
            {"life": 5 * MINUTE + 5 * SECOND},
            ("hold", 5 * SECOND, Reason.RETRY),
            id="refused, and its least validity is just left",
        ),
        pytest.param(
            S.THROTTLED,
            {"life": 6 * MINUTE, "retry_after": 9 * MINUTE, "jitter": 0.0},
            (State.EXPIRED, Reason.TTL_TOO_SHORT),
            id="throttled for longer than it is of use",
        ),
        pytest.param(
            S.REFUSED,
            {"after": 9 * HOUR - 2 * SECOND, "life": 24 * HOUR},
            ("hold", 20 * HOUR + MINUTE, Reason.QUIET_HOURS),
            id="refused at the end of the day: tomorrow",
        ),
        pytest.param(
            S.REFUSED,
            {"after": 9 * HOUR - 2 * SECOND, "life": 12 * HOUR},
            (State.EXPIRED, Reason.TTL_BEFORE_WINDOW),
            id="refused at the end of the day, too late tomorrow",
        ),
        pytest.param(S.NO_ROUTE, {}, ("hold", NOW, Reason.RETRY), id="not served here: at once, another provider"),
        pytest.param(
            S.ACCOUNT, {}, ("hold", NOW, Reason.RETRY), id="account trouble at one: at once, another provider"
        ),
        pytest.param(
            S.ACCOUNT, {"results": ("account", "")}, ("park", Reason.ACCOUNT), id="account trouble at all: parked"
        ),
        pytest.param(
            S.ACCOUNT, {"rules": {"routes": ["first"]}}, ("park", Reason.ACCOUNT), id="account trouble at the only one"
        ),
        pytest.param(
            S.ACCOUNT,
            {"results": ("refused", "")},
            ("hold", NOW, Reason.RETRY),
            id="account trouble at one, the other only refused",
        ),
    ],
)
def test_an_answer_settles_a_message(answer, noon, state, status, given, expected):
    given = dict(given)
    if life := given.pop("life", None):
        given["deadline"] = noon + life
    deadline = given.get("deadline", noon + LIFE)
    at = noon + given.get("after", NOW)

    got = answer(status, state=state, **given).outcome

    match expected:
        case ("submitted",):
            assert got == Submitted(deadline + RECEIPT_GRACE)
        case ("doubt", until):
            assert got == Doubt(noon + until, Reason.ANSWER_LOST)
        case ("hold", until, reason):
            assert got == Hold(noon + until if reason is Reason.QUIET_HOURS else at + until, reason)
        case ("park", reason):
            assert got == Park(reason)
        case (final, reason):
            assert got == End(final, reason)


@pytest.mark.parametrize("status", [S.REFUSED, S.UNAVAILABLE, S.NO_ROUTE, S.THROTTLED])
@pytest.mark.parametrize("stop", ["cancelled", "superseded"])
def test_whatever_would_be_held_is_cancelled_after_a_stop_mark(answer, status, stop):
    assert answer(status, stop=stop).outcome == End(State.CANCELLED, Reason(stop))


def test_whatever_would_be_parked_is_cancelled_after_a_stop_mark(answer):
    for results in (("",), ("account", "")):
        got = answer(S.ACCOUNT, results=results, stop="cancelled").outcome
        assert got == End(State.CANCELLED, Reason.CANCELLED)


# --- what counts as an attempt ----------------------------------------------------------------


@pytest.mark.parametrize("status", [S.ACCEPTED, S.REJECTED, S.REFUSED, S.UNAVAILABLE, S.NO_ROUTE, S.UNKNOWN])
def test_an_answer_is_noted_on_its_attempt(answer, status):
    got = answer(status, results=("refused", ""), code="c7").attempts

    assert got == (Attempt("f0", "first", "refused"), Attempt("f1", "second", status.value, "c7"))


def test_the_providers_name_for_it_is_noted_with_its_answer(envelope, policy, noon):
    message = envelope(state=State.SUBMITTING, fence="f0", attempts=attempts(""))
    result = SendResult(status=S.ACCEPTED, code="ok", provider_id="SM1")

    got = settle(message, policy(), "f0", result, noon, HALF)

    assert got.attempts == (Attempt("f0", "first", "accepted", "ok", "SM1"),)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        pytest.param(S.REFUSED, Hold, id="its category has attempts left"),
        pytest.param(S.UNKNOWN, Doubt, id="its category waits for a receipt"),
    ],
)
def test_a_message_is_treated_by_its_own_category(envelope, policy, noon, status, outcome):
    document = policy().model_dump(mode="json")
    document["categories"]["promotional"] = {
        **document["categories"]["service"], "attempts": 1, "doubt": "again", "min_validity": "4h", "backoff": "1m",
    }  # fmt: skip
    message = envelope(state=State.SUBMITTING, fence="f0", attempts=attempts(""))

    got = settle(message, policies.read(document), "f0", SendResult(status=status), noon, HALF)

    assert isinstance(got.outcome, outcome)
    if outcome is Doubt:
        assert got.outcome.until == noon + WAIT_FOR_RECEIPT
    document["categories"]["service"]["doubt"] = "again"
    assert in_doubt(message, policies.read(document), Reason.LEASE_ENDED, noon).until == noon + 10 * SECOND


@pytest.mark.parametrize(
    ("status", "probe", "expected", "kept"),
    [
        pytest.param(S.UNAVAILABLE, True, Hold, 2, id="nobody there: as if it had not been tried"),
        pytest.param(S.UNAVAILABLE, False, End, 3, id="no probe: the last attempt"),
        pytest.param(S.REFUSED, True, End, 3, id="an answer: the last attempt"),
        pytest.param(S.UNKNOWN, True, Doubt, 3, id="its answer was lost: it may have been sent"),
        pytest.param(S.ACCEPTED, True, Submitted, 3, id="it is well again"),
    ],
)
def test_a_probe_that_finds_nobody_is_no_attempt(envelope, policy, noon, status, probe, expected, kept):
    made = attempts("refused", "refused", "")
    message = envelope(state=State.SUBMITTING, fence="f2", attempts=made)

    got = settle(message, policy(attempts=3), "f2", SendResult(status=status), noon, HALF, probe=probe)

    assert isinstance(got.outcome, expected)
    assert len(got.attempts) == kept
    if expected is Hold:
        assert got == Verdict(Hold(noon, Reason.RETRY), made[:2])


def test_a_probe_that_finds_nobody_when_it_is_not_wanted_any_more_ends(envelope, policy, noon):
    message = envelope(state=State.SUBMITTING, fence="f0", attempts=attempts(""), stop="cancelled")
    nobody = SendResult(status=S.UNAVAILABLE)

    assert settle(message, policy(), "f0", nobody, noon, HALF, probe=True).outcome == End(
        State.CANCELLED, Reason.CANCELLED
    )


@pytest.mark.parametrize("status", [S.REFUSED, S.UNAVAILABLE])
def test_the_last_attempt_is_noted_like_the_others(answer, status):
    got = answer(status, results=("refused", "refused", ""), code="c7").attempts

    assert got == (*attempts("refused", "refused"), Attempt("f2", "first", status.value, "c7"))


def test_a_throttled_answer_is_not_an_attempt(answer):
    assert answer(S.THROTTLED, results=("refused", "")).attempts == attempts("refused")
    assert answer(S.THROTTLED).attempts == ()


@pytest.mark.parametrize(
    ("retry_after", "results", "jitter", "wait"),
    [
        pytest.param(20 * SECOND, ("",), 0.0, 20 * SECOND, id="as long as the provider asked"),
        pytest.param(20 * SECOND, ("",), 0.5, 25 * SECOND, id="spread a little, so that not all come back at once"),
        pytest.param(9 * HOUR, ("",), 0.0, 10 * MINUTE, id="no longer than is believed"),
        pytest.param(None, ("",), 0.5, 10 * SECOND, id="not told: the range of a retry, and spread"),
        pytest.param(None, ("refused", ""), 0.5, 15 * SECOND, id="not told, after an attempt"),
    ],
)
def test_a_throttled_message_waits(answer, noon, retry_after, results, jitter, wait):
    got = answer(S.THROTTLED, retry_after=retry_after, results=results, jitter=jitter)

    assert got.outcome == Hold(noon + wait, Reason.THROTTLED)


def test_a_message_is_throttled_as_often_as_it_takes(answer):
    got = answer(S.THROTTLED, results=("refused", "refused", ""))

    assert isinstance(got.outcome, Hold)
    assert len(got.attempts) == 2


def test_account_trouble_leaves_no_trace_when_it_parks(answer):
    assert answer(S.ACCOUNT, results=("refused", "account", "")).attempts == attempts("refused")


def test_account_trouble_is_remembered_until_every_provider_was_asked(answer):
    assert answer(S.ACCOUNT).attempts == attempts("account")


# --- late and old answers ---------------------------------------------------------------------


@pytest.mark.parametrize("status", list(SendStatus))
@pytest.mark.parametrize("state", list(State))
def test_an_answer_under_an_old_fence_moves_nothing(envelope, policy, noon, state, status):
    message = envelope(state=state, fence="f1", attempts=attempts("unknown", ""))

    got = settle(message, policy(), "f0", SendResult(status=status, provider_id="P1"), noon, HALF)

    assert got.outcome is None
    assert got.attempts[1] == message.attempts[1]
    assert got.attempts[0].result == status.value


@pytest.mark.parametrize("status", list(SendStatus))
def test_an_answer_under_a_fence_of_nobody_moves_nothing(envelope, policy, noon, status):
    message = envelope(state=State.SUBMITTING, fence="f0", attempts=attempts(""))

    got = settle(message, policy(), "f9", SendResult(status=status), noon, HALF)

    assert got == Verdict(None, message.attempts)


@pytest.mark.parametrize("status", list(SendStatus))
@pytest.mark.parametrize("state", sorted(FINAL | {State.SUBMITTED}))
def test_an_answer_after_the_end_is_only_noted(answer, state, status):
    got = answer(status, state=state)

    assert got.outcome is None
    assert got.attempts[0].result == status.value


@pytest.mark.parametrize("status", [status for status in SendStatus if status is not S.ACCEPTED])
@pytest.mark.parametrize("state", sorted(WAITING))
def test_a_late_answer_does_not_move_what_waits_again(answer, state, status):
    got = answer(status, state=state, results=("unknown",))

    assert got.outcome is None
    assert got.attempts[0].result == status.value


@pytest.mark.parametrize("state", sorted(WAITING))
def test_a_late_acceptance_takes_it_out_of_the_queue(answer, noon, state):
    got = answer(S.ACCEPTED, state=state, results=("unknown",))

    assert got.outcome == Submitted(noon + WAIT_FOR_RECEIPT)
    assert got.attempts[0].result == "accepted"


@pytest.mark.parametrize("status", list(SendStatus))
def test_a_receipt_that_overtook_the_answer_has_the_last_word(answer, noon, status):
    got = answer(status, results=("accepted",))

    assert got.outcome == Submitted(noon + WAIT_FOR_RECEIPT)
    assert got.attempts == attempts("accepted")


# --- notes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "result", "after"),
    [
        pytest.param("", "unknown", "unknown", id="something is more than nothing"),
        pytest.param("unknown", "refused", "refused", id="a refusal is surer than doubt"),
        pytest.param("refused", "unknown", "refused", id="doubt does not replace a refusal"),
        pytest.param("refused", "rejected", "rejected", id="a refusal replaces another"),
        pytest.param("refused", "accepted", "accepted", id="an acceptance replaces a refusal"),
        pytest.param("accepted", "refused", "accepted", id="a refusal does not replace an acceptance"),
        pytest.param("accepted", "undelivered", "undelivered", id="a receipt replaces an acceptance"),
        pytest.param("undelivered", "accepted", "undelivered", id="an acceptance does not replace a receipt"),
        pytest.param("undelivered", "delivered", "delivered", id="delivered beats undelivered"),
        pytest.param("delivered", "undelivered", "delivered", id="what was delivered stays delivered"),
    ],
)
def test_what_says_less_never_replaces_what_says_more(before, result, after):
    assert noted(attempts("refused", before), "f1", result, "", "")[1].result == after


def test_a_providers_name_for_it_is_not_lost():
    before = (Attempt("f0", "first", "accepted", "", "P1"),)

    assert noted(before, "f0", "delivered", "0", "")[0] == Attempt("f0", "first", "delivered", "0", "P1")
    assert noted(before, "f0", "delivered", "0", "P2")[0].provider_id == "P2"


# --- a call that never started ----------------------------------------------------------------


@pytest.mark.parametrize("state", [State.SUBMITTING, State.UNKNOWN])
def test_a_call_that_never_started_is_not_an_attempt(envelope, policy, noon, state):
    message = envelope(state=state, fence="f1", attempts=attempts("refused", ""))

    got = never_started(message, policy(), "f1", noon)

    assert got == Verdict(Hold(noon, Reason.STOPPING), attempts("refused"))


@pytest.mark.parametrize("state", sorted(set(State) - {State.SUBMITTING, State.UNKNOWN}))
def test_a_call_that_never_started_moves_nothing_else(envelope, policy, noon, state):
    message = envelope(state=state, fence="f0", attempts=attempts(""))

    assert never_started(message, policy(), "f0", noon) == Verdict(None, message.attempts)


def test_an_older_call_that_never_started_moves_nothing(envelope, policy, noon):
    message = envelope(state=State.SUBMITTING, fence="f1", attempts=attempts("unknown", ""))

    assert never_started(message, policy(), "f0", noon) == Verdict(None, message.attempts)


def test_a_call_that_never_started_is_cancelled_after_a_stop_mark(envelope, policy, noon):
    message = envelope(state=State.SUBMITTING, fence="f0", attempts=attempts(""), stop="superseded")

    assert never_started(message, policy(), "f0", noon).outcome == End(State.CANCELLED, Reason.SUPERSEDED)


def test_a_lost_worker_leaves_doubt(envelope, policy, noon):
    message = envelope(state=State.SUBMITTING, fence="f0", attempts=attempts(""))

    assert in_doubt(message, policy(), Reason.LEASE_ENDED, noon) == Doubt(noon + WAIT_FOR_RECEIPT, Reason.LEASE_ENDED)
    assert in_doubt(message, policy(doubt="again"), Reason.LEASE_ENDED, noon).until == noon + 10 * SECOND


# --- whatever the answer says -----------------------------------------------------------------

RESULTS = st.sampled_from(["", *(status.value for status in SendStatus), "delivered", "undelivered"])


@settings(derandomize=True, deadline=None, max_examples=500)
@given(
    state=st.sampled_from(sorted(State)),
    stop=st.sampled_from(["", "cancelled"]),
    results=st.lists(RESULTS, max_size=4),
    fence=st.integers(0, 4),
    status=st.sampled_from(SendStatus),
    rules=st.sampled_from([{}, {"doubt": "again"}, {"resend": True}, {"quiet": "off"}, {"routes": ["first"]}]),
    seconds=st.integers(0, 20_000),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_every_verdict_can_be_written(
    envelope, policy, noon, state, stop, results, fence, status, rules, seconds, jitter
):
    made = attempts(*results)
    message = envelope(state=state, stop=stop, attempts=made, fence=made[-1].fence if made else "")
    now = noon + timedelta(seconds=seconds)

    got = settle(message, policy(**rules), f"f{fence}", SendResult(status=status), now, jitter)

    change(message, got.outcome, policy=policy(**rules), now=now, attempts=got.attempts)
    if state in FINAL:
        assert got.outcome is None
    if isinstance(got.outcome, Hold):
        assert not stop
        assert status is not S.UNKNOWN
        assert got.outcome.until >= now
    if status is S.ACCEPTED and fence == len(made) - 1 and state not in FINAL | {State.SUBMITTED}:
        assert isinstance(got.outcome, Submitted)
