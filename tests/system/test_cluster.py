"""A Redis Cluster of three keeps the store: the whole way, a node lost under flow, a slot moved under flow."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from lab.clusters import SHARDS
from lab.ledger import Told, audit
from lab.system import System
from lab.waiting import wait_for
from smsqueue import AcceptanceUnknown, Message, State
from smsqueue.store import audit as audits

pytestmark = pytest.mark.slow

CAMPAIGN = "cluster"
RATE = 500
SHORT = {"SMSQUEUE_HINT_LEASE": "3s", "SMSQUEUE_CALL_LIMIT": "2s", "SMSQUEUE_SETTLE_LIMIT": "2s"}


@pytest.fixture
def system(tmp_path):
    behaviour = {"latency_ms": 50}
    with System(tmp_path, behaviour=behaviour, shards=SHARDS, clustered=True, settings=SHORT) as running:
        running.fleet.workers(dispatch=2, submit=2)
        yield running


def messages(first, count):
    return [
        Message(
            to=f"+1{202 + n % 3}555{100 + n // 3 % 60:04d}", text="Hello.", category="alert", campaign=CAMPAIGN,
            idempotency_key=str(n),
        )
        for n in range(first, first + count)
    ]  # fmt: skip


class Producer:
    """Accepts RATE messages a second on a thread of its own, and repeats later what it was not sure of."""

    def __init__(self, system):
        self._client, self._stop = system.client, threading.Event()
        self.ids, self._doubtful, self._next = set(), [], 0
        self._thread = threading.Thread(target=self._run, name="producer")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Stop, and repeat what was in doubt until the store has it."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            wait_for(self._repeat, "what was in doubt", within=60, every=0.2)

    def _run(self):
        begun, part = time.monotonic(), RATE // 10
        while not self._stop.is_set():
            self._send(messages(self._next, part))
            self._next += part
            self._stop.wait(max(begun + self._next / RATE - time.monotonic(), 0))

    def _send(self, batch, ids=None):
        try:
            results = self._client.send_many(batch, ids=ids)
        except AcceptanceUnknown as error:
            self._doubtful.append((batch, error.ids))
            return
        self.ids.update(result.id for result in results)

    def _repeat(self):
        doubtful, self._doubtful = self._doubtful, []
        for batch, ids in doubtful:
            self._send(batch, ids)
        return not self._doubtful


def taken_by_shard(system):
    found = dict.fromkeys(range(SHARDS), 0)
    for record in system.received():
        if record["taken"]:
            found[system.client.store.shard_of(record["id"]).shard] += 1
    return found


def at_rest(system, ids):
    moving = {State.QUEUED, State.HELD, State.SUBMITTING}
    return not any(envelope.state in moving for envelope in system.client.status(sorted(ids)))


def check(system, producer, what, **figures):
    wait_for(lambda: at_rest(system, producer.ids), "rest", within=120, every=0.5)
    ledger = audit(system, CAMPAIGN, Told(producer.ids))
    row = {
        "scenario": what, "messages": ledger.accepted, "lost": ledger.gone, "stuck": ledger.stuck,
        "twice_not_allowed": ledger.twice_not_allowed, "twice_allowed": ledger.twice_allowed, "late": ledger.late,
        "night": ledger.at_night, "in_doubt": ledger.in_doubt, "in_doubt_at_provider": ledger.in_doubt_taken, **figures,
    }  # fmt: skip
    report = Path("build/cluster.jsonl")
    report.parent.mkdir(exist_ok=True)
    with report.open("a") as file:
        file.write(json.dumps(row) + "\n")
    assert ledger.accepted == len(producer.ids)
    assert (ledger.gone, ledger.stuck, ledger.twice_not_allowed, ledger.late) == (0, 0, 0, 0), row
    assert audits.audit(system.client.store).faults == 0


def test_a_node_lost_under_flow_stops_its_own_shards_only_and_they_heal_by_themselves(system):
    lost = {shard for shard in range(SHARDS) if system.cluster.owner(shard) == 0}
    with Producer(system) as producer:
        wait_for(lambda: min(taken_by_shard(system).values()) > 20, "flow in all shards", within=30)

        system.cluster.nodes[0].kill()
        killed, before = time.monotonic(), taken_by_shard(system)
        wait_for(lambda: _risen(system, before, set(range(SHARDS)) - lost, 100), "the other shards go on", within=30)
        others = time.monotonic() - killed
        before = taken_by_shard(system)
        system.cluster.nodes[0].start()
        back = time.monotonic()
        wait_for(lambda: _risen(system, before, lost, 20), "its shards flow again", within=60)
        healed = time.monotonic() - back
        producer.end()

    check(system, producer, "a node lost", seconds_others=round(others, 1), seconds_to_flow=round(healed, 1))


def _risen(system, before, shards, by):
    now = taken_by_shard(system)
    return all(now[shard] >= before[shard] + by for shard in shards)


def test_a_slot_moved_under_flow_takes_its_shard_along_and_loses_nothing(system):
    shard = 1
    with Producer(system) as producer:
        wait_for(lambda: taken_by_shard(system)[shard] > 20, "flow in the shard", within=30)

        begun = time.monotonic()
        system.cluster.move(shard, to=2)
        moved = time.monotonic() - begun
        before = taken_by_shard(system)
        wait_for(lambda: _risen(system, before, {shard}, 20), "the shard flows at its new node", within=60)
        producer.end()

    assert system.cluster.owner(shard) == 2
    check(system, producer, "a slot moved", seconds_to_move=round(moved, 1))
