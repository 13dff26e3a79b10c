"""A store with a replica and three sentinels, all on this machine: kill the primary and watch."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from redis import Redis
from redis.exceptions import RedisError
from redis.sentinel import Sentinel

from lab.servers import CONFIG, Server
from lab.waiting import wait_for

if TYPE_CHECKING:
    from typing import Self

NAME = "smsqueue"
DOWN_AFTER_MS = 2000
"""Below it a machine that is busy with other things passes for a dead one."""


class Replicated:
    """`with Replicated(folder) as servers:` starts a primary, a replica that follows it, and three sentinels."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = ExitStack()
        self.primary = self._server("primary")
        self.replica = self._server("replica", "--replicaof", f"127.0.0.1 {self.primary.port}")
        self.sentinels: list[Server] = []

    @property
    def url(self) -> str:
        """The address of whoever is the primary now."""
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in self.sentinels)
        return f"sentinel://{hosts}/{NAME}"

    def __enter__(self) -> Self:
        try:
            self._stack.enter_context(self.primary)
            self._stack.enter_context(self.replica)
            wait_for(self.replica_follows, "the replica")
            for number in range(3):
                self.sentinels.append(self._stack.enter_context(self._sentinel(number)))
            wait_for(self._sentinels_agree, "three sentinels that know each other", within=20)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def replica_follows(self) -> bool:
        """Whether the replica has caught up and would answer `WAIT`."""
        with Redis.from_url(self.primary.url) as redis:
            return bool(redis.wait(1, 100))

    def come_back(self) -> None:
        """Start the lost primary as a replica of whoever leads now, without its old files.

        With them it would be a store of yesterday that the sentinels might promote before it has caught up.
        """
        again = self._server("again", "--replicaof", f"127.0.0.1 {self.master_port()}", port=self.primary.port)
        self._stack.enter_context(again)

    def master_port(self) -> int:
        """Return whom the sentinels name now."""
        sentinel = Sentinel([("127.0.0.1", server.port) for server in self.sentinels], socket_timeout=1)
        try:
            return int(sentinel.discover_master(NAME)[1])
        except RedisError:
            return 0

    def _server(self, name: str, *options: str, port: int = 0) -> Server:
        """Make a server with a configuration of its own: a failover writes into it who leads now."""
        folder = self._directory / name
        folder.mkdir(parents=True, exist_ok=True)
        return Server(folder, Path(shutil.copy(CONFIG / "redis.conf", folder)), *options, port=port)

    def _sentinel(self, number: int) -> Server:
        folder = self._directory / f"sentinel{number}"
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "sentinel.conf"  # it writes down there what it learns
        config.write_text(
            f"bind 127.0.0.1\n"
            f"sentinel monitor {NAME} 127.0.0.1 {self.primary.port} 2\n"
            f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {NAME} 5000\n"
        )
        return Server(folder, config, "--sentinel")

    def _sentinels_agree(self) -> bool:
        for server in self.sentinels:
            with Redis.from_url(server.url) as redis:
                state = redis.sentinel_master(NAME)
                if int(state["num-other-sentinels"]) < 2 or int(state["num-slaves"]) < 1:
                    return False
        return True
