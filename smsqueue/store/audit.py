"""The audit: every open message has exactly one home, and every id in a home an envelope. It counts and mends.

Nothing in smsqueue needs it. It proves that: in a healthy store, under load too, it finds nothing.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from redis.exceptions import RedisError

from smsqueue.errors import StoreUnavailable
from smsqueue.store.store import CALL_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smsqueue.store.store import Store

SCANNED = 1000
"""Keys that the server looks at per step: well under a millisecond."""
HOMES = ("due", "ready:", "out:", "wire:", "park:")
ORPHANS = "park:orphan"


class Audited(NamedTuple):
    """What was looked at, and what was not as it should be (and now is)."""

    envelopes: int
    places: int
    homeless: int  # open, and in no home: nothing would ever have happened to them
    orphans: int  # in a home without an envelope: now in `park:orphan`
    strays: int  # in a home that their envelope does not name

    @property
    def faults(self) -> int:
        """How many were not as they should be."""
        return self.homeless + self.orphans + self.strays


def audit(store: Store) -> Audited:
    """Walk everything in the store, in small steps beside the running system. Raises StoreUnavailable."""
    kind = ""
    try:
        return Audited(*map(sum, zip(*map(_audit, store.shards), strict=True)))
    except RedisError as error:
        kind = type(error).__name__
    raise StoreUnavailable(f"The audit did not get to its end ({kind}). What it found is mended; run it again.")


def _audit(store: Store) -> Audited:
    found: Counter[str] = Counter()
    envelopes = places = 0
    homes: set[str] = set()
    for part in _parts(_envelopes(store, homes)):
        found.update(store.audit("", part))
        envelopes += len(part)
    for home in sorted(homes - {ORPHANS}):
        for part in _parts(_members(store, home)):
            found.update(store.audit(home, part))
            places += len(part)
    return Audited(envelopes, places, found["homeless"], found["orphan"], found["stray"])


def _envelopes(store: Store, homes: set[str]) -> Iterator[str]:
    """Yield the ids of all envelopes, and note every home that there is, of the policy or not."""
    prefix = store.keys.prefix
    for key in store.redis.scan_iter(match=f"{prefix.replace('{', '[{]').replace('}', '[}]')}*", count=SCANNED):
        name = key.decode().removeprefix(prefix)
        if name.startswith("e:"):
            yield name[2:]
        elif name.startswith(HOMES):
            homes.add(name)


def _members(store: Store, home: str) -> Iterator[str]:
    """Yield the ids of one home."""
    return (id.decode() for id, _ in store.redis.zscan_iter(store.keys.home(home), count=SCANNED))


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    source = iter(ids)
    while part := list(islice(source, CALL_MAX)):
        yield part
