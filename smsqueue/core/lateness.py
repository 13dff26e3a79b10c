"""Delivered too late after all: a request for validity is one that carriers may disregard.

A phone that was switched off gets at two in the morning what was submitted at seven. Nobody can take it back; it is
counted by provider and country, so that somebody changes the route.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from smsqueue.core.rules.hours import is_quiet

if TYPE_CHECKING:
    from datetime import datetime

    from smsqueue.core.envelope import Envelope
    from smsqueue.core.policy import Policy


class Lateness(StrEnum):
    """In which way a message came late."""

    AFTER_DEADLINE = "after_deadline"
    IN_QUIET = "in_quiet"


def lateness(envelope: Envelope, policy: Policy, delivered: datetime) -> tuple[Lateness, ...]:
    """Say in which ways a message came late. `delivered` is when its receipt arrived, which may be a little later."""
    late = []
    if delivered > envelope.deadline:
        late.append(Lateness.AFTER_DEADLINE)
    if is_quiet(envelope, policy, delivered):
        late.append(Lateness.IN_QUIET)
    return tuple(late)
