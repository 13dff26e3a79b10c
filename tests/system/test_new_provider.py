"""A policy that names a provider and a lane which running workers do not know: they start again, and nothing waits."""

from __future__ import annotations

import pytest

from lab.system import POLICY, System
from lab.waiting import wait_for
from smsqueue import Message, State, policy_file

pytestmark = pytest.mark.slow


@pytest.fixture
def system(tmp_path):
    with System(tmp_path, behaviour={"latency_ms": 20}) as running:
        running.fleet.workers(dispatch=1, submit=1)
        yield running


def ends(system, category):
    id = system.client.send(Message(to="+12025550123", text="Hello.", category=category)).id
    wait_for(lambda: system.client.status([id])[0].state is State.SUBMITTED, "the message to go", within=40)
    return system.client.status([id])[0]


def logged(system, role, event):
    return sum(event in log.read_text() for log in system.directory.glob(f"logs/{role}*"))


def test_a_provider_and_a_lane_that_are_new_to_the_policy_need_no_restart_by_hand(system):
    assert ends(system, "alert").attempts[0].provider == "twilio"
    document = policy_file.document(POLICY)
    document["providers"]["other"] = document["providers"]["twilio"]
    document["senders"]["default"]["other"] = "+12025550199"
    document["lanes"]["express"] = {"share": 0.1}
    document["categories"]["express"] = {**document["categories"]["alert"], "lane": "express", "routes": ["other"]}
    system.client.store.policies.publish(document)

    found = ends(system, "express")

    assert (found.attempts[0].provider, len(found.attempts), found.looks) == ("other", 1, 0)
    assert ends(system, "alert").attempts[0].provider == "twilio"
    assert [logged(system, role, "worker.renewed") for role in ("dispatch", "submit")] == [1, 1]


def test_a_policy_with_the_same_lanes_and_providers_restarts_nobody(system):
    document = policy_file.document(POLICY)
    document["categories"]["alert"]["routes"] = ["console", "twilio"]
    system.client.store.policies.publish(document)

    assert ends(system, "alert").attempts[0].provider == "console"
    assert [logged(system, role, "worker.renewed") for role in ("dispatch", "submit")] == [0, 0]
