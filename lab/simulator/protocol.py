"""A small HTTP/1.1 server on asyncio's transport: as little work per request as it can be."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from typing import TYPE_CHECKING

from lab.simulator import form as forms
from lab.simulator.behaviour import ERRORS, TAKES, Act

if TYPE_CHECKING:
    from lab.simulator.simulator import Simulator

_REASONS = {
    200: "OK", 201: "Created", 204: "No Content", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized",
    404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
    503: "Service Unavailable",
}  # fmt: skip
HUGE = 2 * 1024 * 1024


class Protocol(asyncio.Protocol):
    """One connection: one request at a time, kept alive."""

    def __init__(self, simulator: Simulator) -> None:
        self._sim = simulator
        self._buffer = b""
        self._first_byte = 0.0
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # set by connection_made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take bytes; handle a request when it is whole."""
        if not self._buffer:
            self._first_byte = time.time()
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end]
        length = _header(head, head.lower(), b"content-length:")
        size = end + 4 + int(length or 0)
        if len(self._buffer) < size:
            return
        body, self._buffer = self._buffer[end + 4 : size], self._buffer[size:]
        method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        if path == self._sim.path and method == "POST":
            self._message(head, body)
        elif path.startswith("/_sim/"):
            self._sim.control(self, method, path, body)
        elif path == "/elsewhere":
            self._sim.inbox.followed += 1
            self.answer(201, b"{}")
        else:
            self.answer(404, b"{}")

    def _message(self, head: bytes, body: bytes) -> None:
        sim = self._sim
        sim.inbox.requests += 1
        if _header(head, head.lower(), b"authorization:") != sim.authorization:
            self.error(401, 20003)
            return
        form = forms.split(body)
        to, sender = forms.text(form.get(b"To", b"")), forms.text(form.get(b"From", b""))
        if not to.startswith("+") or not (sender or form.get(b"MessagingServiceSid")):
            sim.inbox.refused += 1
            self.error(400, 21211)
            return
        if not form.get(b"Body"):
            sim.inbox.refused += 1
            self.error(400, 21602)
            return
        received = sim.inbox.record(to, form)
        received.first_bytes.append(self._first_byte)
        act = sim.behaviour.choose(received.to, sender, received.id, received.requests - 1)
        received.acts.append(act.value)
        sid = ""
        if act in TAKES:
            received.taken += 1
            sim.inbox.taken += 1
            sid = "SM" + secrets.token_hex(16)
            if sim.behaviour.callbacks and (callback := form.get(b"StatusCallback")):
                sim.receipts.schedule(forms.text(callback), sid, to, sender)
        if act is Act.HANG:
            return
        sim.later(self, act, sid)

    def act(self, act: Act, sid: str) -> None:  # noqa: C901 - one line per way to misbehave
        """Answer, when the latency is over."""
        transport = self._transport
        if transport.is_closing():
            return
        if act is Act.ACCEPT:
            # An exact answer of Twilio has 20 fields; these are those that anybody reads.
            body = b'{"sid":"%s","status":"queued","num_segments":"1","error_code":null}' % sid.encode()
            transport.write(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        elif act in ERRORS:
            self.error(*ERRORS[act], retry_after=1 if act is Act.THROTTLE else None)
        elif act is Act.ERROR_500:
            self.answer(500, b"")
        elif act is Act.TAKE_AND_DROP:
            transport.abort()
        elif act is Act.NOT_JSON:
            self.answer(201, b"<html>thank you</html>")
        elif act is Act.CUT_SHORT:
            transport.write(b'HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"sid":"SM')
            transport.close()
        elif act is Act.HUGE:
            self.answer(201, b'{"sid":"' + b"x" * HUGE + b'"}')
        elif act is Act.REDIRECT:
            transport.write(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
        elif act is Act.HTML_502:
            self.answer(502, b"<html>bad gateway</html>")
        elif act is Act.TRICKLE:
            self._trickle(b"HTTP/1.1 201 Created\r\nContent-Length: 1000000\r\n\r\n")

    def _trickle(self, left: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(left[:1] or b" ")
            asyncio.get_running_loop().call_later(0.05, self._trickle, left[1:])

    def error(self, status: int, code: int, *, retry_after: int | None = None) -> None:
        """Answer with an error in Twilio's shape."""
        body = json.dumps({"code": code, "message": "simulated", "more_info": "", "status": status}).encode()
        self.answer(status, body, b"" if retry_after is None else b"Retry-After: %d\r\n" % retry_after)

    def answer(self, status: int, body: bytes, headers: bytes = b"") -> None:
        """Answer with a status and a body."""
        line = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Length: {len(body)}\r\n".encode()
        self._transport.write(line + headers + b"\r\n" + body)


def authorization(user: str, password: str) -> bytes:
    """Return the header value that is expected."""
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


def _header(head: bytes, lowered: bytes, name: bytes) -> bytes:
    at = lowered.find(b"\r\n" + name)
    if at < 0:
        return b""
    start = at + 2 + len(name)
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip()
