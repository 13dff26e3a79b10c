"""A provider that hangs is only probed: what waits is not put in doubt, and what can goes another way."""

from __future__ import annotations

import json

import pytest

from lab.system import POLICY, System
from lab.waiting import wait_for
from smsqueue import Message, State, policy_file

pytestmark = pytest.mark.slow

SENDER, OTHER = "+12025550100", "+12025550199"
SLOTS, COUNT, LIMIT = 10, 300, 20


@pytest.fixture
def system(tmp_path):
    document = policy_file.document(POLICY)
    document["providers"]["other"] = document["providers"]["twilio"]
    document["senders"]["default"]["other"] = OTHER
    document["categories"]["security"] = {**document["categories"]["alert"], "routes": ["twilio", "other"]}
    document["aliases"].pop("security", None)
    settings = {"SMSQUEUE_SLOTS": str(SLOTS), "SMSQUEUE_CALL_LIMIT": "1s", "SMSQUEUE_SETTLE_LIMIT": "2s"}
    with System(tmp_path, behaviour={"latency_ms": 20}, settings=settings) as running:
        running.client.store.policies.publish(document)
        running.fleet.workers(dispatch=1, submit=1)
        yield running


def send(system, category, count=COUNT):
    text = "Somebody is at the door."
    answers = system.client.send_many(Message(to="+12025550123", text=text, category=category) for _ in range(count))
    return [answer.id for answer in answers]


def ailing(system):
    store = system.client.store
    return store.redis.hexists(store.keys.health, "ask|twilio")


def states(system, ids):
    return [envelope.state for envelope in system.client.status(ids)]


def explained(system, id, *options):
    done = system.command("explain", id, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_waits_for_a_provider_that_hangs_goes_when_it_answers_again(system):
    system.configure(hanging=[SENDER])
    ids = send(system, "alert")
    wait_for(lambda: ailing(system), "the provider to be found ailing", within=30)
    open_calls = LIMIT + SLOTS  # what had been called before it was known

    doubted = lambda: states(system, ids).count(State.UNKNOWN)  # noqa: E731
    wait_for(lambda: doubted() >= open_calls, "the calls to end", within=10)
    wait_for(lambda: doubted() >= open_calls + 2, "two probes", within=15)
    waiting = ids[states(system, ids).index(State.QUEUED)]
    assert "It waits for twilio, which does not answer and is only probed." in explained(system, waiting)
    assert json.loads(explained(system, waiting, "--json").splitlines()[-1]) == {"provider": "twilio", "ailing": True}
    system.configure(hanging=[])
    wait_for(lambda: not {State.QUEUED, State.SUBMITTING} & set(states(system, ids)), "the others to go", within=30)

    assert not ailing(system)
    assert states(system, ids).count(State.UNKNOWN) <= open_calls + 6
    assert states(system, ids).count(State.SUBMITTED) >= COUNT - open_calls - 6
    for event in ("provider.ailing", "provider.well"):
        assert any(event in log.read_text() for log in system.directory.glob("logs/submit*"))


def test_what_has_another_way_takes_it_even_if_it_waits_already(system):
    system.configure(hanging=[SENDER])
    ids = send(system, "security")
    goes = COUNT - LIMIT - SLOTS - 6  # what had been called before it was known, and probes
    wait_for(lambda: states(system, ids).count(State.SUBMITTED) >= goes, "the others to go", within=30)

    assert ailing(system)
    assert [envelope.attempts[-1].provider for envelope in system.client.status(ids)].count("other") >= goes


def test_a_provider_that_is_away_for_a_while_uses_up_nobodys_attempts(system):
    simulator = next(iter(system.fleet.of("simulator")))
    simulator.kill()
    ids = send(system, "alert")
    wait_for(lambda: ailing(system), "the provider to be found ailing", within=30)
    wait_for(lambda: int(system.client.store.redis.hget(system.client.store.keys.health, "gap|twilio")) > 4000,
             "three probes", within=30)  # fmt: skip
    system.start_simulator()
    wait_for(lambda: set(states(system, ids)) == {State.SUBMITTED}, "all of them to go", within=40)

    assert system.counts()["taken"] == COUNT
