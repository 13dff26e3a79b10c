"""Every key that smsqueue keeps in Redis, by name. Nothing else builds one."""

from __future__ import annotations

from functools import lru_cache


class Keys:
    """The keys of one shard. They share a hash tag, so one script may touch them all."""

    def __init__(self, shard: int = 0) -> None:
        self.prefix = f"sms:{{{shard}}}:"
        self.due = self.prefix + "due"  # asleep: id -> when to look (ms)
        self.events = self.prefix + "events"  # stream of what became of messages
        self.health = self.prefix + "health"  # providers whose calls end badly, and when one is probed: see health.lua
        self.pause = self.prefix + "pause"  # what is paused or withdrawn: scope -> since when (ms)
        self.meta = self.prefix + "meta"  # shard count, format, epoch, and how far a policy was carried
        self.policy = self.prefix + "policy"  # the policy in force: version, document
        self.clock = self.prefix + "clock"  # tests travel in time: offset (ms)
        self.door = self.prefix + "door"  # lanes that are closed while memory is short
        self.beats = self.prefix + "beats"  # process -> its last sign of life
        self.tally = self.prefix + "m"  # cumulative counters for whoever watches: see gauges.py
        self.suspects = self.prefix + "suspects"  # ids that came back again and again
        self.wake = self.prefix + "wake"  # channel: names of queues that were empty a moment ago

    def envelope(self, id: str) -> str:
        """Name the hash of a message's clear fields."""
        return f"{self.prefix}e:{id}"

    def payload(self, id: str) -> str:
        """Name the string of a message's sealed record."""
        return f"{self.prefix}p:{id}"

    def home(self, name: str) -> str:
        """Name a home that is no queue: `due`, `wire:…`, `park:…`."""
        return self.prefix + name

    def ready(self, queue: str) -> str:
        """Name the home of what waits for a place in a queue: id -> deadline (ms)."""
        return f"{self.prefix}ready:{queue}"

    def out(self, queue: str) -> str:
        """Name the home of what was handed out: id -> end of the lease (ms)."""
        return f"{self.prefix}out:{queue}"

    def cap(self, token: str) -> str:
        """Name the set of what one recipient had of a category within a day: id -> when (ms)."""
        return f"{self.prefix}cap:{token}"

    def rate(self, provider: str) -> str:
        """Name the hash that holds what a provider's rate has let through, and until when it asked for patience."""
        return f"{self.prefix}rate:{provider}"

    def supersede(self, token: str) -> str:
        """Name the key that holds the newest id of a supersede key."""
        return f"{self.prefix}rep:{token}"

    def counts(self, campaign: str) -> str:
        """Name the hash of a campaign's counts by state."""
        return f"{self.prefix}n:{campaign}"


@lru_cache(maxsize=1024)
def wire_of(queue: str) -> str:
    """Name the home of what a provider's queue has on the wire: `submit.acme.otp` -> `wire:acme.otp`."""
    return "wire:" + queue.removeprefix("submit.")


PARKS = ("park:paused", "park:account", "park:unknown_key", "park:orphan")
"""Homes of what cannot move until somebody acts."""
