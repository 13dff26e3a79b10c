"""The one place that carries outcomes out: writes changes, then logs one event per outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smsqueue.core.change import Change, change
from smsqueue.privacy import log
from smsqueue.store.codec import to_ms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from smsqueue.core.envelope import Attempt, Envelope
    from smsqueue.core.outcome import Outcome
    from smsqueue.store.store import Store


class Decided(NamedTuple):
    """A message, what was decided about it, and its attempts as they now are (None: unchanged)."""

    envelope: Envelope
    outcome: Outcome | None
    attempts: tuple[Attempt, ...] | None = None


def carry_out(store: Store, decided: Sequence[Decided], now: datetime, *, wake: bool = True) -> list[str]:
    """Write what was decided. Answers a code per message, `nothing` where there was nothing to write.

    Without `wake` the caller tops up the queues that it filled.
    """
    policy = store.policies.current
    changes = [
        change(envelope, outcome, policy=policy, now=now, attempts=attempts) for envelope, outcome, attempts in decided
    ]
    written = iter(store.apply([item for item in changes if item is not None], wake=wake))
    codes = ["nothing" if item is None else next(written) for item in changes]
    log.outcomes(
        _line(item, now, policy.version)
        for item, code in zip(changes, codes, strict=True)
        if item is not None and code == "ok" and item.tells
    )
    return codes


def _line(change: Change, now: datetime, policy: int) -> log.Outcome:
    before = change.before
    last = change.attempts[-1] if change.attempts else None
    return log.Outcome(
        id=before.id,
        state=change.state.value,
        reason=change.reason.value,
        category=before.category,
        provider=last.provider if last else "",
        attempt=len(change.attempts),
        policy=policy,
        at_ms=to_ms(now),
    )
