"""What happens to the Celery broker, whose content is worth nothing: emptied, killed, replaced, frozen, forged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from redis import Redis

from lab.faults.scenario import Scenario
from workers.celery_app import KEY_PREFIX

if TYPE_CHECKING:
    from lab.faults.trial import Trial

BEYOND = 12
"""Seconds that no worker's time limit towards the broker lasts."""


def _empty(trial: Trial) -> None:
    def once() -> None:
        with Redis.from_url(trial.system.broker_server.url) as broker:
            broker.flushall()

    trial.again_and_again(3, once)


def _restart(trial: Trial) -> None:
    trial.again_and_again(2, trial.system.broker_server.restart)


def _replace(trial: Trial) -> None:
    trial.again_and_again(2, trial.system.replace_broker)


def _freeze(trial: Trial) -> None:
    trial.under_way(0.2)
    broker = trial.system.broker_server
    broker.freeze()
    trial.pause(BEYOND)
    broker.thaw()


def _forge(trial: Trial) -> None:
    """Push garbage and forged tasks into the Celery queues."""
    trial.under_way(0.1)
    body = json.dumps([["not", "ids"], {}, {}])
    for queue in ("dispatch.otp", "dispatch.service", "submit.twilio.service"):
        with Redis.from_url(trial.system.broker_server.url) as broker:
            for element in ("{", "[]", json.dumps({"body": body}), json.dumps({"no": "headers"})):
                broker.lpush(f"{KEY_PREFIX}{queue}", element)


BROKER = (
    Scenario("broker emptied, three times", _empty),
    Scenario("broker killed and empty, twice", _restart),
    Scenario("broker deleted and replaced by an empty one, twice", _replace),
    Scenario("broker frozen", _freeze),
    Scenario("garbage and forged tasks", _forge),
)
