"""Decisions as codes: short enough for a field, and read back as they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from smsqueue.core import decisions
from smsqueue.core.decisions import Decision
from smsqueue.core.states import Reason, State

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "reason", "at", "policy", "code"),
    [
        pytest.param(State.HELD, Reason.QUIET_HOURS, NOON, 7, "Hqhtp09c0.7", id="held for the night"),
        pytest.param(State.QUEUED, Reason.NONE, NOON, 12, "Q--tp09c0.12", id="no reason, two dashes"),
        pytest.param(State.SUBMITTING, Reason.RETRY, EPOCH, 0, "Wre0.0", id="the first second of all"),
        pytest.param(
            State.EXPIRED, Reason.TTL, EPOCH + timedelta(seconds=36), 1, "Etl10.1", id="two digits of base 36"
        ),
        pytest.param(State.FAILED, Reason.POISON, EPOCH + timedelta(seconds=35.9), 1, "Fpoz.1", id="whole seconds"),
    ],
)
def test_a_decision_is_one_short_code(state, reason, at, policy, code):
    assert decisions.added("", state, reason, at, policy) == code
    assert decisions.read(code) == (Decision(state, reason, at.replace(microsecond=0), policy),)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("reason", Reason)
def test_every_state_and_reason_is_read_back(state, reason):
    assert decisions.read(decisions.added("", state, reason, NOON, 3)) == (Decision(state, reason, NOON, 3),)


def test_the_last_three_are_kept_oldest_first_and_fit_a_field():
    codes = ""
    for version in range(997, 1002):
        codes = decisions.added(codes, State.HELD, Reason.QUIET_HOURS, NOON, version)

    assert [one.policy for one in decisions.read(codes)] == [999, 1000, 1001]
    assert len(codes) <= 64
    assert decisions.KEPT == 3


def test_no_code_is_no_decision():
    assert decisions.read("") == ()


@pytest.mark.parametrize(
    "code", ["X--0.0", "Hzz0.0", "Hqh!.0", "Hqh0.x", "Hqh0", "Hqh0.0 ", " Hqh0.0", "Hqh0.0  Hqh0.0"]
)
def test_what_is_none_is_refused(code):
    with pytest.raises((KeyError, ValueError, IndexError)):
        decisions.read(code)
