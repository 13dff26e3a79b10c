"""The surfaces that a canary may show on, each as bytes under a name."""

from __future__ import annotations

import base64
import html
import http.client
import json
import re
import socket
import threading
from contextlib import suppress
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
_LINK = re.compile(rb'href="(/(?!/|static/|logout)[^"#]*)')


def files(folder: Path, pattern: str = "*") -> dict[str, bytes]:
    """Return every file of a folder and the folders in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob(pattern) if path.is_file()}


def keys(url: str) -> dict[str, bytes]:
    """Return every live key of a server's database: its name, what is in it, and its DUMP."""
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
            scored: Any = redis.zrange(key, 0, -1, withscores=True)
            found = [part for member, score in scored for part in (member, b"%.17g" % score)]
        case b"stream":
            entries: Any = redis.xrange(key)
            found = [part for _, fields in entries for pair in fields.items() for part in pair]
        case _:
            found = []
    return [part for part in found if part is not None]


def slowlog(url: str) -> bytes:
    """Return what the server noted as slow; `CONFIG SET slowlog-log-slower-than 0` makes it note everything."""
    with Redis.from_url(url) as redis:
        entries: Any = redis.slowlog_get(10_000)
        return b"\n".join(entry[part] for entry in entries for part in ("command", "client_name") if part in entry)


def processes(pids: Iterable[int]) -> dict[str, bytes]:
    """Return what anybody on this machine may see of processes, and their environment."""
    return {
        f"process {pid} {name}": Path(f"/proc/{pid}/{name}").read_bytes()
        for pid in pids
        for name in ("cmdline", "environ")
    }


def pages(port: int, credentials: str) -> dict[str, bytes]:
    """Return Flower's pages and API answers, the pages of every task it knows, and whatever all of them link to."""
    found = {path: _page(port, path, credentials) for path in (*FLOWER_PAGES, _TABLE)}
    refused = [path for path, (status, _) in found.items() if status != http.client.OK]
    if refused:
        raise RuntimeError(f"Flower does not show {', '.join(refused)}")
    tasks = json.loads(found["/api/tasks"][1])
    waiting = [path + quote(id) for id in tasks for path in ("/task/", "/api/task/info/")]
    waiting += [link for _, body in found.values() for link in _links(body)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = _page(port, path, credentials)  # an error's page is a page too
            waiting += _links(found[path][1])
    return {f"flower {path}": body for path, (_, body) in found.items()}


def _links(body: bytes) -> list[str]:
    return [html.unescape(link.decode()) for link in _LINK.findall(body)]


def _page(port: int, path: str, credentials: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        encoded = base64.b64encode(credentials.encode()).decode()
        connection.request("GET", path, headers={"Authorization": f"Basic {encoded}"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class Tap:
    """What a server says from now on, byte by byte: to PSUBSCRIBE * (Celery's events), or to MONITOR.

    A tap that is cut off says so: silence must not pass for cleanness.
    """

    EVENTS, MONITOR = b"PSUBSCRIBE *\r\n", b"MONITOR\r\n"

    def __init__(self, url: str, command: bytes) -> None:
        address = urlsplit(url)
        self._address, self._command = (address.hostname or "127.0.0.1", address.port or 6379), command
        self._heard = bytearray()
        self._lock = threading.Lock()
        self._closing = self._cut_off = False

    def heard(self) -> bytes:
        """Return all that was said so far. Raises RuntimeError when there was more to hear."""
        with self._lock:
            if self._cut_off:
                raise RuntimeError("the server cut a tap off: what it did not hear is not known")
            return bytes(self._heard)

    def __enter__(self) -> Self:
        self._socket = socket.create_connection(self._address, timeout=10)
        self._socket.sendall(self._command)
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        try:
            self._begin()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _begin(self) -> None:
        if wait_for(self.heard, "the server's answer to a tap").startswith(b"-"):
            raise RuntimeError("the server refuses a tap: who may not MONITOR and PSUBSCRIBE hears nothing")

    def _close(self) -> None:
        self._closing = True
        with suppress(OSError):  # the server went first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while piece := self._socket.recv(1 << 16):
                with self._lock:
                    self._heard += piece
        with self._lock:
            self._cut_off = not self._closing
