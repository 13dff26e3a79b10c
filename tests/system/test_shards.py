"""Four shards on one server, through real worker processes: the whole way, caps, supersede keys, commands, figures."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys

import pytest

from lab.ledger import Told, audit
from lab.processes import ROOT
from lab.system import POLICY, System
from lab.waiting import wait_for
from smsqueue import Message, Reason, State, policy_file
from smsqueue.store import pauses

pytestmark = pytest.mark.slow

SHARDS = 4
COUNT = 400


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    behaviour = {"latency_ms": 30, "callbacks": True, "callback_delay_ms": 20}
    with System(tmp_path_factory.mktemp("shards"), behaviour=behaviour, web=True, shards=SHARDS) as running:
        running.fleet.workers(dispatch=1, submit=1)
        yield running


def messages(count, **changes):
    ask = {"text": "Hello.", "category": "alert", **changes}
    return [Message(to=f"+1{202 + n % 3}555{100 + n % 60:04d}", **ask) for n in range(count)]


def states(system, ids):
    return {envelope.state for envelope in system.client.status(ids)}


def smsqueue(system, *arguments):
    command = [sys.executable, "-m", "smsqueue.cli", *arguments]
    return subprocess.run(
        command, check=False, cwd=ROOT, env=system.fleet.env, capture_output=True, text=True, timeout=60
    )


def rows(ran):
    return [json.loads(line) for line in ran.stdout.splitlines()]


def get(system, path):
    connection = http.client.HTTPConnection("127.0.0.1", system.web_port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_messages_of_all_shards_go_the_whole_way_and_their_receipts_come_back(system):
    accepted = system.client.send_many(messages(COUNT, campaign="whole"))

    ids = [one.id for one in accepted]
    wait_for(lambda: states(system, ids) == {State.DELIVERED}, "all delivered", within=60)
    ledger = audit(system, "whole", Told(set(ids)))
    assert (ledger.accepted, ledger.gone, ledger.stuck, ledger.twice_not_allowed) == (COUNT, 0, 0, 0)
    assert {system.client.store.shard_of(id).shard for id in ids} == set(range(SHARDS))


def test_a_recipient_gets_no_more_than_the_cap_however_many_shards_there_are(system):
    document = policy_file.document(POLICY)
    document["categories"]["bulk"]["cap"] = 2
    system.client.store.policies.publish(document)
    system.client.store.greet()

    accepted = system.client.send_many([one for one in messages(6, category="bulk") for _ in range(3)])

    ids = [one.id for one in accepted]
    wait_for(lambda: states(system, ids) == {State.DELIVERED, State.EXPIRED}, "their ends", within=40)
    ends = [(envelope.state, envelope.reason) for envelope in system.client.status(ids)]
    assert ends.count((State.DELIVERED, Reason.RECEIPT)) == 12
    assert ends.count((State.EXPIRED, Reason.TTL_TOO_SHORT)) == 6
    system.client.store.policies.publish(policy_file.document(POLICY))
    system.client.store.greet()


def test_a_newer_message_takes_the_place_of_the_older_of_the_same_recipient_only(system):
    store = system.client.store
    pauses.pause(store, "lane", "service")
    older = [system.client.send(one).id for one in messages(12, supersede_key="state")]
    newer = [system.client.send(one).id for one in messages(6, supersede_key="state")]

    pauses.resume(store, "lane", "service")

    wait_for(lambda: states(system, newer + older[6:]) == {State.DELIVERED}, "the newest delivered", within=40)
    assert states(system, older[:6]) == {State.CANCELLED}


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("doctor", "--audit"), id="doctor"),
        pytest.param(("backlog",), id="backlog"),
        pytest.param(("policy", "check", str(POLICY)), id="policy check"),
        pytest.param(("policy", "apply", str(POLICY)), id="policy apply"),
        pytest.param(("policy", "diff", str(POLICY)), id="policy diff"),
        pytest.param(("policy", "show"), id="policy show"),
        pytest.param(("pause", "lane", "promotional"), id="pause"),
        pytest.param(("resume", "lane", "promotional"), id="resume"),
    ],
)
def test_commands_work_on_all_shards(system, command):
    ran = smsqueue(system, *command)

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_message_is_found_by_its_id_whatever_its_shard(system):
    for one in messages(4):
        id = system.client.send(one).id
        assert rows(smsqueue(system, "status", id, "--json"))[0]["id"] == id
        assert smsqueue(system, "explain", id).returncode == 0


def test_a_command_with_another_count_says_what_is_wrong(system):
    env = {**system.fleet.env, "SMSQUEUE_SHARDS": "2"}
    command = [sys.executable, "-m", "smsqueue.cli", "backlog"]

    ran = subprocess.run(command, check=False, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)

    assert ran.returncode == 1
    assert "was set up with 4 shards, this smsqueue is set up for 2" in ran.stderr


def test_a_worker_with_another_count_does_not_start(system):
    worker = system.fleet.run("dispatch", SMSQUEUE_SHARDS="1")

    wait_for(lambda: worker.exit_status is not None, "its end")

    assert worker.exit_status == 1
    assert "was set up with 4 shards, this smsqueue is set up for 1" in worker.said()


def test_the_recovery_of_one_shard_leaves_the_others_alone(system):
    store = system.client.store
    pauses.pause(store, "all", "")
    ids = [one.id for one in system.client.send_many(messages(60, campaign="recovered"))]

    ran = smsqueue(system, "recover", "--yes", "--shard", "1", "--json")

    pauses.resume(store, "all", "")
    assert ran.returncode == 0, ran.stderr
    own = [id for id in ids if store.shard_of(id).shard == 1]
    assert rows(ran)[0]["doubt"] >= len(own)
    others = [id for id in ids if id not in own]
    wait_for(lambda: states(system, others) == {State.DELIVERED}, "the others delivered", within=40)
    assert states(system, own) == {State.UNKNOWN}


def test_metrics_and_readiness_speak_of_all_shards(system):
    status, ready = get(system, "/readyz")
    _, metrics = get(system, "/metrics")

    assert status == 200, ready
    delivered = sum(
        float(line.rpartition(" ")[2])
        for line in metrics.splitlines()
        if line.startswith("smsqueue_final_total") and 'state="delivered"' in line
    )
    assert delivered >= COUNT
    assert "smsqueue_shards 4.0" in metrics
    assert "smsqueue_shards_away 0.0" in metrics
