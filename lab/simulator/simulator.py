"""The stand-in as a whole: behaviour, inbox, latency, and what it tells about itself."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from lab.simulator.behaviour import Act, Behaviour
from lab.simulator.inbox import Inbox
from lab.simulator.protocol import Protocol, authorization
from lab.simulator.receipts import Receipts

if TYPE_CHECKING:
    from collections.abc import Callable

TICK = 0.002  # s: answers that are due are written together


class Simulator:
    """One stand-in; lives on one event loop."""

    def __init__(self, behaviour: Behaviour, *, account: str, token: str) -> None:
        self.behaviour, self.inbox = behaviour, Inbox()
        self.path = f"/2010-04-01/Accounts/{account}/Messages.json"
        self.authorization = authorization(account, token)
        self.receipts = Receipts(behaviour, self.inbox, account=account, token=token)
        self._due: deque[tuple[float, Protocol, Act, str]] = deque()
        self._ticking = False

    def later(self, protocol: Protocol, act: Act, sid: str) -> None:
        """Let a connection act when the latency is over. One timer serves all that wait."""
        loop = asyncio.get_running_loop()
        self._due.append((loop.time() + self.behaviour.latency_ms / 1000, protocol, act, sid))
        if not self._ticking:
            self._ticking = True
            loop.call_at(self._due[0][0], self._tick)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._due and self._due[0][0] <= now:
            _, protocol, act, sid = self._due.popleft()
            protocol.act(act, sid)
        self._ticking = bool(self._due)
        if self._due:
            loop.call_at(max(self._due[0][0], now + TICK), self._tick)

    def control(self, protocol: Protocol, method: str, path: str, body: bytes) -> None:
        """Tell what was received, or change the behaviour."""
        routes: dict[tuple[str, str], Callable[[bytes], bytes]] = {
            ("GET", "/_sim/health"): lambda _: b"ok",
            ("GET", "/_sim/messages"): lambda _: self._messages(),
            ("GET", "/_sim/counts"): lambda _: self._counts(),
            ("POST", "/_sim/config"): self._configure,
            ("POST", "/_sim/reset"): lambda _: self._reset(),
        }
        route = routes.get((method, path))
        if route is None:
            protocol.answer(404, b"{}")
            return
        protocol.answer(200, route(body))

    def _messages(self) -> bytes:
        return b"".join(json.dumps(message.told()).encode() + b"\n" for message in self.inbox.messages.values())

    def _counts(self) -> bytes:
        inbox = self.inbox
        return json.dumps(
            {
                "requests": inbox.requests,
                "messages": len(inbox.messages),
                "taken": inbox.taken,
                "refused": inbox.refused,
                "followed": inbox.followed,
                "callbacks_sent": inbox.callbacks_sent,
                "callbacks_refused": inbox.callbacks_refused,
            }
        ).encode()

    def _configure(self, body: bytes) -> bytes:
        known = {field.name for field in fields(Behaviour)}
        for name, value in json.loads(body).items():
            if name in known:
                setattr(self.behaviour, name, value)
        return json.dumps(asdict(self.behaviour)).encode()

    def _reset(self) -> bytes:
        self.inbox.__init__()  # type: ignore[misc]  # the same object: the receipts count into it
        return b"{}"
