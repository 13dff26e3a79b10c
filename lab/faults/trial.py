"""One trial: messages flow through real processes while something goes wrong; then everything is counted."""

from __future__ import annotations

import random
import threading
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

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

    def __init__(self, folder: Path, *, count: int, seed: int, behaviour: dict[str, Any]) -> None:
        self.count, self.seed, self.chance = count, seed, random.Random(seed)
        self.system = System(folder, behaviour={"latency_ms": 30, **behaviour}, web=False, **SHORT)
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
        self.system.fleet.workers(dispatch=2, submit=2)
        self._producer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.join(HEALS_WITHIN)
        self._stack.close()

    def under_way(self, share: float) -> None:
        """Wait until a part of the messages is at the provider."""
        wait_for(lambda: self.system.counts()["taken"] >= self.count * share, "the flow", within=HEALS_WITHIN)
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
        stuck = 0
        try:
            wait_for(lambda: self._moving() == 0, "rest", within=HEALS_WITHIN, every=0.1)
        except TimeoutError:
            stuck = self._moving()
        healed = time.monotonic() - self._begun
        self._forgiven |= {id for id in self.poisoned if self._failed(id)}
        found = look_for_homeless(self.system.client.store).faults
        ledger = audit(self.system, CAMPAIGN, [id for id in self.ids if id not in self._forgiven])
        return Row(
            scenario, len(self.ids), ledger.lost + ledger.vanished, max(stuck, ledger.homeless),
            ledger.twice_not_allowed, ledger.twice_allowed, ledger.late, ledger.at_night, self._leaked(),
            ledger.in_doubt, ledger.in_doubt_taken, found, round(healed, 1), self.seed,
        )  # fmt: skip

    def _produce(self) -> None:
        """Accept all in parts; a part whose answer was lost, or that could not be asked for, is repeated."""
        for first in range(0, self.count, PART):
            messages = [_message(n) for n in range(first, min(first + PART, self.count))]
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
            if len(accepted) == len(messages):
                return accepted
            time.sleep(0.1)  # memory is short: its lane is closed for now
        raise TimeoutError("the producer could not be done with its messages")

    def _moving(self) -> int:
        """Count what is not at rest: on its way, or in doubt and about to be submitted again."""
        store = self.system.client.store
        store.greet()
        soon = (store.clock.now() + SOON).timestamp() * 1000
        counts: Any = store.redis.hgetall(store.keys.counts(CAMPAIGN))
        moving = sum(int(counts.get(state, 0)) for state in (b"queued", b"held", b"submitting"))
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


def _number(n: int) -> str:
    return f"+1{202 + n % 3}555{101 + n % 60:04d}"


def _message(n: int) -> Message:
    category = "otp" if n % 10 == 0 else "alert"
    return Message(
        to=_number(n), text=f"Message {n} {MARK}", category=category, campaign=CAMPAIGN, idempotency_key=str(n)
    )
