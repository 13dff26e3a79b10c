"""The surfaces that a canary may show on, each as bytes under a name."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from redis import Redis

from lab.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

FLOWER_PAGES = (
    "/",
    "/workers?json=1",
    "/tasks",
    "/broker",
    "/api/workers",
    "/api/tasks",
    "/api/queues/length",
    "/metrics",
)
_TABLE = (
    "/tasks/datatable?draw=1&start=0&length=1000&search[value]="
    "&order[0][column]=0&order[0][dir]=asc&columns[0][data]=name"
)


def files(folder: Path, pattern: str = "*") -> dict[str, bytes]:
    """Return every file of a folder and the folders in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob(pattern) if path.is_file()}


def keys(url: str) -> dict[str, bytes]:
    """Return every live key of a server: its name, what is in it, and its DUMP."""
    with Redis.from_url(url) as redis:
        return {
            f"key {place}": b"\n".join([key, *_content(redis, key), redis.dump(key) or b""])
            for place, key in enumerate(redis.scan_iter(count=1000))
        }


def _content(redis: Redis, key: bytes) -> list[bytes]:
    found: Any  # redis-py types an answer by what it may be with other settings
    match redis.type(key):
        case b"string":
            found = [redis.get(key)]
        case b"hash":
            found = [part for pair in redis.hgetall(key).items() for part in pair]
        case b"list":
            found = redis.lrange(key, 0, -1)
        case b"set":
            found = redis.smembers(key)
        case b"zset":
            found = redis.zrange(key, 0, -1)
        case b"stream":
            entries: Any = redis.xrange(key)
            found = [part for _, fields in entries for pair in fields.items() for part in pair]
        case _:
            found = []
    return [part for part in found if part is not None]


def slowlog(url: str) -> bytes:
    """Return what the server noted as slow; `CONFIG SET slowlog-log-slower-than 0` makes it note everything."""
    with Redis.from_url(url) as redis:
        return b"\n".join(entry["command"] for entry in redis.slowlog_get(10_000))


def processes(pids: Iterable[int]) -> dict[str, bytes]:
    """Return what anybody on this machine may see of processes, and their environment."""
    return {
        f"process {pid} {name}": Path(f"/proc/{pid}/{name}").read_bytes()
        for pid in pids
        for name in ("cmdline", "environ")
    }


def pages(port: int, credentials: str) -> dict[str, bytes]:
    """Return Flower's pages and API answers, with the pages of every task it knows."""
    tasks = json.loads(_page(port, "/api/tasks", credentials) or b"{}")
    paths = [*FLOWER_PAGES, _TABLE]
    paths += [path + quote(id) for id in tasks for path in ("/task/", "/api/task/info/")]
    return {f"flower {path}": _page(port, path, credentials) for path in paths}


def _page(port: int, path: str, credentials: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        encoded = base64.b64encode(credentials.encode()).decode()
        connection.request("GET", path, headers={"Authorization": f"Basic {encoded}"})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"Flower answered {response.status} for {path}")
        return body
    finally:
        connection.close()


class Tap:
    """What a server says from now on, byte by byte: to PSUBSCRIBE * (Celery's events), or to MONITOR."""

    EVENTS, MONITOR = b"PSUBSCRIBE *\r\n", b"MONITOR\r\n"

    def __init__(self, url: str, command: bytes) -> None:
        address = urlsplit(url)
        self._address, self._command = (address.hostname or "127.0.0.1", address.port or 6379), command
        self._heard = bytearray()
        self._lock = threading.Lock()

    def heard(self) -> bytes:
        """Return all that was said so far."""
        with self._lock:
            return bytes(self._heard)

    def __enter__(self) -> Self:
        self._socket = socket.create_connection(self._address, timeout=10)
        self._socket.sendall(self._command)
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        wait_for(self.heard, "the server's answer to a tap")
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()

    def _listen(self) -> None:
        while piece := self._socket.recv(1 << 16):
            with self._lock:
                self._heard += piece
