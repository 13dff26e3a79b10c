"""Running the Procfile's processes for demo, tests and benchmarks, each with a log file of its own."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cpu import cpu_seconds
from lab.servers import dies_with_parent
from lab.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

ROOT = Path(__file__).resolve().parent.parent
STOP_WITHIN = 40


class Process:
    """One process of ours, in a group of its own."""

    def __init__(self, name: str, command: list[str], *, env: Mapping[str, str], log: Path, code: Path = ROOT) -> None:
        self.name, self.log, self._code = name, log, code
        self._command, self._env = command, dict(env)
        self._process: subprocess.Popen[bytes] | None = None
        self._cpu_at_end = 0.0

    @property
    def pid(self) -> int:
        """Its process id. Raises RuntimeError when it does not run."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """Its exit status, None while it runs."""
        return None if self._process is None else self._process.poll()

    def start(self) -> Self:
        """Start it; its output is appended to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                cwd=self._code,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with_parent(),  # noqa: PLW1509 - one call into libc, no Python lock
            )
        return self

    def wait_until(self, ready: Callable[[], bool], *, within: float = 30.0) -> Self:
        """Wait until it is ready. Raises RuntimeError with the end of its log if it ends instead."""

        def probe() -> bool:
            if self.exit_status is not None:
                raise RuntimeError(f"{self.name} ended with {self.exit_status}: {self.said()[-1500:]}")
            return ready()

        wait_for(probe, f"{self.name} being ready", within=within)
        return self

    def wait_for_text(self, text: str, *, within: float = 30.0) -> Self:
        """Wait until its log holds a text."""
        return self.wait_until(lambda: text in self.said(), within=within)

    def said(self) -> str:
        """Return its log so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def cpu_seconds(self) -> float:
        """Return its CPU time so far."""
        return cpu_seconds(self.pid) if self.exit_status is None else self._cpu_at_end

    def terminate(self) -> int:
        """Ask it to end and wait; returns its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End the whole group as a crash does."""
        return self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop it in its tracks."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._cpu_at_end = cpu_seconds(self.pid)
            os.killpg(self.pid, how)
            if how is not signal.SIGKILL:
                os.killpg(self.pid, signal.SIGCONT)
            try:
                self._process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self._process.wait(5)
        return self._process.returncode


def procfile() -> dict[str, list[str]]:
    """Return the Procfile's commands by name, with this interpreter for `python`."""
    commands = {}
    for line in (ROOT / "Procfile").read_text().splitlines():
        name, _, command = line.partition(":")
        words = shlex.split(command)
        if words:
            commands[name.strip()] = [sys.executable if word == "python" else word for word in words]
    return commands


class Fleet:
    """Processes that start together and end together, last started first."""

    def __init__(self, env: Mapping[str, str], logs: Path) -> None:
        self.env, self.logs = {**os.environ, **env}, logs
        self.processes: list[Process] = []
        self._stack = ExitStack()

    def run(self, name: str, command: list[str] | None = None, *, code: Path = ROOT, **env: str) -> Process:
        """Start a process: of the Procfile, or with a command of its own, with the code of a folder."""
        number = sum(process.name.split(".")[0] == name for process in self.processes) + 1
        process = Process(
            f"{name}.{number}",
            command or procfile()[name],
            env={**self.env, **env, "PYTHONPATH": str(code)},
            code=code,
            log=self.logs / f"{name}.{number}.log",
        )
        self.processes.append(process)
        self._stack.callback(process.terminate)
        return process.start()

    def workers(self, **counts: int) -> list[Process]:
        """Start Celery workers by role and number, and wait until all are ready."""
        started = [self.run(role) for role, count in counts.items() for _ in range(count)]
        for process in started:
            process.wait_for_text("worker.ready")
        return started

    def of(self, name: str) -> list[Process]:
        """Return the processes of one name."""
        return [process for process in self.processes if process.name.split(".")[0] == name]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            if process.exit_status is None:
                os.killpg(process.pid, signal.SIGTERM)  # all at once, then one after the other is awaited
        self._stack.close()
