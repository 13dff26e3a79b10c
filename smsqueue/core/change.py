"""An outcome as the change of one envelope: what the store writes, and what the log tells."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from smsqueue.core import decisions
from smsqueue.core.outcome import Doubt, End, Handoff, Hold, Outcome, Park, Submitted, Watch
from smsqueue.core.policy import UPKEEP
from smsqueue.core.states import FINAL, TRANSITIONS, Reason, State

if TYPE_CHECKING:
    from datetime import datetime

    from smsqueue.core.envelope import Attempt, Envelope
    from smsqueue.core.policy import Category, Policy


class Change(NamedTuple):
    """One envelope's next version. `home` is empty when the state is final; then `retention` counts."""

    before: Envelope
    state: State
    reason: Reason
    home: str
    look_at: datetime | None  # the home's score: when to look, or when it is too late
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


def provider_of(home: str) -> str:
    """Return the provider for which what lies there waits; empty for homes and queues that are no provider's."""
    kind, _, rest = home.partition(".")
    return rest.partition(".")[0] if kind == "submit" else ""


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
    category = policy.category(envelope.category)
    state, reason, home, look_at = _place(envelope, category, outcome)
    if state is not envelope.state and state not in TRANSITIONS[envelope.state]:
        raise RuntimeError(f"no transition from {envelope.state} to {state}")
    if outcome is None and attempts == envelope.attempts:
        return None
    codes = envelope.codes
    if outcome is not None and not isinstance(outcome, Watch):
        codes = decisions.added(codes, state, reason, now, policy.version)
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


def _place(
    envelope: Envelope, category: Category, outcome: Outcome | None
) -> tuple[State, Reason, str, datetime | None]:
    match outcome:
        case Hold(until, reason):
            return State.HELD, reason, "due", until
        case Handoff(provider):
            return State.QUEUED, Reason.NONE, queue_of_submit(provider, envelope.lane), _too_late(envelope, category)
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


def _too_late(envelope: Envelope, category: Category) -> datetime:
    """Return the first second in which less than the least validity is left.

    Who waits for a provider goes by it, and leaves the queue at it: a message that nobody will submit any more must
    not spend a provider's rate, or a backlog that is too long loses all of its urgent messages instead of some.
    """
    return envelope.deadline - leaves_before(category)


def leaves_before(category: Category) -> timedelta:
    """Return how long before its deadline a message of a category leaves the queue to a provider."""
    return category.min_validity - timedelta(seconds=1)


UPKEEP_QUEUE = queue_of_dispatch(UPKEEP)
