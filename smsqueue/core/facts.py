"""What policy may know about one message now, besides its envelope."""

from __future__ import annotations

from dataclasses import dataclass

NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """Gathered by the store in the same call that reads the envelope."""

    paused: bool = False  # its lane, category, tenant or campaign
    withdrawn: bool = False  # its campaign was cancelled
    paused_providers: frozenset[str] = NOBODY
    ailing_providers: frozenset[str] = NOBODY  # whose calls end badly: another is better


CLEAR = Facts()
