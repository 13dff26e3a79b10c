"""One trial: messages flow through real processes while something goes wrong; then everything is counted."""

from __future__ import annotations

import random
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import RedisError

from lab.ledger import audit
from lab.proxy import Proxy
from lab.system import System
from lab.waiting import wait_for
from smsqueue import AcceptanceUnknown, Accepted, Message
from smsqueue.errors import SmsQueueError
from smsqueue.store.audit import audit as look_for_homeless

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

CAMPAIGN = "faults"
PART = 200
SOON = timedelta(minutes=2)
"""What sleeps longer than this waits for a receipt: it is at rest."""
HEALS_WITHIN = 120
MARK = "zqkzqkzqk"
"""Every text holds it: where it shows in clear, something leaked."""
SHORT = {
    "SMSQUEUE_HINT_LEASE": "3s",
    "SMSQUEUE_CALL_LIMIT": "2s",
    "SMSQUEUE_SETTLE_LIMIT": "2s",
    "SMSQUEUE_SLOTS": "100",
}


EVENING = datetime(2027, 1, 12, 20, 52, 30, tzinfo=UTC)
"""In London: 90 seconds are left in which a message that keeps quiet hours may go."""
STRIKES = datetime(2027, 1, 12, 21, 0, 30, tzinfo=UTC)
DEADLINE = datetime(2027, 1, 12, 20, 58, tzinfo=UTC)
FLOWS_AT_NINE = 0.5
"""The part that reaches the provider for sure: what is not through when the clock strikes is mostly held or expired."""
ON_THE_WIRE = 3.0
"""Seconds after the clock struck nine in which bytes of calls that were under way may come."""


class Row(NamedTuple):
    """What a trial came to."""

    scenario: str
    messages: int
    lost: int
    stuck: int
    twice_not_allowed: int
    twice_allowed: int
    late: int
    night: int
    leaked: int
    in_doubt: int
    in_doubt_at_provider: int
    found_by_audit: int
    seconds_to_heal: float
    seed: int

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.stuck or self.twice_not_allowed or self.late or self.night or self.leaked)


class Trial:
    """A running system, a producer that repeats what it is not sure of, and proxies before the servers."""

    def __init__(
        self, folder: Path, *, count: int, seed: int, behaviour: dict[str, Any], evening: bool = False
    ) -> None:
        self.count, self.seed, self.chance = count, seed, random.Random(seed)
        settings = SHORT | ({"SMSQUEUE_TESTING": "true"} if evening else {})
        self.system = System(folder, behaviour={"latency_ms": 30, **behaviour}, web=False, **settings)
        self.evening = Evening(self) if evening else None
        self.ids: list[str] = []
        self._stack = ExitStack()
        self._producer = threading.Thread(target=self._produce, name="producer")
        self._begun = 0.0
        self._forgiven: set[str] = set()
        self.poisoned: list[str] = []

    def __enter__(self) -> Self:
        self._stack.enter_context(self.system)
        self.to_store = self._stack.enter_context(Proxy(self.system.store_server.port))
        self.to_broker = self._stack.enter_context(Proxy(self.system.broker_server.port))
        self.system.fleet.env |= {
            "SMSQUEUE_REDIS_URL": self.to_store.url,
            "SMSQUEUE_BROKER_URL": self.to_broker.url,
        }
        if self.evening:
            self._stack.callback(self.evening.end)
            self.evening.begin()
        self.system.fleet.workers(dispatch=2, submit=2)
        self._producer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.join(HEALS_WITHIN)
        self._stack.close()

    def under_way(self, share: float) -> None:
        """Wait until a part of the messages is at the provider."""
        whole = self.count * (FLOWS_AT_NINE if self.evening else 1)
        wait_for(lambda: self.system.counts()["taken"] >= whole * share, "the flow", within=HEALS_WITHIN)
        self._begun = time.monotonic()

    def again_and_again(self, times: int, deed: Callable[[], None]) -> None:
        """Do something at several moments of the flow, whichever the seed says."""
        for at in sorted(self.chance.uniform(0.05, 0.7) for _ in range(times)):
            self.under_way(at)
            deed()

    def pause(self, seconds: float) -> None:
        """Let a fault last."""
        time.sleep(seconds)

    def forget_scripts(self) -> None:
        """Let the store forget every script."""
        self.system.client.store.redis.script_flush()

    def forgive_lost(self) -> None:
        """Take from the producer's book what a restored copy cannot know: it was accepted after the copy was made."""
        store = self.system.client.store
        told = list(self.ids)
        known = store.load(told)
        self._forgiven = {id for id, one in zip(told, known, strict=True) if one.envelope is None}

    def end(self, scenario: str) -> Row:
        """Wait until nothing moves any more, and count."""
        self._producer.join(HEALS_WITHIN)
        if self.evening:
            self.evening.struck.wait(HEALS_WITHIN)
        stuck = 0
        try:
            wait_for(lambda: self._moving() == 0, "rest", within=HEALS_WITHIN, every=0.1)
        except TimeoutError:
            stuck = self._moving()
        healed = time.monotonic() - self._begun
        self._forgiven |= {id for id in self.poisoned if self._failed(id)}
        found = look_for_homeless(self.system.client.store).faults
        clock = self.evening.read if self.evening else None
        ledger = audit(self.system, CAMPAIGN, [id for id in self.ids if id not in self._forgiven], clock)
        return Row(
            scenario, len(self.ids), ledger.lost + ledger.vanished, max(stuck, ledger.homeless),
            ledger.twice_not_allowed, ledger.twice_allowed, ledger.late, ledger.at_night, self._leaked(),
            ledger.in_doubt, ledger.in_doubt_taken, found, round(healed, 1), self.seed,
        )  # fmt: skip

    def _produce(self) -> None:
        """Accept all in parts; a part whose answer was lost, or that could not be asked for, is repeated."""
        for first in range(0, self.count, PART):
            make = _evening_message if self.evening else _message
            messages = [make(n) for n in range(first, min(first + PART, self.count))]
            self.ids += [one.id for one in self._accepted(messages)]

    def _accepted(self, messages: list[Message]) -> list[Accepted]:
        until = time.monotonic() + HEALS_WITHIN
        while time.monotonic() < until:
            try:
                results = self.system.client.send_many(messages)
            except (AcceptanceUnknown, SmsQueueError):
                time.sleep(0.1)
                continue
            accepted = [one for one in results if isinstance(one, Accepted)]
            if all(isinstance(one, Accepted) or one.field == "deadline" for one in results):
                return accepted  # a deadline that is past when the clock has struck is refused at the door
            time.sleep(0.1)  # memory is short: its lane is closed for now
        raise TimeoutError("the producer could not be done with its messages")

    def _moving(self) -> int:
        """Count what is not at rest: on its way, or in doubt and about to be submitted again."""
        store = self.system.client.store
        store.greet()
        soon = (store.clock.now() + SOON).timestamp() * 1000
        counts: Any = store.redis.hgetall(store.keys.counts(CAMPAIGN))
        states = (b"queued", b"submitting") if self.evening else (b"queued", b"submitting", b"held")
        moving = sum(int(counts.get(state, 0)) for state in states)
        return moving + int(store.redis.zcount(store.keys.due, "-inf", soon))

    def _failed(self, id: str) -> bool:
        """Whether a message that nobody can read was given up, as it has to be."""
        store = self.system.client.store
        return bool(store.redis.hget(store.keys.envelope(id), "s") == b"failed")

    def _leaked(self) -> int:
        """Count the files of the system that hold a text or a number: logs and the store's and broker's data."""
        needles = [MARK.encode(), *(_number(n).encode() for n in range(60))]
        files = [path for path in self.system.directory.rglob("*") if path.is_file() and path.parent.name != "keys"]
        return sum(any(needle in path.read_bytes() for needle in needles) for path in files)


class Evening:
    """The clock strikes nine while something is wrong: a third of the messages are through then."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._ended, self.struck = threading.Event(), threading.Event()
        self._before = self._after = timedelta(0)
        self._jump = float("inf")
        self._keeper = threading.Thread(target=self._keep, name="clock", daemon=True)

    def begin(self) -> None:
        """Put everybody's clock to the evening."""
        self._before = EVENING - datetime.now(UTC)
        self._set(self._before)
        self._keeper.start()

    def end(self) -> None:
        """Let the clock alone."""
        self._ended.set()
        self._keeper.join(HEALS_WITHIN)

    def read(self, at: float) -> float:
        """Say what the moved clock showed at an instant of the real one."""
        return at + (self._before if at < self._jump + ON_THE_WIRE else self._after).total_seconds()

    def _keep(self) -> None:
        """Strike when it is time, again and again should the store not have heard it, or have forgotten it."""
        while not self._ended.wait(0.05):
            try:
                if not self.struck.is_set():
                    if self._trial.system.counts()["taken"] < self._trial.count / 3:
                        continue
                    self._after = STRIKES - datetime.now(UTC)
                    self._set(self._after)
                    self._jump = time.time()
                    self.struck.set()
                else:
                    self._set(self._after)
            except (OSError, RedisError, SmsQueueError):
                continue  # the store or the stand-in is what is wrong just now

    def _set(self, offset: timedelta) -> None:
        store = self._trial.system.client.store
        store.redis.set(store.keys.clock, offset // timedelta(milliseconds=1))
        store.greet()


def _evening_message(n: int) -> Message:
    """Of each ten: four for London's day, three with a deadline before nine, two at any hour, a one-time code."""
    if n % 10 in {1, 2, 3, 4}:
        number = f"+447700900{n % 1000:03}"
        return Message(
            to=number, text=f"Message {n} {MARK}", category="service", campaign=CAMPAIGN, idempotency_key=str(n),
            validity=timedelta(hours=24),
        )  # fmt: skip
    message = _message(n)
    return replace(message, deadline=DEADLINE) if n % 10 in {5, 6, 7} else message


def _number(n: int) -> str:
    return f"+1{202 + n % 3}555{101 + n % 60:04d}"


def _message(n: int) -> Message:
    category = "otp" if n % 10 == 0 else "alert"
    return Message(
        to=_number(n), text=f"Message {n} {MARK}", category=category, campaign=CAMPAIGN, idempotency_key=str(n)
    )
