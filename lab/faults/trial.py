"""One trial: messages flow through real processes while something goes wrong; then everything is counted."""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from lab import ledger
from lab.faults import traffic
from lab.faults.evening import FLOWS, Evening
from lab.faults.leaks import leaks
from lab.faults.meddler import Meddler
from lab.faults.producer import Producer
from lab.faults.scenario import Row
from lab.ledger import Stop, Told
from lab.power import Power
from lab.proxy import Proxy
from lab.system import System
from lab.waiting import wait_for
from smsqueue.client import Client
from smsqueue.errors import SmsQueueError
from smsqueue.store.audit import audit as look_for_homeless

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from lab.faults.scenario import Scenario

SOON = timedelta(minutes=2)
"""What sleeps longer than this waits for a receipt: it is at rest."""
SLOWEST = 150
"""Messages per second at which a trial flows at the least, on a machine that does other things, too."""
SHORT = {
    "SMSQUEUE_HINT_LEASE": "3s",
    "SMSQUEUE_CALL_LIMIT": "2s",
    "SMSQUEUE_SETTLE_LIMIT": "2s",
    "SMSQUEUE_SLOTS": "100",
}


class Trial:
    """A running system, a producer that repeats what it is not sure of, and proxies before the servers.

    `client` goes through the proxies, as workers do; `system.client` sees the store as it is.
    """

    def __init__(self, folder: Path, scenario: Scenario, *, count: int, seed: int, mode: str = "") -> None:
        self.scenario, self.count, self.seed = scenario, count, seed
        self.chance = self.chance_of("trial")
        self.patience = 120 + count / SLOWEST
        self.system = System(
            folder,
            behaviour={"latency_ms": 30, **scenario.behaviour},
            replicated=scenario.replicated,
            store_options=scenario.options,
            settings=SHORT | scenario.settings | ({"SMSQUEUE_TESTING": "true"} if mode == "evening" else {}),
        )
        self.power = Power(self.system.store_server, folder / "power") if scenario.power else None
        self.evening = Evening(self) if mode == "evening" else None
        self.meddler = Meddler(self) if mode == "meddled" else None
        self._make = {"evening": traffic.evening, "meddled": traffic.superseding}.get(mode, scenario.traffic)
        self.broken: list[str] = []
        """Ids that somebody damaged: they have to end as poison."""
        self.stops: list[Stop] = []
        self.missed: list[str] = []
        self._stack = ExitStack()
        self._begun = self._healed = 0.0
        self._forgotten: set[str] = set()

    def __enter__(self) -> Self:
        try:
            self._stack.enter_context(self.system)
            self._connect()
            if self.evening:
                self._stack.callback(self.evening.end)
                self.evening.begin()
            self.system.fleet.workers(dispatch=self.scenario.dispatch, submit=self.scenario.submit)
        except BaseException:
            self._stack.close()
            raise
        self._begun = time.monotonic()
        self.producer.begin()
        if self.meddler:
            self.meddler.begin()
        return self

    def __exit__(self, *_: object) -> None:
        if self.meddler:
            self.meddler.end()
        self.producer.join()
        self._stack.close()

    @property
    def ids(self) -> list[str]:
        """What the producer was given for accepted messages."""
        return self.producer.ids

    def chance_of(self, whose: str) -> random.Random:
        """Return a source of chance of one's own: the same for the same seed."""
        return random.Random(f"{self.seed} {self.scenario.name} {whose}")

    def expect(self, happened: object, what: str) -> None:
        """Note what should have been seen and was not: a fault that was none proves nothing."""
        if not happened:
            self.missed.append(what)

    def under_way(self, share: float) -> None:
        """Wait until a part of the messages is at the provider."""
        whole = self.count * (FLOWS if self.evening else 1)
        wait_for(lambda: self.taken() >= whole * share, "the flow", within=self.patience)

    def again_and_again(self, times: int, deed: Callable[[], None]) -> None:
        """Do something at several moments of the flow, whichever the seed says."""
        for at in sorted(self.chance.uniform(0.05, 0.7) for _ in range(times)):
            self.under_way(at)
            deed()

    def scratch(self) -> Path:
        """Return a folder that is not part of the system, until the end."""
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="smsqueue-scratch-")))

    def pause(self, seconds: float) -> None:
        """Let a fault last."""
        time.sleep(seconds)

    def set_clock(self, offset: timedelta) -> None:
        """Move the store's clock for everybody."""
        store = self.system.client.store
        store.redis.set(store.keys.clock, offset // timedelta(milliseconds=1))
        store.greet()

    def states(self) -> Counter[str]:
        """Count messages by state."""
        store = self.system.client.store
        counts: Any = store.redis.hgetall(store.keys.counts(traffic.CAMPAIGN))
        return Counter({state.decode(): int(count) for state, count in counts.items()})

    def forgive_forgotten(self) -> None:
        """Take from the producer's book what the store cannot know: it was accepted after what it was started on."""
        told = list(self.ids)
        known = self.system.client.status(told)
        self._forgotten |= {id for id, envelope in zip(told, known, strict=True) if envelope is None}
        if self.meddler:
            self.meddler.forget()

    def heal(self) -> None:
        """Wait after a fault until messages reach the provider again, or all are at rest, and note how long it took."""
        begun, before = time.monotonic(), self.taken()
        enough = before + max(10, self.count // 100)
        try:
            wait_for(lambda: self.taken() >= enough or self.at_rest(), "the flow", within=self.patience)
        except TimeoutError:
            self.missed.append("messages flow again")
        self._healed = time.monotonic() - begun

    def end(self, name: str) -> Row:
        """Wait until nothing moves any more, and count."""
        self.producer.join()
        if self.meddler:
            self.meddler.end()
        if self.evening:
            self.evening.struck.wait(self.patience)
        moving = 0
        try:
            wait_for(self.at_rest, "rest", within=self.patience, every=0.1)
        except TimeoutError:
            moving = self._moving()
        self.expect(self.producer.done, "the producer was done with all its messages")
        found = look_for_homeless(self.system.client.store)
        self.expect(not found.faults, f"nothing for the audit to mend: {found}")
        leaked = leaks(self.system.directory, self.system.broker_server.url)
        counted = ledger.audit(self.system, traffic.CAMPAIGN, self._told())
        return Row(
            name, len(self.ids), counted.gone, max(moving, counted.stuck),
            counted.twice_not_allowed, counted.twice_allowed, counted.late, counted.at_night, leaked,
            counted.in_doubt, counted.in_doubt_taken, found.faults, round(self._healed, 1), counted.after_stop,
            len(self._forgotten), round(counted.gap, 1), round(time.monotonic() - self._begun, 1), self.seed,
            "; ".join(self.missed),
        )  # fmt: skip

    def taken(self) -> int:
        """Count what the provider took."""
        return self.system.counts()["taken"]

    def _told(self) -> Told:
        meddler = self.meddler
        return Told(
            ids=[id for id in self.ids if id not in self._forgotten | self.producer.unsafe],
            stops=(*self.stops, *self.producer.superseded, *(meddler.stops if meddler else ())),
            silences=tuple(meddler.silences) if meddler else (),
            broken=self.broken,
            clock=self.evening.read if self.evening else None,
        )

    def _connect(self) -> None:
        """Put a proxy before each server, and the producer behind them."""
        system = self.system
        self.to_broker = self._stack.enter_context(Proxy(system.broker_server.port))
        self.to_provider = self._stack.enter_context(Proxy(system.simulator_port))
        system.fleet.env |= {
            "SMSQUEUE_BROKER_URL": self.to_broker.url,
            "SMSQUEUE_TWILIO_BASE_URL": f"http://127.0.0.1:{self.to_provider.port}",
        }
        if not system.replicated:  # who follows a failover has to reach every server
            self.to_store = self._stack.enter_context(Proxy(system.store_server.port))
            system.fleet.env["SMSQUEUE_REDIS_URL"] = self.to_store.url
        url, replicas = system.fleet.env["SMSQUEUE_REDIS_URL"], int(self.scenario.replicated)
        client = Client(url, keyring=system.keyring, timeout=2, replicas=replicas)
        self.client = self._stack.enter_context(client)
        pace = self.scenario.pace
        lasts = max(self.scenario.lasts, self.count / pace if pace else 0)
        self.producer = Producer(client, self._make, self.count, lasts=lasts, patience=self.patience)

    def at_rest(self) -> bool:
        """Whether all messages are accepted and nothing moves any more."""
        try:
            return not self.producer.running and self._moving() == 0
        except (SmsQueueError, RedisError):
            return False  # the store is not back yet

    def _moving(self) -> int:
        """Count what is not at rest: on its way, or in doubt and about to be submitted again."""
        store = self.system.client.store
        store.greet()
        soon = (store.clock.now() + SOON).timestamp() * 1000
        counts, layout, redis = self.states(), store.policies.layout, store.redis
        moving = sum(counts[state] for state in ("queued", "submitting", *(() if self.evening else ("held",))))
        homes = [*map(store.keys.ready, layout.queues), *map(store.keys.out, layout.queues)]
        homes += map(store.keys.home, layout.wires)
        return moving + sum(int(redis.zcard(home)) for home in homes) + int(redis.zcount(store.keys.due, "-inf", soon))
