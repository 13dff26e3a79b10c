"""Dispatch: decide about a batch of ids, one message at a time, and put each where it belongs.

Dispatch workers hold no keys: all that deciding needs lies in clear in the envelope.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from smsqueue.core.change import queue_of_submit
from smsqueue.core.decide import decide
from smsqueue.core.outcome import Handoff
from smsqueue.privacy.log import EventName, event
from workers.carry_out import Decided, carry_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smsqueue.store.store import Loaded, Store
    from workers.hints import Hints

_log = logging.getLogger(__name__)

AT_ONCE = 1
"""Batches of other lanes than the first that one process decides at a time: more of them only queue up before the
store and Python's lock, and a one-time code queues up behind them."""


class Dispatch:
    """Decides, and tops up the providers' queues that it filled, so that nobody waits for the pump's tick."""

    def __init__(self, store: Store, hints: Hints) -> None:
        self._store = store
        self._hints = hints
        self._others = BoundedSemaphore(AT_ONCE)

    def run(self, ids: Sequence[str], *, first: bool = False) -> None:
        """Look at these ids, which may be the first lane's. What fails is looked at again when its lease ends."""
        if first:
            self._store.courtesy.make_way()
        with nullcontext() if first else self._others:
            self._run(ids)

    def _run(self, ids: Sequence[str]) -> None:
        loaded = self._store.load(ids)
        decided = [item for one in loaded if (item := self._decide(one)) is not None]
        if not decided:
            return
        carry_out(self._store, decided, self._store.clock.now(), wake=False)
        filled = {
            queue_of_submit(outcome.provider, envelope.lane)
            for envelope, outcome, _ in decided
            if isinstance(outcome, Handoff)
        }
        for queue in filled:
            self._hints.top_up(queue)

    def _decide(self, loaded: Loaded) -> Decided | None:
        """Decide about one message. A bug with one is that one's event, and the others go on."""
        envelope, _, facts = loaded
        if envelope is None:
            return None  # erased or expired: the pump parks an id without an envelope
        try:
            outcome = decide(envelope, self._store.policies.current, facts, self._store.clock.now())
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the batch
            event(_log, logging.ERROR, EventName.DISPATCH_FAILED, id=envelope.id, error=error)
            return None
        return Decided(envelope, outcome) if outcome is not None else None
