"""A producer that repeats what it is not sure of, until every message is accepted or refused for good."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from lab.ledger import Stop
from smsqueue import AcceptanceUnknown, Accepted, Message
from smsqueue.errors import SmsQueueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsqueue.client import Client

PART = 200
PARTS_PER_SECOND = 5


class Producer:
    """Accepts `count` messages in parts, on a thread of its own, spread over `lasts` seconds if that is above 0."""

    def __init__(
        self, client: Client, make: Callable[[int], Message], count: int, *, lasts: float, patience: float
    ) -> None:
        self._client, self._make, self._count = client, make, count
        self._lasts, self._patience = lasts, patience
        self._thread = threading.Thread(target=self._run, name="producer")
        self._newest: dict[str, str] = {}
        self._refused = self._extra = 0
        self.ids: list[str] = []
        """What it was given for accepted messages."""
        self.unsafe: set[str] = set()
        """Those that were called accepted, but not replicated: they may be lost with the primary."""
        self.superseded: list[Stop] = []
        """Messages in whose place it put newer ones."""

    @property
    def running(self) -> bool:
        """Whether it has more to send."""
        return self._thread.is_alive()

    @property
    def done(self) -> bool:
        """Whether every message was accepted, or refused because its deadline had passed."""
        return len(self.ids) + self._refused == self._count + self._extra

    def begin(self) -> None:
        """Start to send."""
        self._thread.start()

    def join(self) -> None:
        """Wait until it has sent all, or has given up."""
        self._thread.join(self._patience)

    def send_more(self, count: int) -> None:
        """Send more messages than were planned, at once."""
        for _ in range(count):
            self._extra += 1
            message = self._make(self._count + self._extra)
            self._note([message], self._accepted([message]))

    def _run(self) -> None:
        begun = time.monotonic()
        size = min(PART, max(1, int(self._count / self._lasts / PARTS_PER_SECOND))) if self._lasts else PART
        for first in range(0, self._count, size):
            messages = [self._make(n) for n in range(first, min(first + size, self._count))]
            self._note(messages, self._accepted(messages))
            due = begun + self._lasts * (first + size) / self._count
            if self._lasts and (early := due - time.monotonic()) > 0:
                time.sleep(early)

    def _note(self, messages: list[Message], answers: list[Accepted | None]) -> None:
        at = time.time()
        for message, answer in zip(messages, answers, strict=True):
            if answer is None:
                self._refused += 1
                continue
            self.ids.append(answer.id)
            if not answer.replicated:
                self.unsafe.add(answer.id)
            if message.supersede_key:
                if older := self._newest.get(message.supersede_key):
                    self.superseded.append(Stop(older, at, 1))
                self._newest[message.supersede_key] = answer.id

    def _accepted(self, messages: list[Message]) -> list[Accepted | None]:
        """Return what was accepted; None where a deadline was past, which is refused at the door."""
        until = time.monotonic() + self._patience
        while time.monotonic() < until:
            try:
                results = self._client.send_many(messages)
            except (AcceptanceUnknown, SmsQueueError):
                time.sleep(0.1)
                continue
            if all(isinstance(one, Accepted) or one.field == "deadline" for one in results):
                return [one if isinstance(one, Accepted) else None for one in results]
            time.sleep(0.1)  # memory is short: its lane is closed for now
        raise TimeoutError("the producer could not be done with its messages")
