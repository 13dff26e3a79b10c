"""A message's id: two characters of its recipient's bucket, sixteen of chance or of an idempotency key."""

from __future__ import annotations

import re

FORM = re.compile(r"[A-Za-z0-9_-]{18}")
BUCKETS = 256
"""By eight bits of a keyed hash of tenant and recipient: what is kept of one recipient lies together."""
BUCKET = "00"
"""With one shard there is one bucket."""

_NUMBERS = {f"{number:02x}": number for number in range(BUCKETS)}


def is_id(value: object) -> bool:
    """Whether something has the form of a message id."""
    return isinstance(value, str) and FORM.fullmatch(value) is not None


def bucket(number: int) -> str:
    """Write a bucket as the first two characters of an id."""
    return f"{number:02x}"


def shard_of(id: str, shards: int) -> int:
    """Say which shard keeps a message: buckets in order, as many to each as can be.

    An id that nobody made belongs to the first shard, which does not know it either.
    """
    return _NUMBERS.get(id[:2], 0) * shards // BUCKETS
