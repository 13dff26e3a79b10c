"""A whole smsqueue on this machine: two servers, keys, a policy, a stand-in provider, and the Procfile's processes."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from redis import Redis

from lab.clusters import Cluster
from lab.ports import free_port
from lab.processes import Fleet, Process
from lab.sentinels import Replicated
from lab.servers import Server, broker_server, store_server
from smsqueue import policy_file
from smsqueue.client import Client
from smsqueue.keyring import KEYRING_FILE, SUBJECT_FILE, Keyring

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

POLICY = Path(__file__).parent / "policy.toml"
ACCOUNT = "AC" + "0" * 32
TOKEN = "simulated-auth-token"
FLOWER_PASSWORD = "demo-only-password"


class System:
    """Everything that runs, in one folder. `with System(folder) as system:` starts servers and stand-in.

    With `replicated` the store has a replica and three sentinels.
    """

    def __init__(
        self,
        directory: Path,
        *,
        behaviour: dict[str, Any] | None = None,
        web: bool = False,
        replicated: bool = False,
        store_options: Sequence[str] = (),
        settings: Mapping[str, str] = MappingProxyType({}),
        shards: int = 1,
        clustered: bool = False,
        **env: str,
    ) -> None:
        self.directory, self.shards = directory, shards
        self.store_server: Server = store_server(directory / "store", *store_options)
        self.replicated = Replicated(directory / "store") if replicated else None
        self.cluster = Cluster(directory / "store") if clustered else None
        self.broker_server: Server = broker_server(directory / "broker")
        self.simulator_port, self.web_port, self.flower_port = free_port(), free_port(), free_port()
        self._behaviour = behaviour or {}
        keys = directory / "keys"
        self.env = {
            "SMSQUEUE_REDIS_URL": self.store_server.url,
            "SMSQUEUE_SHARDS": str(shards),
            **({"SMSQUEUE_REPLICAS": "1"} if replicated else {}),
            "SMSQUEUE_BROKER_URL": self.broker_server.url,
            "SMSQUEUE_KEYRING_FILE": str(keys / KEYRING_FILE),
            "SMSQUEUE_SUBJECT_FILE": str(keys / SUBJECT_FILE),
            "SMSQUEUE_TWILIO_BASE_URL": f"http://127.0.0.1:{self.simulator_port}",
            "SMSQUEUE_TWILIO_ACCOUNT_SID": ACCOUNT,
            "SMSQUEUE_TWILIO_AUTH_TOKEN": TOKEN,
            "SMSQUEUE_WEB_PORT": str(self.web_port),
            "SMSQUEUE_PUBLIC_URL": f"http://127.0.0.1:{self.web_port}",
            "SMSQUEUE_FLOWER_PORT": str(self.flower_port),
            "SMSQUEUE_FLOWER_BASIC_AUTH": f"demo:{FLOWER_PASSWORD}",
            **settings,
            **env,
        }
        self._web = web
        self.fleet = Fleet(self.env, directory / "logs")
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._stack.enter_context(self.replicated or self.cluster or self.store_server)
            if several := self.replicated or self.cluster:
                self.env["SMSQUEUE_REDIS_URL"] = self.fleet.env["SMSQUEUE_REDIS_URL"] = several.url
            self._stack.enter_context(self.broker_server)
            self._stack.enter_context(self.fleet)
            keys = self.directory / "keys"
            if not keys.exists():
                Keyring.init(keys, datetime.now(UTC).date())
            self.keyring = Keyring.load(keys / KEYRING_FILE, keys / SUBJECT_FILE)
            self.client = self._stack.enter_context(
                Client(self.env["SMSQUEUE_REDIS_URL"], keyring=self.keyring, shards=self.shards)
            )
            self.client.store.policies.publish(policy_file.document(POLICY))
            self.start_simulator()
            if self._web:
                self.fleet.run("web").wait_until(lambda: self.web_answers("/livez"))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def observer(self) -> Redis:
        """Connect to the store's server (of several: the primary) without the product's code."""
        port = self.replicated.master_port() if self.replicated else self.store_server.port
        return Redis(port=port, socket_timeout=60)

    def observers(self) -> list[Redis]:
        """Connect to every server that keeps messages without the product's code."""
        if self.cluster:
            return [Redis(port=node.port, socket_timeout=60) for node in self.cluster.nodes]
        return [self.observer()]

    def replace_broker(self) -> None:
        """Delete the broker, and put another, empty one at its port."""
        self.broker_server.kill()
        folder = Path(tempfile.mkdtemp(prefix="broker-", dir=self.directory))
        self.broker_server = self._stack.enter_context(broker_server(folder, port=self.broker_server.port))

    def publish(self, policy: Path, *, code: Path) -> None:
        """Put a policy in force with the commands of the code in another folder."""
        command = [sys.executable, "-m", "smsqueue.cli", "policy", "apply", str(policy)]
        env = {**os.environ, **self.env, "PYTHONPATH": str(code)}
        subprocess.run(command, cwd=code, env=env, check=True, capture_output=True)

    def command(self, *words: str, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run an operator's command, with other settings where some are given."""
        command = [sys.executable, "-m", "smsqueue.cli", *words]
        env = {**os.environ, **self.env, **changed}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=600)

    def start_simulator(self) -> Process:
        """Start the stand-in provider."""
        command = [sys.executable, "-m", "lab.simulator", "--port", str(self.simulator_port)]
        command += ["--account", ACCOUNT, "--token", TOKEN, "--behaviour", json.dumps(self._behaviour)]
        return self.fleet.run("simulator", command).wait_for_text("listening")

    def web_answers(self, path: str) -> bool:
        """Whether the web process answers 200."""
        try:
            return self._get(self.web_port, path)[0] == 200
        except OSError:
            return False

    def ask_web(self, path: str) -> tuple[int, bytes]:
        """Return status and body of a page of the web process."""
        return self._get(self.web_port, path)

    def counts(self) -> dict[str, int]:
        """Return what the stand-in counted."""
        counts: dict[str, int] = json.loads(self._get(self.simulator_port, "/_sim/counts")[1])
        return counts

    def received(self) -> Iterator[dict[str, Any]]:
        """Yield what the stand-in received, a record per message."""
        for line in self._get(self.simulator_port, "/_sim/messages")[1].splitlines():
            yield json.loads(line)

    def configure(self, **behaviour: Any) -> None:
        """Change how the stand-in behaves."""
        connection = http.client.HTTPConnection("127.0.0.1", self.simulator_port, timeout=10)
        connection.request("POST", "/_sim/config", json.dumps(behaviour))
        connection.getresponse().read()
        connection.close()

    @staticmethod
    def _get(port: int, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()
