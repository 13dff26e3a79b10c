"""An outcome as the change of one envelope: what the store writes, and what the log tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smsqueue.core import decisions
from smsqueue.core.outcome import Doubt, End, Handoff, Hold, Outcome, Park, Submitted, Watch
from smsqueue.core.policy import UPKEEP
from smsqueue.core.states import FINAL, TRANSITIONS, Reason, State

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from smsqueue.core.envelope import Attempt, Envelope
    from smsqueue.core.policy import Policy


class Change(NamedTuple):
    """One envelope's next version. `home` is empty when the state is final; then `retention` counts."""

    before: Envelope
    state: State
    reason: Reason
    home: str
    look_at: datetime | None  # the home's score: when to look, or the deadline
    attempts: tuple[Attempt, ...]
    codes: str  # of the last decisions
    keep_payload: bool
    retention: timedelta | None

    @property
    def tells(self) -> bool:
        """Whether the outside is told: a new state that matters to producers."""
        return self.state is not self.before.state and (
            self.state in FINAL or self.state in {State.SUBMITTED, State.UNKNOWN, State.HELD}
        )


def queue_of_dispatch(lane: str) -> str:
    """Name the queue in which messages of a lane wait to be decided."""
    return f"dispatch.{lane}"


def queue_of_submit(provider: str, lane: str) -> str:
    """Name the queue in which messages of a lane wait for a provider."""
    return f"submit.{provider}.{lane}"


def change(
    envelope: Envelope,
    outcome: Outcome | None,
    *,
    policy: Policy,
    now: datetime,
    attempts: tuple[Attempt, ...] | None = None,
) -> Change | None:
    """Say what to write for an outcome; None when there is nothing to write.

    Raises RuntimeError for a transition that the table does not know: a bug of ours, and nothing is written.
    """
    attempts = envelope.attempts if attempts is None else attempts
    state, reason, home, look_at = _place(envelope, outcome)
    if state is not envelope.state and state not in TRANSITIONS[envelope.state]:
        raise RuntimeError(f"no transition from {envelope.state} to {state}")
    if outcome is None and attempts == envelope.attempts:
        return None
    codes = envelope.codes
    if outcome is not None and not isinstance(outcome, Watch):
        codes = decisions.added(codes, state, reason, now, policy.version)
    category = policy.category(envelope.category)
    final = state in FINAL
    return Change(
        before=envelope,
        state=state,
        reason=reason,
        home=home,
        look_at=look_at,
        attempts=attempts,
        codes=codes,
        keep_payload=not final and (state is not State.SUBMITTED or category.resend),
        retention=category.retention if final else None,
    )


def _place(envelope: Envelope, outcome: Outcome | None) -> tuple[State, Reason, str, datetime | None]:
    match outcome:
        case Hold(until, reason):
            return State.HELD, reason, "due", until
        case Handoff(provider):
            return State.QUEUED, Reason.NONE, queue_of_submit(provider, envelope.lane), envelope.deadline
        case Park(reason):
            return State.HELD, reason, f"park:{reason}", envelope.deadline
        case Watch(until):
            return envelope.state, envelope.reason, "due", until
        case Doubt(until, reason):
            return State.UNKNOWN, reason, "due", until
        case Submitted(until):
            return State.SUBMITTED, Reason.NONE, "due", until
        case End(state, reason):
            return state, reason, "", None
        case None:
            return envelope.state, envelope.reason, envelope.home, None


UPKEEP_QUEUE = queue_of_dispatch(UPKEEP)
