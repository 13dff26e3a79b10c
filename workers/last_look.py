"""The last look before the gate: each message is decided again and opened; and what becomes of one turned away."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from smsqueue.core.decide import decide
from smsqueue.core.outcome import End, Handoff, Hold, Park
from smsqueue.core.rules.cap import cap
from smsqueue.core.settle import again
from smsqueue.core.states import WAITING, Reason
from smsqueue.privacy.log import EventName, event
from smsqueue.store.codec import from_ms
from workers.carry_out import Decided

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from smsqueue.core.envelope import Envelope
    from smsqueue.core.facts import Facts
    from smsqueue.core.outcome import Outcome
    from smsqueue.core.payload import Payload
    from smsqueue.store.store import Loaded, Store
    from workers.opening import Opener

_log = logging.getLogger(__name__)

REPLICA_PATIENCE = timedelta(seconds=2)
"""How long a message waits when too few replicas answered a moment ago."""


class Prepared(NamedTuple):
    """A message that is ready for the gate, with what its call needs."""

    envelope: Envelope
    payload: Payload
    valid_until: datetime
    cap: str
    most: int
    facts: Facts


class LastLook:
    """Looks at messages for one provider. `patience` is how long one waits that only this process cannot send."""

    def __init__(
        self, provider: str, store: Store, opener: Opener, *, max_skew: timedelta | None, patience: timedelta
    ) -> None:
        self._provider, self._store, self._opener = provider, store, opener
        self._max_skew, self._patience = max_skew, patience

    def at(self, loaded: Iterable[Loaded]) -> tuple[list[Prepared], list[Decided]]:
        """Return what may pass the gate, and what was decided otherwise. One message's bug is that one's event."""
        prepared: list[Prepared] = []
        decided: list[Decided] = []
        for one in loaded:
            if one.envelope is None or one.envelope.state not in WAITING:
                continue  # a doubled or late hint: somebody else has dealt with it
            try:
                found = self._look(one, one.envelope)
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
                event(_log, logging.ERROR, EventName.ENGINE_FAILED, id=one.envelope.id, error=error)
                continue
            if isinstance(found, Prepared):
                prepared.append(found)
            elif found is not None:
                decided.append(Decided(one.envelope, found))
        return prepared, decided

    def goes_alone(self, lane: str) -> bool:
        """Whether a lane's messages go although too few replicas know of it: a late one-time code is useless."""
        return lane == self._store.policies.current.first_lane

    def turned_away(self, item: Prepared, code: str, now: datetime) -> Outcome | None:
        """Decide about a message that the gate did not let pass, on what the gate saw; None: it waits before it."""
        envelope, policy, facts = item.envelope, self._store.policies.current, item.facts
        if code == "throttled":
            return None
        if code == "paused":
            return Park(Reason.PAUSED)
        if code.startswith("capped:"):
            room = from_ms(int(code.removeprefix("capped:")))
            return again(envelope, policy, now, room, Reason.CAPPED)
        if code == "ailing":
            facts = replace(facts, ailing_providers=facts.ailing_providers | {self._provider})
        outcome = decide(envelope, policy, replace(facts, withdrawn=code == "withdrawn"), now)
        if code == "ailing" and isinstance(outcome, Handoff):
            return None if outcome.provider in facts.ailing_providers else outcome
        return Hold(now, Reason.CLOCK) if outcome is None or isinstance(outcome, Handoff) else outcome

    def _look(self, loaded: Loaded, envelope: Envelope) -> Prepared | Outcome | None:
        policy, now = self._store.policies.current, self._store.clock.now()
        outcome = decide(envelope, policy, loaded.facts, now)
        if not isinstance(outcome, Handoff):
            return outcome
        if self._clock_is_wrong(envelope):
            return Hold(now + self._patience, Reason.CLOCK)
        if self._store.replication.missing and not self.goes_alone(envelope.lane):
            return Hold(now + REPLICA_PATIENCE, Reason.NO_REPLICA)
        if outcome.provider != self._provider:
            return outcome
        payload = self._opener.open(envelope, loaded.payload)
        if isinstance(payload, End | Park):
            return payload
        most = cap(envelope, policy)
        token = "" if most is None else self._opener.cap_token(envelope, payload)
        return Prepared(envelope, payload, outcome.valid_until, token, most or 0, loaded.facts)

    def _clock_is_wrong(self, envelope: Envelope) -> bool:
        if self._max_skew is None or not self._store.policies.current.category(envelope.category).quiet:
            return False
        if self._store.clock.skew() <= self._max_skew:
            return False
        event(_log, logging.ERROR, EventName.CLOCK_SKEWED, id=envelope.id)
        return True
