"""Finding a server: connecting, and saying in a sentence what it is worth."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from redis.sentinel import Sentinel

from smsqueue.errors import Misconfigured, StoreUnavailable
from smsqueue.store import cluster

CONNECT_TIMEOUT = 3.0  # s
CONNECTIONS = 1000
"""Far above the threads of any process: one that finds none free would be an error."""
SENTINEL_PORT, SENTINEL_TIMEOUT = 26379, 1.0
REPEATS = 2
"""Every script may run twice, so a call whose answer was lost is simply repeated."""


SENTINEL = re.compile(
    r"sentinel://(?:(?P<user>[^:@]*):(?P<password>[^@]*)@)?(?P<hosts>[^/@]+)/(?P<name>[^/]+)(?:/(?P<db>\d+))?"
)


def connect(url: str, *, role: str, timeout: float = 5.0, repeats: int = REPEATS) -> Redis:
    """Make a client for a redis://, rediss://, unix://, sentinel:// or cluster:// address.

    It opens connections when used. `sentinel://host:port,host:port/name` asks these sentinels for the master of that
    name, `cluster://host:port,host:port` these nodes of a Cluster for the others; over TLS it is `cluster+tls://`.

    Raises Misconfigured for an address that cannot be read.
    """
    return connect_each(url, role=role, shards=1, timeout=timeout, repeats=repeats)[0]


def connect_each(url: str, *, role: str, shards: int, timeout: float = 5.0, repeats: int = REPEATS) -> list[Redis]:
    """Make a client for each shard: the same for all, or in a Cluster one that goes where the shard is."""
    problem = ""
    try:
        options: dict[str, Any] = {
            "socket_timeout": timeout,
            "max_connections": CONNECTIONS,
            "socket_connect_timeout": min(timeout, CONNECT_TIMEOUT),
            "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05) if repeats else NoBackoff(), repeats),
            "retry_on_error": [RedisConnectionError, RedisTimeoutError] if repeats else [],
            "health_check_interval": 15,
            "client_name": f"smsqueue-{role}-{socket.gethostname().split('.')[0][:24]}",
            **({} if url.startswith("unix:") else {"socket_keepalive": True}),
        }
        if url.startswith("cluster"):
            return cluster.clients(url, shards=shards, options=options)
        if url.startswith("sentinel:"):
            return [_by_sentinel(url, options)] * shards
        return [Redis.from_url(url, **options)] * shards
    except (ValueError, TypeError) as error:
        problem = type(error).__name__
    raise Misconfigured(
        f"SMSQUEUE_REDIS_URL is not an address smsqueue can read ({problem}): "
        "write redis://host:port/0, rediss://host:port/0, unix:///path/to/socket, sentinel://host:port,host:port/name "
        "or cluster://host:port,host:port."
    )


def _by_sentinel(url: str, options: dict[str, Any]) -> Redis:
    match = SENTINEL.fullmatch(url)
    if match is None:
        raise ValueError
    hosts = [host.rpartition(":") for host in match["hosts"].split(",")]
    sentinel = Sentinel(
        [(host or port, int(port) if host else SENTINEL_PORT) for host, _, port in hosts],
        sentinel_kwargs={
            "socket_timeout": SENTINEL_TIMEOUT,
            "socket_connect_timeout": SENTINEL_TIMEOUT,
            "retry": Retry(NoBackoff(), 0),  # the next sentinel is the repetition; redis-py's own takes half a minute
        },
    )
    login = {"username": match["user"] or None, "password": match["password"]} if match["password"] else {}
    client: Redis = sentinel.master_for(match["name"], Redis, db=int(match["db"] or 0), **login, **options)
    return client


@dataclass(frozen=True, slots=True)
class Found:
    """What a server turned out to be. `refusals` are reasons not to trust it with messages."""

    kind: str
    version: str
    fsync: str  # always, everysec, no, or "" if it does not tell
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        """One line for people."""
        kept = f"append-only file, fsync {self.fsync or 'unknown'}" if not self.refusals else "would lose data"
        return f"{self.kind} {self.version}, {kept}"

    def demand(self) -> Found:
        """Return itself, or raise Misconfigured with everything that is wrong with it."""
        if self.refusals:
            raise Misconfigured("The store's server would lose messages. " + " ".join(self.refusals))
        return self


def examine(redis: Redis) -> Found:
    """Look at a server: would it keep what it accepts? Raises StoreUnavailable when it does not answer."""
    failed, info = "", {}
    try:
        info = redis.info()
    except RedisError as error:
        failed = type(error).__name__
    if failed:
        raise StoreUnavailable(f"The store did not answer ({failed}). Is the server of SMSQUEUE_REDIS_URL up?")
    config = _config(redis)
    fsync = config.get("appendfsync", "")
    refusals = []
    if not info.get("aof_enabled"):
        refusals.append(
            "It keeps nothing on disk: an accepted message would not survive a restart. Set `appendonly yes`."
        )
    if (eviction := info.get("maxmemory_policy", "noeviction")) != "noeviction":
        refusals.append(f"It throws away keys when memory is short ({eviction}). Set `maxmemory-policy noeviction`.")
    warnings = []
    if fsync == "everysec":
        warnings.append(
            "appendfsync is everysec: a power cut loses a second of messages, or sends a second of them twice. "
            "Set `appendfsync always`."
        )
    if info.get("cluster_enabled") and config.get("cluster-require-full-coverage") == "yes":
        warnings.append("A node that is lost stops the shards of all others. Set `cluster-require-full-coverage no`.")
    if fsync == "no":
        refusals.append("appendfsync is no: a power cut loses half a minute. Set `appendfsync always`.")
    kind = "Valkey" if "valkey_version" in info else "Redis"
    version = str(info.get("valkey_version") or info.get("redis_version"))
    return Found(kind, version, fsync, tuple(refusals), tuple(warnings))


def _config(redis: Redis) -> dict[str, Any]:
    try:
        return {
            str(name): value for name, value in redis.config_get("appendfsync", "cluster-require-full-coverage").items()
        }
    except ResponseError:  # the ACL of this user does not allow it: nothing can be said
        return {}
