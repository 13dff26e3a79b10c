"""One way to call a provider: post once, read an answer of limited size, and say what surely was or was not sent.

pyreqwest's class names say "connect" also when an answer was lost. The truth is in the chain of causes: exactly
one of them reads as below when no byte of the request left. Everything else, also after an upgrade that words it
differently, is UNKNOWN: the rule fails to the safe side, and the contract tests say so before a user does.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PoolTimeoutError, PyreqwestError

from smsqueue.core.submission import SendResult, SendStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyreqwest.client import Client
    from pyreqwest.response import Response

NOT_SENT = "client error (Connect)"
"""The one cause that proves that no byte of the request left the process, word for word."""

BODY_MAX = 256 * 1024
"""Bytes of an answer; a provider's is under 2 KB."""
CONNECT_LIMIT = timedelta(seconds=3)
IDLE = timedelta(seconds=4)
"""Shorter than the keep-alive of providers' front ends (5 s and more): a connection that the other side closes
just as we write is an UNKNOWN that nobody needed."""
RETRY_AFTER_LONGEST = timedelta(hours=1)

_PLAIN = re.compile(rb"[A-Za-z0-9_.~-]*")
_COMMON = ((b"%", b"%25"), (b"+", b"%2B"), (b" ", b"+"), (b"/", b"%2F"), (b":", b"%3A"), (b",", b"%2C"))
"""What texts, numbers and addresses are full of; in this order, as `%` and `+` also come of it."""
_RARE = re.compile(rb"[^A-Za-z0-9_.~%+-]")
_OK = range(200, 300)
_REDIRECT = range(300, 400)


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer. Its body may hold number and text, so it never shows."""

    status: int
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return self.status in _OK

    @property
    def json(self) -> Any:
        """The body as JSON, or None when it is not."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):  # the second for what is nested a thousand deep
            return None


def basic_auth(user: str, password: str) -> str:
    """Make an Authorization header's value."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Http:
    """Calls to one provider. Made on the engine's loop; `headers` go with every call, credentials among them."""

    def __init__(
        self,
        *,
        call_limit: timedelta,
        connections: int,
        headers: Mapping[str, str] | None = None,
        connect_limit: timedelta = CONNECT_LIMIT,
        idle: timedelta = IDLE,
        authorities: Sequence[bytes] = (),
    ) -> None:
        builder = (
            ClientBuilder()
            .timeout(call_limit)
            .connect_timeout(min(connect_limit, call_limit))
            .pool_timeout(min(connect_limit, call_limit))
            .max_connections(connections)
            .pool_max_idle_per_host(connections)
            .pool_idle_timeout(idle)
            .follow_redirects(enable=False)
            .no_proxy()
            .http1_only()
            .referer(enable=False)
            .gzip(enable=False)
            .brotli(enable=False)
            .zstd(enable=False)
            .deflate(enable=False)
            .default_cookie_store(enable=False)
            .user_agent("smsqueue")
            .default_headers(
                {
                    "Accept-Encoding": "identity",
                    "Accept": "application/json",
                    "Content-Type": "application/x-www-form-urlencoded",
                    **(headers or {}),
                }
            )
        )
        for pem in authorities:  # for a provider's private authority; verification itself cannot be switched off
            builder = builder.add_root_certificate_pem(pem)
        self._client: Client = builder.build()

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def post_form(self, url: str, form: Sequence[tuple[str, str]]) -> Answer | SendResult:
        """Post a form once. What is the same for all providers is answered as a SendResult."""
        body = b"&".join([name.encode() + b"=" + _encoded(value) for name, value in form])
        request = self._client.post(url).body_bytes(body).build_streamed()
        try:
            async with request as response:
                raw = await response.body_reader.read(BODY_MAX + 1)
                status = response.status
                retry_after = _retry_after(response) if status == HTTPStatus.TOO_MANY_REQUESTS else None
        except PyreqwestError as error:
            return _failed(error)
        if raw is not None and len(raw) > BODY_MAX:
            return SendResult(status=SendStatus.UNKNOWN, code="too_large")
        return _named(status, retry_after) or Answer(status, bytes(raw or b""))


def _encoded(value: str) -> bytes:
    """Encode a form's value; six times as fast as urllib for a text."""
    raw = value.encode()
    if _PLAIN.fullmatch(raw):
        return raw
    for char, code in _COMMON:
        raw = raw.replace(char, code)
    return _RARE.sub(_percent, raw)


def _percent(match: re.Match[bytes]) -> bytes:
    return b"%%%02X" % match[0][0]


def _failed(error: PyreqwestError) -> SendResult:
    if isinstance(error, PoolTimeoutError):
        return SendResult(status=SendStatus.UNAVAILABLE, code="no_connection")
    details = getattr(error, "details", None) or {}
    causes = [cause.get("message") for cause in details.get("causes") or ()]
    if causes.count(NOT_SENT) == 1:
        return SendResult(status=SendStatus.UNAVAILABLE, code="not_connected")
    return SendResult(status=SendStatus.UNKNOWN, code="answer_lost")


def _retry_after(response: Response) -> str | None:
    try:
        return response.get_header("retry-after")
    except ValueError:  # bytes outside ASCII: the answer counts all the same
        return None


def _named(status: int, retry_after: str | None) -> SendResult | None:
    """Name what is the same for all providers; None: the adapter reads the body."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = read_retry_after(retry_after, datetime.now(UTC))
        return SendResult(status=SendStatus.THROTTLED, code="429", retry_after=wait)
    if status in _REDIRECT:  # followed, a POST would go somewhere else
        return SendResult(status=SendStatus.ACCOUNT, code="redirect")
    if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}:
        return SendResult(status=SendStatus.UNKNOWN, code=str(status))  # from an edge proxy: the request went on
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return SendResult(status=SendStatus.ACCOUNT, code=str(status))
    return None


def read_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Read seconds or an HTTP date (RFC 9110, 10.2.3), at most an hour; None for nonsense or what has passed."""
    if not value:
        return None
    if value.isascii() and value.isdigit() and len(value) < 10:  # noqa: PLR2004 - more is nonsense
        wait = timedelta(seconds=int(value))
    else:
        try:
            at = parsedate_to_datetime(value)
        except (ValueError, OverflowError):  # the second for a minute of ten digits
            return None
        wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    return min(wait, RETRY_AFTER_LONGEST) if wait > timedelta(0) else None
