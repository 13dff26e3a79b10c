from __future__ import annotations

import base64
import http.client
import json
import uuid
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from lab.canary import selftest as canary_selftest
from lab.canary.canary import canary
from lab.canary.forms import Forms
from lab.canary.layers import LAYERS
from lab.canary.scanner import scan
from lab.canary.surfaces import Tap, files, keys, pages, processes, slowlog
from lab.naive import control
from lab.system import FLOWER_PASSWORD, System
from lab.waiting import wait_for
from smsqueue.core.message import Message
from smsqueue.core.states import State
from workers.celery_app import KEY_PREFIX

PLAIN = [canary(f"+12025550{place}", place) for place in range(101, 131)]  # 100 is the sender
SPECIAL = [canary(f"+12025550{place}", place) for place in (*range(170, 176), *range(180, 185), *range(190, 199))]
LAST = [canary("+12025550185", 185)]  # 401: the route is at fault, and rests
HELD = [canary(f"+12025550{place}", place) for place in (140, 141)]
CANCELLED = [canary("+12025550150", 150)]
FORGED = [canary(f"+12025550{place}", place) for place in (160, 161, 162)]
OURS = [*PLAIN, *SPECIAL, *LAST, *HELD, *CANCELLED]


def test_the_search_finds_what_was_planted_and_nothing_in_noise():
    assert canary_selftest.selftest() == []
    assert len(canary_selftest.planted(PLAIN[0])) >= 25


@pytest.mark.parametrize("layer", LAYERS)
def test_the_self_test_notices_a_search_that_lost_a_layer(layer, monkeypatch):
    monkeypatch.setattr("lab.canary.scanner.LAYERS", {name: by for name, by in LAYERS.items() if name != layer})
    assert f"not found: {canary_selftest.NEEDED_FOR[layer]}" in canary_selftest.selftest()


def test_a_hit_names_the_way_and_never_the_number():
    hit = scan(b"x" + base64.b64encode(b"to +12025550101") + b"x", PLAIN)[0]
    assert str(hit) == "canary 0 as base64 > national"


@pytest.mark.slow
def test_the_usual_way_of_sending_leaks_everywhere(tmp_path):
    canaries = PLAIN[:2]
    forms = Forms(canaries)
    seen = control.surfaces(tmp_path, canaries)
    clean = [name for name, data in seen.items() if {hit.canary for hit in scan(data, forms)} != {0, 1}]
    assert clean == []
    assert len(seen) == 15


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_nothing_of_ours_shows_a_number_or_a_text(tmp_path):
    behaviour = {"callbacks": True, "latency_ms": 20}
    env = {"SMSQUEUE_LOG_LEVEL": "DEBUG", "SMSQUEUE_CALL_LIMIT": "2s"}
    with System(tmp_path, web=True, behaviour=behaviour, **env) as system:
        urls = {"store": system.store_server.url, "broker": system.broker_server.url}
        queue = _forge(urls["broker"], system.client.store)
        for url in urls.values():
            _note_every_command(url)
        with (
            Tap(urls["broker"], Tap.EVENTS) as events,
            Tap(urls["broker"], Tap.MONITOR) as broker_monitor,
            Tap(urls["store"], Tap.MONITOR) as store_monitor,
        ):
            system.fleet.run("flower").wait_until(lambda: _answers(system.flower_port))
            workers = system.fleet.workers(dispatch=1, submit=1)
            wait_for(lambda: not _waiting(urls["broker"], queue), "the forged messages having been read")
            ids = _send(system, PLAIN)
            wait_for(lambda: _all_in(system, ids, {State.DELIVERED}), "all plain messages' delivery", within=30)
            held = _send(system, [*HELD, *CANCELLED], category="promotional", timezone=_where_it_is_night())
            assert _all_in(system, held, {State.HELD})
            assert system.client.cancel(held[len(HELD) :]) == ["cancelled"]
            special = _send(system, SPECIAL)
            wait_for(lambda: _all_tried(system, SPECIAL), "every special number's first request", within=30)
            _send(system, LAST)
            wait_for(lambda: _all_tried(system, LAST), "the last number's request", within=60)
            wait_for(lambda: _none_in(system, special, {State.QUEUED, State.SUBMITTING}), "all answers", within=60)
            surfaces = {
                **_named("live store", keys(urls["store"])),
                **_named("live broker", keys(urls["broker"])),
                "events": events.heard(),
                "monitor of the broker": broker_monitor.heard(),
                "monitor of the store": store_monitor.heard(),
                **{f"slowlog of the {name}": slowlog(url) for name, url in urls.items()},
                **_named("", processes(process.pid for process in system.fleet.processes)),
                **{f"web {path}": system._get(system.web_port, path)[1] for path in ("/metrics", "/readyz")},
                **_named("", pages(system.flower_port, f"demo:{FLOWER_PASSWORD}")),
            }
            assert all(worker.exit_status is None for worker in workers), [worker.said()[-2000:] for worker in workers]
        received = list(system.received())
    for folder in ("logs", "store", "broker"):  # also what was written while everything stopped
        surfaces |= _named(folder, files(tmp_path / folder))

    assert {name.split(" ")[0] for name in surfaces} >= {
        "live", "events", "monitor", "slowlog", "process", "flower", "web", "logs", "store", "broker",
    }  # fmt: skip
    assert b"smsqueue_final_total{" in surfaces["web /metrics"]
    assert b"celeryev/task.multi" in surfaces["events"]  # the tap heard of tasks
    assert _leaks(surfaces, OURS) == {}
    # kombu moves a forger's own bytes about in the broker while they are read: commands show them, nothing else does
    commands = {"monitor of the broker", "slowlog of the broker"}
    assert _leaks({name: data for name, data in surfaces.items() if name not in commands}, FORGED) == {}

    delivered = json.dumps(received).encode()
    assert {hit.canary for hit in scan(delivered, PLAIN)} == set(range(len(PLAIN)))  # what is there is found
    plain = {one.number: one.text for one in PLAIN}
    taken = sorted((message["to"], message["body"], message["taken"]) for message in received if message["to"] in plain)
    assert taken == sorted((number, text, 1) for number, text in plain.items())
    unsent = {one.number for one in (*HELD, *CANCELLED, *FORGED)}
    assert not [message["id"] for message in received if message["to"] in unsent]


def _leaks(surfaces, canaries):
    forms = Forms(canaries)
    hits = {name: [str(hit) for hit in scan(data, forms)][:5] for name, data in surfaces.items()}
    return {name: seen for name, seen in hits.items() if seen}


def _note_every_command(url):
    with Redis.from_url(url) as redis:
        redis.config_set("slowlog-log-slower-than", 0)
        redis.config_set("slowlog-max-len", 10_000)


def _answers(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthcheck")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _send(system, canaries, *, category="alert", timezone=""):
    results = system.client.send_many(
        Message(
            to=one.number, text=one.text, category=category, timezone=timezone, sender="default",
            idempotency_key=f"order for {one.number}", metadata={"about": one.text},
        )
        for one in canaries
    )  # fmt: skip
    return [result.id for result in results]


def _states(system, ids):
    return {envelope.state for envelope in system.client.status(ids)}


def _all_in(system, ids, states):
    return _states(system, ids) <= states


def _none_in(system, ids, states):
    return not _states(system, ids) & states


def _all_tried(system, canaries):
    tried = {message["to"] for message in system.received()}
    return tried >= {one.number for one in canaries}


def _where_it_is_night():
    """A zone where it is about three o'clock in the morning."""
    zones = ("Pacific/Auckland", "Asia/Tokyo", "Asia/Kolkata", "Europe/Paris", "America/Sao_Paulo",
             "America/New_York", "America/Los_Angeles", "Pacific/Honolulu")  # fmt: skip
    now = datetime.now(UTC)
    return min(zones, key=lambda zone: abs((now.astimezone(ZoneInfo(zone)).hour - 3 + 12) % 24 - 12))


def _forge(url, store):
    """Put on a queue that is read: no JSON in an envelope, a task nobody knows, a task of ours with other arguments."""
    queue = next(name for name in store.policies.layout.queues if name.startswith("dispatch."))
    no_json, unknown, wrong = FORGED
    bodies = [
        ("smsqueue.dispatch", f"{{'to': {no_json.number}, 'text': {no_json.text}}}"),
        ("send_sms", json.dumps([[unknown.number, unknown.text], {}, {}])),
        ("smsqueue.dispatch", json.dumps([[[wrong.number, wrong.text]], {}, {}])),
    ]
    with Redis.from_url(url) as redis:
        for task, body in bodies:
            id = str(uuid.uuid4())
            forged = {
                "body": base64.b64encode(body.encode()).decode(),
                "content-encoding": "utf-8",
                "content-type": "application/json",
                "headers": {"lang": "py", "task": task, "id": id, "root_id": id, "parent_id": None, "retries": 0},
                "properties": {
                    "correlation_id": id,
                    "delivery_info": {"exchange": queue, "routing_key": queue},
                    "delivery_mode": 2,
                    "delivery_tag": str(uuid.uuid4()),
                    "body_encoding": "base64",
                },
            }
            redis.lpush(f"{KEY_PREFIX}{queue}", json.dumps(forged))
    return queue


def _waiting(url, queue):
    with Redis.from_url(url) as redis:
        return redis.llen(f"{KEY_PREFIX}{queue}")


def _named(where, surfaces):
    return {f"{where} {name}".strip(): data for name, data in surfaces.items()}
