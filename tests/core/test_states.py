"""The tables of a message's life: closed, complete, and the only way from state to state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from smsqueue import policy_file
from smsqueue.core import decisions
from smsqueue.core import policy as policies
from smsqueue.core.change import UPKEEP_QUEUE, change
from smsqueue.core.decisions import Decision
from smsqueue.core.envelope import Attempt, Envelope
from smsqueue.core.outcome import Doubt, End, Handoff, Hold, Park, Submitted, Watch
from smsqueue.core.rules.hours import hours
from smsqueue.core.states import CODES, FINAL, OPEN, REASONS, TRANSITIONS, WAITING, Reason, State

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
POLICY = policies.read(policy_file.document(None)).model_copy(update={"version": 7})


def envelope(state: State = State.QUEUED, **changes) -> Envelope:
    return Envelope(
        **{
            "id": "00AbCdEfGhIjKlMnOp",
            "state": state,
            "category": "service",
            "lane": "service",
            "region": "GB",
            "segments": 1,
            "key_id": "k1",
            "created": NOW,
            "deadline": NOW + timedelta(hours=4),
            "fingerprint": "f",
            "home": "somewhere",
            **changes,
        }
    )


# --- the tables -------------------------------------------------------------------------------


def test_seven_states_are_final_and_two_wait():
    final = "delivered undelivered unconfirmed failed expired suppressed cancelled"

    assert {state.value for state in FINAL} == set(final.split())
    assert {state.value for state in OPEN} == {"queued", "held", "submitting", "unknown", "submitted"}
    assert {state.value for state in WAITING} == {"queued", "held"}


def test_every_state_has_a_row_and_every_target_is_a_state():
    assert set(TRANSITIONS) == set(State)
    assert all(isinstance(target, State) for targets in TRANSITIONS.values() for target in targets)


def test_final_states_have_no_way_out_and_are_seven():
    assert {state for state in State if not TRANSITIONS[state]} == FINAL
    assert {
        State.DELIVERED,
        State.UNDELIVERED,
        State.UNCONFIRMED,
        State.FAILED,
        State.EXPIRED,
        State.SUPPRESSED,
        State.CANCELLED,
    } == FINAL
    assert not FINAL & OPEN
    assert set(State) == FINAL | OPEN
    assert WAITING < OPEN


def test_no_state_follows_itself():
    assert not [state for state, targets in TRANSITIONS.items() if state in targets]


def test_every_state_can_be_reached_from_queued_and_every_open_one_ends():
    def reachable(start: State) -> set[State]:
        seen, todo = {start}, [start]
        while todo:
            for target in TRANSITIONS[todo.pop()] - seen:
                seen.add(target)
                todo.append(target)
        return seen

    assert reachable(State.QUEUED) == set(State)
    assert all(reachable(state) & FINAL for state in OPEN)


@pytest.mark.parametrize("state", [State.SUBMITTED])
def test_what_a_provider_has_is_never_called_surely_not_sent(state):
    assert not TRANSITIONS[state] & {State.FAILED, State.EXPIRED, State.SUPPRESSED, State.CANCELLED, State.QUEUED}


def test_every_reason_has_a_code_and_no_two_share_one():
    assert set(CODES) == set(Reason)
    assert len(set(CODES.values())) == len(CODES)
    assert all(len(code) == 2 and code.isalpha() and code.islower() for code in set(CODES.values()) - {"-"})
    assert CODES[Reason.NONE] == "-"
    assert {code: reason for reason, code in CODES.items()} == REASONS


# --- the change of one envelope ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "state", "reason", "home", "look_at"),
    [
        pytest.param(
            Hold(LATER, Reason.QUIET_HOURS), State.HELD, Reason.QUIET_HOURS, "due", LATER, id="a hold sleeps in due"
        ),
        pytest.param(
            Park(Reason.PAUSED),
            State.HELD,
            Reason.PAUSED,
            "park:paused",
            NOW + timedelta(hours=4),
            id="what is parked is looked at when its deadline comes",
        ),
        pytest.param(
            Doubt(LATER, Reason.ANSWER_LOST), State.UNKNOWN, Reason.ANSWER_LOST, "due", LATER, id="doubt sleeps in due"
        ),
        pytest.param(
            Submitted(LATER), State.SUBMITTED, Reason.NONE, "due", LATER, id="a submitted one waits for its receipt"
        ),
        pytest.param(
            Watch(LATER), State.SUBMITTING, Reason.RETRY, "due", LATER, id="a watch changes neither state nor reason"
        ),
        pytest.param(
            End(State.FAILED, Reason.REJECTED), State.FAILED, Reason.REJECTED, "", None, id="a final one has no home"
        ),
    ],
)
def test_an_outcome_is_written_as_one_change(outcome, state, reason, home, look_at):
    got = change(envelope(State.SUBMITTING, reason=Reason.RETRY), outcome, policy=POLICY, now=NOW)

    assert (got.state, got.reason, got.home, got.look_at) == (state, reason, home, look_at)


def test_a_handoff_goes_to_the_queue_of_its_provider_and_lane():
    got = change(envelope(State.HELD), Handoff("console", LATER), policy=POLICY, now=NOW)

    assert (got.state, got.reason, got.home) == (State.QUEUED, Reason.NONE, "submit.console.service")
    assert got.look_at == NOW + timedelta(hours=4) - timedelta(minutes=5) + timedelta(seconds=1)


def test_it_leaves_the_queue_of_its_provider_in_the_first_second_in_which_nobody_would_submit_it():
    message = envelope(State.HELD, deadline=NOW + timedelta(hours=4, milliseconds=700))
    last = change(message, Handoff("console", LATER), policy=POLICY, now=NOW).look_at

    assert isinstance(hours(message, POLICY, last - timedelta(seconds=1)), datetime)
    assert hours(message, POLICY, last) == End(State.EXPIRED, Reason.TTL_TOO_SHORT)


def outcome_to(state: State):
    return {
        State.QUEUED: Handoff("console", LATER),
        State.HELD: Hold(LATER, Reason.RETRY),
        State.UNKNOWN: Doubt(LATER, Reason.ANSWER_LOST),
        State.SUBMITTED: Submitted(LATER),
    }.get(state, End(state, Reason.RECEIPT))


@pytest.mark.parametrize("before", list(State))
@pytest.mark.parametrize("after", [state for state in State if state is not State.SUBMITTING])
def test_only_the_tables_transitions_are_written(before, after):
    if after is before or after in TRANSITIONS[before]:
        assert change(envelope(before), outcome_to(after), policy=POLICY, now=NOW).state is after
    else:
        with pytest.raises(RuntimeError, match=f"no transition from {before} to {after}"):
            change(envelope(before), outcome_to(after), policy=POLICY, now=NOW)


def test_nothing_to_write_is_no_change():
    attempts = (Attempt("f1", "console", "accepted"),)

    assert change(envelope(attempts=attempts), None, policy=POLICY, now=NOW) is None
    assert change(envelope(attempts=attempts), None, policy=POLICY, now=NOW, attempts=attempts) is None


def test_a_note_on_an_attempt_moves_nothing():
    before = envelope(State.SUBMITTED, reason=Reason.RECEIPT, home="due")
    noted = (Attempt("f1", "console", "accepted"),)

    got = change(before, None, policy=POLICY, now=NOW, attempts=noted)

    assert (got.state, got.reason, got.home, got.look_at) == (State.SUBMITTED, Reason.RECEIPT, "due", None)
    assert (got.attempts, got.codes, got.tells) == (noted, "", False)


def test_the_last_decisions_are_kept_with_their_policy():
    past = ""
    for number in range(decisions.KEPT):
        past = decisions.added(past, State.HELD, Reason.RETRY, NOW, number)

    got = change(envelope(codes=past), Hold(LATER, Reason.QUIET_HOURS), policy=POLICY, now=NOW)

    assert decisions.read(got.codes) == (
        *(Decision(State.HELD, Reason.RETRY, NOW, number) for number in range(1, decisions.KEPT)),
        Decision(State.HELD, Reason.QUIET_HOURS, NOW, 7),
    )


def test_a_watch_is_no_decision():
    assert change(envelope(State.SUBMITTED), Watch(LATER), policy=POLICY, now=NOW).codes == ""


@pytest.mark.parametrize(
    ("outcome", "resend", "kept"),
    [
        pytest.param(Hold(LATER, Reason.RETRY), False, True, id="what waits needs its payload"),
        pytest.param(Doubt(LATER, Reason.ANSWER_LOST), False, True, id="what is in doubt may need it"),
        pytest.param(Submitted(LATER), False, False, id="what is submitted needs it no more"),
        pytest.param(Submitted(LATER), True, True, id="unless its category resends"),
        pytest.param(End(State.DELIVERED, Reason.RECEIPT), True, False, id="what is over never does"),
    ],
)
def test_the_payload_is_kept_as_long_as_it_is_needed(outcome, resend, kept):
    document = policy_file.document(None)
    document["categories"]["service"]["resend"] = resend

    got = change(envelope(State.SUBMITTING), outcome, policy=policies.read(document), now=NOW)

    assert got.keep_payload is kept
    assert got.retention == (timedelta(days=3) if got.state in FINAL else None)


@pytest.mark.parametrize(
    ("before", "outcome", "told"),
    [
        pytest.param(State.QUEUED, Hold(LATER, Reason.RETRY), True, id="a new hold"),
        pytest.param(State.HELD, Hold(LATER, Reason.RETRY), False, id="another hold"),
        pytest.param(State.HELD, Handoff("console", LATER), False, id="a handoff"),
        pytest.param(State.SUBMITTING, Submitted(LATER), True, id="a submit"),
        pytest.param(State.SUBMITTING, Doubt(LATER, Reason.ANSWER_LOST), True, id="a doubt"),
        pytest.param(State.SUBMITTED, End(State.DELIVERED, Reason.RECEIPT), True, id="an end"),
    ],
)
def test_the_outside_is_told_of_new_states_that_matter(before, outcome, told):
    assert change(envelope(before), outcome, policy=POLICY, now=NOW).tells is told


def test_what_is_final_and_where_upkeep_waits():
    assert {State.DELIVERED, State.UNDELIVERED, State.UNCONFIRMED, State.FAILED, State.EXPIRED} < FINAL
    assert {State.SUPPRESSED, State.CANCELLED} < FINAL
    assert len(FINAL) == 7
    assert UPKEEP_QUEUE == "dispatch.upkeep"
