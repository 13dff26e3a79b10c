"""Fixtures: the stand-in provider as a process of its own, emptied for each test."""

from __future__ import annotations

import http.client
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from lab.ports import free_port
from lab.processes import Process

if TYPE_CHECKING:
    from collections.abc import Iterator

USUAL = {
    "latency_ms": 2, "shares": {}, "callbacks": False, "callback_delay_ms": 5, "undelivered": 0.0, "seed": 1,
}  # fmt: skip


class Standin:
    """A running simulator, asked over HTTP as anybody would."""

    account = "AC" + "5" * 32
    token = "a-token-of-the-tests"

    def __init__(self, port: int) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}"

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def counts(self) -> dict[str, int]:
        return json.loads(self.ask("GET", "/_sim/counts")[1])

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ask("GET", "/_sim/messages")[1].splitlines()]

    def configure(self, **behaviour: Any) -> dict[str, Any]:
        return json.loads(self.ask("POST", "/_sim/config", json.dumps(behaviour).encode())[1])


@pytest.fixture(scope="session")
def standin_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    running = Standin(free_port())
    command = [sys.executable, "-m", "lab.simulator", "--port", str(running.port)]
    command += ["--account", running.account, "--token", running.token]
    log = tmp_path_factory.mktemp("standin") / "log"
    process = Process("simulator", command, env=os.environ, log=log).start()
    try:
        process.wait_for_text("listening")
        yield running
    finally:
        process.kill()


@pytest.fixture
def standin(standin_process: Standin) -> Standin:
    """The simulator, behaving as usual and remembering nothing."""
    standin_process.configure(**USUAL)
    standin_process.ask("POST", "/_sim/reset")
    return standin_process
