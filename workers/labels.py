"""What a label of a metric may say: names of the policy, and closed lists of ours. Anything else is `other`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smsqueue.core import zones
from smsqueue.core.lateness import Lateness
from smsqueue.core.msisdn import NON_GEOGRAPHIC
from smsqueue.core.policy import UPKEEP
from smsqueue.core.states import Reason
from smsqueue.privacy.log import EventName

if TYPE_CHECKING:
    from smsqueue.core.policy import Policy

OTHER = "other"


class Labels:
    """What a label may say."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._reasons = frozenset(Reason)
        self.events = frozenset(EventName)
        self.lateness = frozenset(Lateness)
        lanes = (*policy.lanes, UPKEEP)
        self.places = {f"dispatch.{lane}" for lane in lanes} | {
            f"{kind}{provider}.{lane}"
            for kind in ("submit.", "wire:")
            for provider in policy.providers
            for lane in policy.lanes
        }

    def category(self, name: str) -> tuple[str, str]:
        """Return lane and category."""
        known = self._policy.categories.get(name)
        return (known.lane, name) if known else (OTHER, OTHER)

    def provider(self, name: str) -> str:
        """Return a provider's name; empty where none had to do with it."""
        return name if not name or name in self._policy.providers else OTHER

    def country(self, name: str) -> str:
        """Return a country; 001 is none."""
        return name if name == NON_GEOGRAPHIC or zones.of_country(name) else OTHER

    def reason(self, name: str) -> str:
        """Return a reason."""
        return name if name in self._reasons else OTHER


def home(name: str) -> tuple[str, str, str]:
    """Split a home's name into what it is, provider and lane: `out:submit.acme.otp` -> out_submit, acme, otp."""
    kind, _, rest = name.partition(":")
    if kind == "park":
        return f"park_{rest}", "", ""
    *path, provider, lane = ["", "", *rest.split(".")]
    if kind == "wire":
        return kind, provider, lane
    if rest.startswith("dispatch."):
        return f"{kind}_dispatch", "", lane
    return (f"{kind}_{path[-1]}" if rest else kind), provider, lane
