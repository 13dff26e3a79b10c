"""Somebody who cancels, pauses and resumes all the time, whatever else is wrong, and notes what was answered."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from lab.faults.traffic import CAMPAIGN, TENANTS
from lab.ledger import Silence, Stop
from smsqueue.errors import InvalidMessage, SmsQueueError
from smsqueue.store import pauses

if TYPE_CHECKING:
    from lab.faults.trial import Trial

MOST = 0.12
"""The part of the messages that is cancelled, at most."""
NEWEST = 300
"""Cancelled are some of the newest: they are on their way."""
SCOPES = (
    ("lane", "service"), ("lane", "otp"), ("category", "alert"), ("campaign", CAMPAIGN), ("provider", "twilio"),
    ("all", ""), *(("tenant", f"t{n}") for n in range(TENANTS)),
)  # fmt: skip


class Meddler:
    """Runs on a thread of its own until it is asked to end. `stops` and `silences` are for the ledger."""

    def __init__(self, trial: Trial) -> None:
        self._trial, self._chance = trial, trial.chance_of("meddler")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="meddler", daemon=True)
        self._cancelled: set[str] = set()
        self._forgot = 0.0
        self.stops: list[Stop] = []
        self.silences: list[Silence] = []

    def begin(self) -> None:
        """Start to meddle."""
        self._thread.start()

    def end(self) -> None:
        """Stop it; nothing is paused afterwards."""
        self._ended.set()
        self._thread.join(60)

    def forget(self) -> None:
        """Strike out the pauses, the present one too: the store was started on what it had before them."""
        self._forgot = time.time()
        self.silences.clear()

    def _run(self) -> None:
        while not self._ended.wait(self._chance.uniform(0.02, 0.2)):
            if self._chance.random() < 0.7:
                self._cancel()
            else:
                self._pause(*self._chance.choice(SCOPES))

    def _cancel(self) -> None:
        newest = [id for id in self._trial.ids[-NEWEST:] if id not in self._cancelled]
        ids = self._chance.sample(newest, min(len(newest), self._chance.randint(1, 5)))
        if not ids or len(self._cancelled) + len(ids) > self._trial.count * MOST:
            return
        self._cancelled.update(ids)
        try:
            answers = self._trial.client.cancel(ids)
        except (SmsQueueError, RedisError):
            return  # nothing was promised
        at = time.time()
        follow = {"cancelled": 0, "stopping": 1}
        self.stops += [Stop(id, at, follow[a]) for id, a in zip(ids, answers, strict=True) if a in follow]

    def _pause(self, what: str, name: str) -> None:
        begun = 0.0
        try:
            pauses.pause(self._trial.client.store, what, name)
            begun = time.time()
        except (SmsQueueError, RedisError):
            pass  # it may be paused all the same: so it is resumed in any case
        self._ended.wait(self._chance.choice((0.1, 0.4, 0.4, 4.5)))
        ended = time.time()
        while True:
            try:
                pauses.resume(self._trial.client.store, what, name)
            except InvalidMessage:
                break  # it was not paused, or is no more
            except (SmsQueueError, RedisError):
                time.sleep(0.1)
            else:
                break
        if begun > self._forgot:
            self.silences.append(Silence(what, name, begun, ended))
