"""What another policy would change for what is held now."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from smsqueue.core.decide import waiting
from smsqueue.core.facts import CLEAR
from smsqueue.core.outcome import End, Hold
from smsqueue.core.states import Reason, State
from smsqueue.store.codec import from_ms

if TYPE_CHECKING:
    from smsqueue.core.envelope import Envelope
    from smsqueue.core.policy import Policy
    from smsqueue.store.store import Store

MOST = 10_000
"""Messages that are looked at; of more, an even sample."""
SAME = timedelta(minutes=1)


class Preview(NamedTuple):
    """How many held messages there are, how many were looked at, and what becomes of those."""

    held: int
    looked_at: int
    moves: Counter[tuple[str, datetime | None]]
    """What (`stays`, `earlier`, `later`, `now`, or the reason it ends with) and to which hour -> how many."""


def preview(store: Store, fresh: Policy) -> Preview:
    """Decide about what sleeps for quiet hours as `fresh` would."""
    seen = [_preview(shard, fresh, MOST // len(store.shards)) for shard in store.shards]
    moves = sum((one.moves for one in seen), Counter[tuple[str, datetime | None]]())
    return Preview(sum(one.held for one in seen), sum(one.looked_at for one in seen), moves)


def _preview(store: Store, fresh: Policy, most: int) -> Preview:
    redis, due = store.redis, store.keys.due
    store.greet()
    now = store.clock.now()
    held = redis.zcard(due)
    step = max(1, held // most)
    places = iter(range(0, held, step))
    moves: Counter[tuple[str, datetime | None]] = Counter()
    looked = 0
    while part := list(islice(places, 200)):
        with redis.pipeline(transaction=False) as pipe:
            for place in part:
                pipe.zrange(due, place, place, withscores=True)
            found = [entry for answer in pipe.execute() for entry in answer]
        loaded = store.load([id.decode() for id, _ in found])
        for (_, score), one in zip(found, loaded, strict=True):
            envelope = one.envelope
            if envelope is None or envelope.state is not State.HELD or envelope.reason is not Reason.QUIET_HOURS:
                continue
            looked += 1
            moves[_move(envelope, fresh, from_ms(int(score)), now)] += 1
    return Preview(held, looked, moves)


def _move(envelope: Envelope, fresh: Policy, until: datetime, now: datetime) -> tuple[str, datetime | None]:
    match waiting(envelope, fresh, CLEAR, now):
        case Hold(at, _):
            if abs(at - until) < SAME:
                return "stays", None
            return "earlier" if at < until else "later", at.replace(minute=0, second=0, microsecond=0)
        case End(_, reason):
            return reason.value, None
        case _:
            return "now", None
