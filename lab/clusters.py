"""A Redis Cluster of three primaries on this machine."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from lab.ports import free_port
from lab.servers import CONFIG, Server
from lab.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

SLOTS = 16384
NODES = 3
AS_IN_CLUSTER_CONF = ("--cluster-enabled", "yes", "--cluster-require-full-coverage", "no")
"""`config/cluster.conf` includes redis.conf from the folder that the server is started in."""
SHARDS = 6
"""Two to each node."""


class Cluster:
    """`with Cluster(folder) as cluster:` starts three primaries that know each other, shard n on node n modulo 3."""

    def __init__(self, directory: Path) -> None:
        self._stack = ExitStack()
        self._bus = [free_port() for _ in range(NODES)]
        self.nodes = [
            Server(
                directory / f"node{number}", CONFIG / "redis.conf", *AS_IN_CLUSTER_CONF,
                "--cluster-config-file", "nodes.conf", "--cluster-port", str(bus), "--cluster-node-timeout", "1500",
            )
            for number, bus in enumerate(self._bus)
        ]  # fmt: skip

    @property
    def url(self) -> str:
        """Its address: two of the nodes tell the third."""
        return f"cluster://127.0.0.1:{self.nodes[0].port},127.0.0.1:{self.nodes[1].port}"

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                self._stack.enter_context(node)
            self._join()
            wait_for(self._agree, "three nodes that agree", within=30)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def move(self, shard: int, to: int) -> None:
        """Give an emptied or small shard's slot to another node, as the classic way of resharding does it."""
        slot = _slot(shard)
        source, target = self.nodes[self.owner(shard)], self.nodes[to]
        with Redis(port=source.port) as giver, Redis(port=target.port) as taker:
            names = [redis.execute_command("CLUSTER MYID").decode() for redis in (giver, taker)]
            taker.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", names[0])
            giver.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", names[1])
            while keys := giver.execute_command("CLUSTER GETKEYSINSLOT", slot, 200):
                giver.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
            for redis in (taker, giver):
                redis.execute_command("CLUSTER SETSLOT", slot, "NODE", names[1])

    def owner(self, shard: int) -> int:
        """Return the number of the node that has a shard, as the nodes that run say."""
        slot, ports = _slot(shard), [node.port for node in self.nodes]
        for node in self.nodes:
            try:
                with Redis(port=node.port, socket_timeout=1) as redis:
                    for first, last, (_, port, *_), *_ in redis.execute_command("CLUSTER SLOTS"):
                        if first <= slot <= last:
                            return ports.index(port)
            except RedisError:
                continue
        raise RuntimeError("no node of the Cluster tells who has the shard")

    def _join(self) -> None:
        own = {_slot(shard): shard % NODES for shard in range(SHARDS)}
        for number, node in enumerate(self.nodes):
            slots = [slot for slot in range(SLOTS) if own.get(slot, slot * NODES // SLOTS) == number]
            with Redis(port=node.port) as redis:
                redis.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
                redis.execute_command("CLUSTER ADDSLOTS", *slots)
        for node in self.nodes:  # a node that has been met takes no epoch any more
            with Redis(port=node.port) as redis:
                for other, bus in zip(self.nodes, self._bus, strict=True):
                    redis.execute_command("CLUSTER MEET", "127.0.0.1", other.port, bus)

    def _agree(self) -> bool:
        for node in self.nodes:
            with Redis(port=node.port) as redis:
                told = {port for _, _, (_, port, *_), *_ in redis.execute_command("CLUSTER SLOTS")}
                if len(told) < NODES or redis.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                    return False
        return True


def _slot(shard: int) -> int:
    return int(key_slot(f"sms:{{{shard}}}:due".encode()))
