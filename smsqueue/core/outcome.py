"""What can be decided about a message: a closed set of values, carried out in one place (`workers/carry_out.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - dataclass fields' types
from typing import TypeAlias

from smsqueue.core.states import Reason, State  # noqa: TC001 - see above


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now: HELD, looked at again at `until`."""

    until: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Handoff:
    """Now: into the provider's queue, to be submitted before `valid_until`."""

    provider: str
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Park:
    """Cannot move until somebody acts: HELD in `park:<reason>`."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Watch:
    """Nothing to do but to look again at `until`; the state stays."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Doubt:
    """The provider may have it: UNKNOWN, looked at again at `until`."""

    until: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Submitted:
    """The provider has it; a receipt is waited for until `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class End:
    """A final state and its reason."""

    state: State
    reason: Reason


Outcome: TypeAlias = Hold | Handoff | Park | Watch | Doubt | Submitted | End
