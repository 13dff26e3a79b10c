"""A TCP proxy with faults: it cuts connections, lets them go silent without closing them, and slows them down."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from lab.ports import free_port

if TYPE_CHECKING:
    from typing import Self


class Proxy:
    """Stands before one port of this machine, on a thread of its own. `with Proxy(6379) as proxy: proxy.cut()`."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._ready = threading.Event()
        self._open, self._end = asyncio.Event(), asyncio.Event()
        self._delay = 0.0
        self._refusing = False
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
        """Close every connection, and each new one as soon as it comes."""
        self._refusing = refusing
        self.cut()

    def slow_down(self, seconds: float) -> None:
        """Pass each piece on so much later."""
        self._delay = seconds

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
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self._ready.set()
        await self._end.wait()
        server.close()
        self._open.set()
        self._close_all()
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=2)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.close()
            return
        try:
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the server is down: so is its proxy
            writer.close()
            return
        self._writers |= {writer, upstream}
        await asyncio.gather(self._pass(reader, upstream), self._pass(upstream_reader, writer))
        self._writers -= {writer, upstream}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._open.wait()
                if self._delay:
                    await asyncio.sleep(self._delay)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    def _close_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
