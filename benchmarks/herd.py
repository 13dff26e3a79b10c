"""Eight in the morning: everything that the night held, a provider that is slow, and one-time codes in between.

`python -m benchmarks.herd` puts three ways beside each other: first in first out, the same with a lane of its own for
one-time codes, and ours; and beside them the least that can expire at all (Moore and Hodgson's rule). Ours is the real
thing, store, scripts and decisions, on a real server whose clock is moved a second at a time; only the call is left
out. The other two are counted.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from lab.servers import store_server
from smsqueue import Client, Message, policy_file
from smsqueue.core.decide import decide
from smsqueue.core.outcome import Handoff
from smsqueue.core.settle import settle
from smsqueue.core.states import State
from smsqueue.core.submission import SendResult, SendStatus
from smsqueue.keyring import Keyring
from smsqueue.store.server import connect
from smsqueue.store.store import Passage, Store
from workers.carry_out import Decided, carry_out

SECOND = timedelta(seconds=1)
NIGHT = datetime(2027, 1, 12, 6, tzinfo=UTC)
OPENS = datetime(2027, 1, 12, 8, 1, tzinfo=UTC)  # in London, the guard taken off
LATEST = OPENS + timedelta(hours=11)
HOURS = 2
CODES = 2  # one-time codes in a second
CODE_LIFE = timedelta(minutes=5)
LEAST = {"otp": timedelta(seconds=30), "service": timedelta(minutes=5)}  # the package's policy: min_validity
LEASE = timedelta(seconds=60)


@dataclass(frozen=True)
class Herd:
    """A morning: how many wait, how many of them not for long, and what the provider takes in a second."""

    held: int
    urgent: float  # part with deadlines 10 to 60 minutes after the opening
    rate: int
    hours: float = HOURS

    def deadlines(self) -> list[datetime]:
        """Choose a deadline for each, the same ones every time."""
        chance = random.Random(8)
        near = int(self.held * self.urgent)
        found = [OPENS + chance.randint(600, 3600) * SECOND for _ in range(near)] + [LATEST] * (self.held - near)
        chance.shuffle(found)
        return found


class Outcome(NamedTuple):
    """What came of a morning."""

    held_expired: int
    codes_expired: int
    code_p50: float  # seconds from accept to hand-off
    code_p99: float


def ours(herd: Herd, directory: Path) -> Outcome:
    """Run it through the store."""
    with store_server(directory) as server:
        store = Store(connect(server.url, role="bench"), connect(server.url, role="bench", repeats=0))
        store.policies.publish(_policy(herd.rate))
        with Client(server.url, keyring=Keyring.generate()) as client:
            return _Morning(store, client, herd).run()


class _Morning:
    def __init__(self, store: Store, client: Client, herd: Herd) -> None:
        self._store, self._client, self._herd = store, client, herd
        self._sent: dict[str, datetime] = {}  # one-time codes
        self._waits: list[float] = []
        self._expired = {"otp": 0, "service": 0}

    def run(self) -> Outcome:
        self._at(NIGHT)
        self._client.send_many(
            Message(to=f"+447700900{n % 1000:03}", text="Hello.", category="service", deadline=deadline)
            for n, deadline in enumerate(self._herd.deadlines())
        )
        for second in range(int(self._herd.hours * 3600)):
            now = OPENS + second * SECOND
            self._at(now)
            code = Message(to="+447700900001", text="493817", category="otp")
            for sent in self._client.send_many([code] * CODES):
                self._sent[sent.id] = now  # type: ignore[union-attr]
            while self._store.wake(retention=timedelta(days=1)).moves:
                pass
            for queue in self._store.policies.layout.queues:
                while queue.startswith("dispatch.") and (ids := self._take(queue)):
                    self._decide(ids)
            for lane in ("otp", "service"):
                if ids := self._take(f"submit.slow.{lane}"):
                    self._submit(ids, f"submit.slow.{lane}", now)
        waits = sorted(self._waits)
        return Outcome(
            self._expired["service"], self._expired["otp"], waits[len(waits) // 2], waits[-len(waits) // 100]
        )

    def _take(self, queue: str) -> list[str]:
        alone, others = self._store.take(queue, lease=LEASE)
        return alone + others

    def _at(self, now: datetime) -> None:
        """Move the server's clock, for everybody who asks it."""
        real = datetime.now(UTC)
        self._store.redis.set(self._store.keys.clock, (now - real) // timedelta(milliseconds=1))
        for store in (self._store, self._client.store):
            store.greet()

    def _decide(self, ids: list[str]) -> None:
        now, policy = self._store.clock.now(), self._store.policies.current
        decided = [
            Decided(one.envelope, outcome)
            for one in self._store.load(ids)
            if one.envelope and (outcome := decide(one.envelope, policy, one.facts, now))
        ]
        for envelope, outcome, _ in decided:
            if getattr(outcome, "state", None) is State.EXPIRED:
                self._expired[envelope.category] += 1
        carry_out(self._store, decided, now, wake=False)

    def _submit(self, ids: list[str], queue: str, at: datetime) -> None:
        """Decide in the last moment, pass the gate, and be taken at once."""
        now, policy = self._store.clock.now(), self._store.policies.current
        ready = []
        for one in self._store.load(ids):
            outcome = decide(one.envelope, policy, one.facts, now) if one.envelope else None
            if one.envelope and isinstance(outcome, Handoff):
                ready.append(Passage(one.envelope, outcome.valid_until))
            elif one.envelope:
                self._decide([one.envelope.id])
        if not ready:
            return
        codes = self._store.gate(ready, fence="fence", queue=queue, lease=LEASE)
        passed = [passage.envelope.id for passage, code in zip(ready, codes, strict=True) if code == "yes"]
        result = SendResult(status=SendStatus.ACCEPTED)
        settled = [
            Decided(one.envelope, *settle(one.envelope, policy, "fence", result, now, 0.5))
            for one in self._store.load(passed)
            if one.envelope
        ]
        carry_out(self._store, settled, now, wake=False)
        self._waits += [(at - self._sent[id]) / SECOND for id in passed if id in self._sent]


def first_in_first_out(herd: Herd, *, lanes: bool) -> Outcome:
    """Count what one queue would do, or one with a lane for one-time codes before it."""
    line: deque[tuple[str, datetime, datetime]] = deque(("service", OPENS, end) for end in herd.deadlines())
    codes: deque[tuple[str, datetime, datetime]] = deque() if lanes else line
    expired, waits = {"otp": 0, "service": 0}, []
    for second in range(int(herd.hours * 3600)):
        now, room = OPENS + second * SECOND, herd.rate
        codes.extend([("otp", now, now + CODE_LIFE)] * CODES)
        while room and (codes or line):
            category, came, deadline = (codes or line).popleft()
            if now + LEAST[category] > deadline:
                expired[category] += 1
                continue
            room -= 1
            if category == "otp":
                waits.append((now - came) / SECOND)
    for category, _, deadline in (*line, *(codes if lanes else ())):
        expired[category] += deadline <= OPENS + timedelta(hours=herd.hours)
    waits.sort()
    return Outcome(expired["service"], expired["otp"], waits[len(waits) // 2], waits[-len(waits) // 100])


def least(herd: Herd) -> int:
    """Count what must expire whatever anybody does: Moore and Hodgson's rule, one-time codes going first.

    Where all calls take as long, it says: by deadline, each gets a place if one is left before its own.
    """
    urgent = sorted(deadline for deadline in herd.deadlines() if deadline < LATEST)
    taken = 0
    for deadline in urgent:
        places = int((deadline - LEAST["service"] - OPENS) / SECOND + 1) * (herd.rate - CODES)
        taken += taken < places
    return len(urgent) - taken


def _policy(rate: int) -> dict[str, object]:
    document = policy_file.document(None)
    document["numbers"]["accept_fiction"] = True
    document["providers"]["slow"] = {
        "kind": "console", "shortest": "1s", "longest": "3d", "rate": rate, "window": 100_000,
        # ids are taken once a second, by a clock that is a millisecond early or late; a fifth is the codes' reserve
        "burst": rate * 1.25 + 2,
    }  # fmt: skip
    document["senders"]["default"]["slow"] = "smsqueue"
    for name in ("otp", "service"):
        document["categories"][name]["routes"] = ["slow"]
    return document


HERDS = (Herd(100_000, 0.1, 20), Herd(100_000, 0.1, 50), Herd(100_000, 0.5, 10))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held", type=int, default=100_000)
    arguments = parser.parse_args()
    table = Table(box=None, pad_edge=False)
    for name in ("herd", "way", "held expired", "codes expired", "code p50 s", "code p99 s"):
        table.add_column(name, justify="left" if name in {"herd", "way"} else "right")
    for herd in HERDS:
        this = Herd(arguments.held, herd.urgent, herd.rate, herd.hours)
        name = f"{this.held:,} held, {this.urgent:.0%} urgent, {this.rate}/s"
        for way, came in (
            ("first in, first out", first_in_first_out(this, lanes=False)),
            ("and a lane for codes", first_in_first_out(this, lanes=True)),
            ("smsqueue", ours(this, Path(tempfile.mkdtemp(prefix="smsqueue-herd-")))),
        ):
            figures = (
                f"{came.held_expired:,}",
                f"{came.codes_expired:,}",
                f"{came.code_p50:.0f}",
                f"{came.code_p99:.0f}",
            )
            table.add_row(name, way, *figures)
            name = ""
        table.add_row("", "least possible", f"{least(this):,}", "0")
    Console(highlight=False).print(table)


if __name__ == "__main__":
    main()
