"""Which queues and homes there are, as the policy in force makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smsqueue.core.change import UPKEEP_QUEUE, provider_of, queue_of_dispatch, queue_of_submit
from smsqueue.errors import InvalidPolicy
from smsqueue.store.keys import PARKS, wire_of

if TYPE_CHECKING:
    from smsqueue.core.policy import Policy
    from smsqueue.store.keys import Keys

UPKEEP_WINDOW = 2000
"""Looks that submit nothing, handed out at any time."""


def demand_room(policy: Policy, shards: int) -> None:
    """Raise InvalidPolicy for a window that is too small to be split: a shard without a place would stand still."""
    windows = {f"lanes.{name}.window": lane.window for name, lane in policy.lanes.items()}
    windows |= {f"providers.{name}.window": provider.window for name, provider in policy.providers.items()}
    small = [place for place, window in windows.items() if window < shards]
    if small:
        raise InvalidPolicy(f"{', '.join(small)}: it is split among the shards, so it is at least their number")


@dataclass(frozen=True, slots=True)
class Share:
    """A queue's window, the provider's rate, and what every queue that shares them uses and is guaranteed."""

    window: int
    parts: tuple[tuple[str, str, int], ...]  # queue, wire or "", guaranteed places
    provider: str = ""
    rate: float = 0  # segments/s; 0: no limit
    burst: float = 0  # segments
    first: bool = False  # the lane of one-time codes


class Layout:
    """Queues, wires and windows of one policy in one shard: its part of each window, rate and guaranteed share."""

    def __init__(self, policy: Policy, keys: Keys, *, shard: int = 0, of: int = 1) -> None:
        def part(whole: int) -> int:
            return whole // of + (shard < whole % of)

        lanes = tuple(policy.lanes)
        self.dispatch = (*(queue_of_dispatch(lane) for lane in lanes), UPKEEP_QUEUE)
        self.shares = {
            queue_of_dispatch(name): Share(part(lane.window), ((queue_of_dispatch(name), "", 0),))
            for name, lane in policy.lanes.items()
        }
        self.shares[UPKEEP_QUEUE] = Share(part(UPKEEP_WINDOW), ((UPKEEP_QUEUE, "", 0),))
        submit: list[str] = []
        for name, provider in policy.providers.items():
            window = part(provider.window)
            parts = tuple(
                (queue, wire_of(queue), int(policy.lanes[lane].share * window))
                for lane in lanes
                for queue in (queue_of_submit(name, lane),)
            )
            for queue, _, _ in parts:
                first = queue == parts[0][0]
                rate, burst = (provider.rate or 0) / of, (provider.burst or 0) / of
                self.shares[queue] = Share(window, parts, name, rate, burst, first=first)
                submit.append(queue)
        self.submit = tuple(submit)
        self.queues = (*self.dispatch, *self.submit)
        self.wires = tuple(wire_of(queue) for queue in self.submit)
        self.homes = (
            keys.due, keys.meta, keys.pause, keys.health, keys.events, keys.policy, keys.clock, keys.suspects,
            keys.tally,
            *(keys.ready(queue) for queue in self.queues),
            *(keys.out(queue) for queue in self.queues),
            *(keys.home(name) for name in (*self.wires, *PARKS)),
            *(keys.rate(name) for name in policy.providers),
        )  # fmt: skip
        """What every script declares: `due` first, by which scripts find the prefix."""

    def queues_of(self, provider: str) -> tuple[str, ...]:
        """Return the queues in which messages wait for a provider, by lane."""
        return tuple(queue for queue in self.submit if provider_of(queue) == provider)
