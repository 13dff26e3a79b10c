"""A Redis Cluster: a shard is a slot, and its connections go to whichever node owns that slot now.

So a shard's client is an ordinary one, and all other code is the same for a single server, Sentinel and Cluster. What
a node says about a slot that is not, or not yet, its own ends the connection, and the repetition asks the Cluster anew.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import Connection, ConnectionPool, SSLConnection
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, ReadOnlyError, RedisError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from smsqueue.store.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ADDRESS = re.compile(
    r"cluster(?P<tls>\+tls)?://(?:(?P<user>[^:@]*):(?P<password>[^@]*)@)?(?P<hosts>[^/@:]+:\d+(,[^/@:]+:\d+)*)/?"
)
ASKING = 1.0
"""Seconds that one node has to tell the slots: another can be asked."""


class Map:
    """Who owns which slots, as the nodes themselves say. Safe to share among threads."""

    def __init__(self, hosts: Sequence[tuple[str, int]], **options: Any) -> None:
        self._nodes = list(hosts)  # whoever answered last comes first
        self._options = {**options, "socket_timeout": ASKING, "socket_connect_timeout": ASKING}
        self._owners: dict[int, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def owner(self, slot: int) -> tuple[str, int]:
        """Return the address of a slot's node. Raises a connection error when no node knows it."""
        with self._lock:
            if slot not in self._owners:
                self._look()
            if slot not in self._owners:
                raise RedisConnectionError("no node of the Cluster tells who owns the slot")
            return self._owners[slot]

    def moved(self, slot: int, address: tuple[str, int]) -> None:
        """Take in where a slot is now."""
        with self._lock:
            self._owners[slot] = address

    def doubt(self) -> None:
        """Forget who owns what: somebody was not where he should be."""
        with self._lock:
            self._owners = {}

    def _look(self) -> None:
        for host, port in tuple(self._nodes):
            try:
                with Redis(host=host, port=port, retry=Retry(NoBackoff(), 0), **self._options) as node:
                    ranges: Any = node.execute_command("CLUSTER SLOTS")
            except RedisError:
                continue
            self._learn(ranges, host)
            self._nodes.remove((host, port))
            self._nodes.insert(0, (host, port))
            return

    def _learn(self, ranges: Sequence[Any], asked: str) -> None:
        for first, last, *nodes in ranges:
            addresses = [((host or b"").decode() or asked, int(port)) for host, port, *_ in nodes]
            self._nodes += [address for address in addresses if address not in self._nodes]
            self._owners.update(dict.fromkeys(range(first, last + 1), addresses[0]))  # replicas come behind


class SlotConnection(Connection):
    """A connection to the owner of one slot."""

    def __init__(self, *, slots: Map, slot: int, **options: Any) -> None:
        self._slots, self._slot = slots, slot
        super().__init__(**options)  # type: ignore[no-untyped-call]

    def _connect(self) -> Any:
        """Open a socket to whoever owns the slot now; redis-py comes here for every one."""
        self.host, self.port = self._slots.owner(self._slot)
        try:
            return super()._connect()  # type: ignore[no-untyped-call]
        except OSError:
            self._slots.doubt()
            raise

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Read an answer; one that sends us elsewhere, or tells us to wait, is a lost connection."""
        try:
            return super().read_response(*args, **options)
        except (AskError, TryAgainError, ClusterDownError, ReadOnlyError) as error:
            kind = type(error).__name__
            if isinstance(error, MovedError):
                self._slots.moved(self._slot, (error.host or self.host, error.port))
            else:  # the slot is on its way, or its node is: what was asked was not done
                self._slots.doubt()
        self.disconnect()  # type: ignore[no-untyped-call]
        raise RedisConnectionError(f"the slot is elsewhere ({kind})")


class SecureSlotConnection(SlotConnection, SSLConnection):
    """The same over TLS."""


def clients(url: str, *, shards: int, options: Mapping[str, Any]) -> list[Redis]:
    """Make a client for each shard. Raises ValueError for an address that cannot be read."""
    match = ADDRESS.fullmatch(url)
    if match is None:
        raise ValueError
    login: dict[str, Any] = (
        {"username": match["user"] or None, "password": match["password"]} if match["password"] else {}
    )
    hosts = [(host, int(port)) for host, _, port in (item.rpartition(":") for item in match["hosts"].split(","))]
    slots = Map(hosts, ssl=bool(match["tls"]), **login)
    kind = SecureSlotConnection if match["tls"] else SlotConnection
    return [
        Redis(
            connection_pool=ConnectionPool(
                kind, slots=slots, slot=key_slot(Keys(shard).due.encode()), **login, **options
            )
        )
        for shard in range(shards)
    ]
