"""What a scenario is: one thing that goes wrong, and what flows meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lab.faults.traffic import ordinary

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.faults.trial import Trial
    from smsqueue import Message


@dataclass(frozen=True)
class Scenario:
    """One thing that goes wrong while messages flow."""

    name: str
    go: Callable[[Trial], None]
    behaviour: dict[str, Any] = field(default_factory=dict)
    """How the stand-in behaves meanwhile."""
    settings: dict[str, str] = field(default_factory=dict)
    """Of the workers."""
    options: tuple[str, ...] = ()
    """Of the store's server."""
    traffic: Callable[[int], Message] = ordinary
    lasts: float = 1.5
    """Seconds over which the messages come, at least: else few are through before anything goes wrong."""
    pace: float = 0
    """Messages per second, at most; 0: as many as there can be."""
    dispatch: int = 2
    submit: int = 2
    """Workers that are started before it begins."""
    replicated: bool = False
    power: bool = False
    """Whether the store's server loses its power."""
    possible: Callable[[], str] = str
    """Says why it cannot be tried here; empty if it can."""
    frozen: float = 0
    """Seconds that a submit worker stands still, perhaps with requests that its HTTP client has and has not written."""
    most: int = 100_000
    """Messages of the longest run: fewer where it needs many restarts, or a slow flow."""
    never: frozenset[str] = frozenset()
    """Modes in which it makes no sense: `evening`, `meddled`."""


class Row(NamedTuple):
    """What a trial came to."""

    scenario: str
    messages: int = 0
    lost: int = 0
    stuck: int = 0
    twice_not_allowed: int = 0
    twice_allowed: int = 0
    late: int = 0
    night: int = 0
    leaked: int = 0
    in_doubt: int = 0
    in_doubt_at_provider: int = 0
    found_by_audit: int = 0
    seconds_to_heal: float = 0
    after_stop: int = 0  # went out although withdrawn or paused
    forgotten: int = 0  # accepted, and not in the copy or on the disk that the store was started on again
    longest_gap: float = 0  # seconds without a first byte at the provider
    seconds: float = 0  # in all
    seed: int = 0
    missed: str = ""  # what should have been seen besides, and was not

    @property
    def kept(self) -> bool:
        """Whether every promise was kept, and the fault was one."""
        broken = (self.lost, self.stuck, self.twice_not_allowed, self.late, self.night, self.leaked, self.after_stop)
        return not any(broken) and not self.found_by_audit and not self.missed
