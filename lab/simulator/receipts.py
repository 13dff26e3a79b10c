"""Receipts: status callbacks, signed as Twilio signs them, over a few kept-alive connections."""

from __future__ import annotations

import asyncio
import base64
import hmac
import random
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError

if TYPE_CHECKING:
    from lab.simulator.behaviour import Behaviour
    from lab.simulator.inbox import Inbox

BETWEEN = 0.3  # s
CONNECTIONS = 16


class Receipts:
    """Calls back about messages that were taken."""

    def __init__(self, behaviour: Behaviour, inbox: Inbox, *, account: str, token: str) -> None:
        self._behaviour, self._inbox, self._account, self._token = behaviour, inbox, account, token
        self._random = random.Random(behaviour.seed)
        self._client = ClientBuilder().no_proxy().max_connections(CONNECTIONS).build()
        self._tasks: set[asyncio.Task[None]] = set()

    def schedule(self, url: str, sid: str, to: str, sender: str) -> None:
        """Call back about one message, as its number or the configured shares ask."""
        task = asyncio.get_running_loop().create_task(self._story(url, sid, to, sender))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _story(self, url: str, sid: str, to: str, sender: str) -> None:
        special = to[-4:]
        latency = self._behaviour.latency_ms / 1000
        early = special == "0172"
        if not early:
            await asyncio.sleep(latency + self._behaviour.callback_delay_ms / 1000)
        story: list[tuple[str, str]] = [("sent", ""), ("delivered", "")]
        if special == "0170" or self._random.random() < self._behaviour.undelivered:
            story = [("sent", ""), ("undelivered", "30003")]
        elif special == "0171":
            story = [("sent", ""), ("failed", "30008")]
        elif special == "0173":
            story = [part for part in story for _ in range(2)]
        elif special == "0174":
            story.reverse()
        if special == "0175":
            await self._call(url, sid, to, sender, "delivered", "", forged=True)
        for word, code in story:
            await self._call(url, sid, to, sender, word, code)

    async def _call(
        self, url: str, sid: str, to: str, sender: str, word: str, code: str, *, forged: bool = False
    ) -> None:
        form = {
            "MessageSid": sid, "SmsSid": sid, "MessageStatus": word, "SmsStatus": word, "To": to, "From": sender,
            "AccountSid": self._account, "ApiVersion": "2010-04-01", **({"ErrorCode": code} if code else {}),
        }  # fmt: skip
        token = "somebody else's" if forged else self._token
        headers = {
            "X-Twilio-Signature": sign(url, form, token),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        for _ in range(1 if forged else self._behaviour.callback_tries):
            self._inbox.callbacks_sent += 1
            try:
                request = self._client.post(url).headers(headers).body_bytes(urlencode(form).encode())
                status = (await request.build().send()).status
            except PyreqwestError:
                status = 0
            if 200 <= status < 300:
                return
            self._inbox.callbacks_refused += 1
            await asyncio.sleep(BETWEEN)


def sign(url: str, form: dict[str, str], token: str) -> str:
    """Sign as Twilio does: HMAC-SHA-1 over the address and the sorted parameters."""
    said = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.digest(token.encode(), said.encode(), "sha1")).decode()


def host_of(url: str) -> str:
    """Return host and port of an address."""
    return urlsplit(url).netloc
