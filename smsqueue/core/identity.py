"""A message's id: two characters of its recipient's bucket, sixteen of chance or of an idempotency key."""

from __future__ import annotations

import re

FORM = re.compile(r"[A-Za-z0-9_-]{18}")
BUCKET = "00"
"""With one shard there is one bucket."""


def is_id(value: object) -> bool:
    """Whether something has the form of a message id."""
    return isinstance(value, str) and FORM.fullmatch(value) is not None
