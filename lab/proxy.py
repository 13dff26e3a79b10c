"""A TCP proxy with faults: it cuts connections, lets them go silent without closing them, and slows them down."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.ports import free_port

if TYPE_CHECKING:
    from typing import Self


LONGEST_WORD = 64
"""Bytes of a request that are kept, since a word may come in two pieces."""


@dataclass(slots=True)
class _Connection:
    """What is known of one connection: the end of what was asked, and whether its next answer is lost."""

    tail: bytes = b""
    swallowed: threading.Event | None = None


class Proxy:
    """Stands before one port of this machine, on a thread of its own. `with Proxy(6379) as proxy: proxy.cut()`."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._ready = threading.Event()
        self._open, self._end = asyncio.Event(), asyncio.Event()
        self._delay, self._answers_only = 0.0, False
        self._to_lose: dict[bytes, threading.Event] = {}
        self._server: asyncio.Server
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The address of a Redis server behind it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def cut(self) -> None:
        """Close every connection at once; new ones are let through."""
        self._loop.call_soon_threadsafe(self._close_all)

    def silence(self) -> None:
        """Pass nothing on, close nothing: half-open connections, old and new."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def speak(self) -> None:
        """Pass on again, also what waited meanwhile."""
        self._loop.call_soon_threadsafe(self._open.set)

    def refuse(self, *, refusing: bool) -> None:
        """Close every connection and the port, or open it again: nothing listens there meanwhile."""
        asyncio.run_coroutine_threadsafe(self._refuse() if refusing else self._listen(), self._loop).result(10)

    def slow_down(self, seconds: float, *, answers_only: bool = False) -> None:
        """Pass each piece on so much later."""
        self._delay, self._answers_only = seconds, answers_only

    def lose_answer(self, word: bytes) -> threading.Event:
        """Swallow the answer to the next request that holds a word, and hang up; returns what tells that it happened.

        The request itself is passed on: it is done, and nobody hears of it.
        """
        swallowed = threading.Event()
        self._to_lose[word] = swallowed
        return swallowed

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._open.set()
        await self._listen()
        self._ready.set()
        await self._end.wait()
        self._open.set()
        await self._refuse()
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=2)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _refuse(self) -> None:
        self._server.close()
        self._close_all()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:  # the server is down: so is its proxy
            writer.close()
            return
        connection = _Connection()
        self._writers |= {writer, upstream}
        await asyncio.gather(
            self._ask(connection, reader, upstream),
            self._answer(connection, upstream_reader, writer),
        )
        self._writers -= {writer, upstream}

    async def _ask(self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._open.wait()
                if self._delay and not self._answers_only:
                    await asyncio.sleep(self._delay)
                connection.tail += data
                self._doom(connection)
                connection.tail = connection.tail[-LONGEST_WORD:]
                writer.write(data)
                await writer.drain()
        writer.close()

    def _doom(self, connection: _Connection) -> None:
        for word, swallowed in list(self._to_lose.items()):
            if word in connection.tail:
                del self._to_lose[word]
                connection.swallowed = swallowed

    async def _answer(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._open.wait()
                if self._delay:
                    await asyncio.sleep(self._delay)
                if connection.swallowed is not None:  # the server has done it; nobody will hear of it
                    connection.swallowed.set()
                    writer.transport.abort()
                    break
                writer.write(data)
                await writer.drain()
        writer.close()

    def _close_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
