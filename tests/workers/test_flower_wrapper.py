from __future__ import annotations

import base64
import http.client
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery import Celery
from redis import Redis

from config.flowerconfig import format_task
from lab.ports import free_port
from lab.processes import Process
from lab.servers import broker_server
from lab.waiting import wait_for
from workers.celery_app import KEY_PREFIX

USER, PASSWORD = "operator", "a-password-of-some-length"
COMMAND = [sys.executable, "-m", "workers", "flower"]
GUARDED = ["/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks", "/metrics"]


def flower(folder, **env):
    """Flower's process with nothing of ours in its environment but what is given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SMSQUEUE_", "FLOWER_"))}
    return Process("flower", COMMAND, env={**clean, **env}, log=folder / "flower.log")


def get(port, path, *, user=USER, password=None, method="GET"):
    headers = {}
    if password is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def listens(port):
    try:
        return get(port, "/healthcheck")[0] == 200
    except OSError:
        return False


@pytest.mark.parametrize(
    ("env", "names"),
    [
        pytest.param({}, "SMSQUEUE_FLOWER_BASIC_AUTH", id="without credentials"),
        pytest.param(
            {"SMSQUEUE_FLOWER_BASIC_AUTH": "operator:elevenchars"[:-1]},
            "SMSQUEUE_FLOWER_BASIC_AUTH",
            id="with a short password",
        ),
        pytest.param(
            {"SMSQUEUE_FLOWER_BASIC_AUTH": "nobody-but-a-password"},
            "SMSQUEUE_FLOWER_BASIC_AUTH",
            id="without a user's name",
        ),
        pytest.param(
            {"SMSQUEUE_FLOWER_BASIC_AUTH": f"{USER}:{PASSWORD}", "SMSQUEUE_FLOWER_PORT": "http"},
            "SMSQUEUE_FLOWER_PORT",
            id="with a word for a port",
        ),
        pytest.param(
            {"SMSQUEUE_FLOWER_BASIC_AUTH": f"{USER}:{PASSWORD}"}, "SMSQUEUE_BROKER_URL", id="without a broker"
        ),
    ],
)
def test_flower_refuses_to_start(env, names, tmp_path):
    process = flower(tmp_path, **env).start()
    wait_for(lambda: process.exit_status is not None, "the end of Flower", within=20)
    assert process.exit_status == 1
    (line,) = process.said().splitlines()
    assert line.startswith(f"smsqueue flower: {names}")
    assert not any(value in line for value in env.values())


@pytest.fixture(scope="module")
def broker_url(tmp_path_factory):
    with broker_server(tmp_path_factory.mktemp("broker")) as broker:
        yield broker.url


@pytest.fixture(scope="module")
def running(tmp_path_factory, broker_url):
    """A Flower that runs, and its port."""
    port = free_port()
    process = flower(
        tmp_path_factory.mktemp("flower"),
        SMSQUEUE_BROKER_URL=broker_url,
        SMSQUEUE_FLOWER_BASIC_AUTH=f"{USER}:{PASSWORD}",
        SMSQUEUE_FLOWER_PORT=str(port),
    ).start()
    try:
        process.wait_until(lambda: listens(port))
        # it hears of tasks from when it has subscribed on
        with Redis.from_url(broker_url) as redis:
            wait_for(redis.pubsub_numpat, "Flower's subscription")
        yield process, port
    finally:
        process.terminate()


@pytest.mark.parametrize("path", GUARDED)
def test_a_page_is_for_those_who_know_the_password(path, running):
    _, port = running
    assert get(port, path)[0] == 401
    assert get(port, path, password="not-the-password")[0] == 401
    assert get(port, path, user="other", password=PASSWORD)[0] == 401
    assert get(port, path, password=PASSWORD)[0] == 200


def test_flower_only_looks(running):
    _, port = running
    for path in ("/api/task/send-task/celery.map", "/api/worker/shutdown/any"):
        assert get(port, path, password=PASSWORD, method="POST")[0] == 403


def test_the_password_stands_neither_on_the_command_line_nor_in_the_log(running):
    process, _ = running
    assert PASSWORD.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert PASSWORD not in process.said()


def test_flower_ends_when_it_is_asked_to(tmp_path):
    port = free_port()
    with broker_server(tmp_path / "broker") as broker:
        process = flower(
            tmp_path,
            SMSQUEUE_REDIS_URL=broker.url,
            SMSQUEUE_FLOWER_BASIC_AUTH=f"{USER}:{PASSWORD}",
            SMSQUEUE_FLOWER_PORT=str(port),
        ).start()
        process.wait_until(lambda: listens(port))
        assert process.terminate() == 0
        assert "Traceback" not in process.said()


def test_flower_keeps_no_argument_of_a_task_that_was_called_with_a_number(running, broker_url):
    _, port = running
    app = Celery("producer", broker=broker_url)
    app.conf.broker_transport_options = {"global_keyprefix": KEY_PREFIX}
    carried = {"args": "('+12025550143', 'the text')", "kwargs": "{'to': '+12025550143'}"}
    failed = {"exception": "ValueError('+12025550143')", "traceback": "at +12025550143"}
    with app.events.default_dispatcher() as dispatcher:
        dispatcher.send("task-received", uuid="a", name="smsqueue.submit", **carried)
        dispatcher.send("task-received", uuid="b", name="smsqueue.submit", args="('submit.twilio.otp', ['m', 'n'])")
        dispatcher.send("task-failed", uuid="a", **failed)
        dispatcher.send("task-succeeded", uuid="b", result="'+12025550143'")
    seen = wait_for(lambda: _both_ended(get(port, "/api/tasks", password=PASSWORD)[1]), "Flower's having heard")
    assert (seen["a"]["args"], seen["b"]["args"]) == ("hidden", "2 id(s)")
    for path in ("/api/tasks", "/task/a", "/task/b", "/api/task/info/a", "/api/task/info/b"):
        status, page = get(port, path, password=PASSWORD)
        assert status == 200
        assert "2025550143" not in page
        assert "the text" not in page


def _both_ended(answer):
    tasks = json.loads(answer)
    return tasks if {tasks[id]["state"] for id in "ab" if id in tasks} == {"FAILURE", "SUCCESS"} else None


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        pytest.param("(['m-a', 'm-b', 'm-c'],)", "3 id(s)", id="dispatch"),
        pytest.param("('submit.twilio.otp', ['m-a'])", "1 id(s)", id="submit"),
        pytest.param("['submit.twilio.otp', ['m-a', 'm-b']]", "2 id(s)", id="as a list"),
        pytest.param("('+12025550143', 'your code is 123456')", "hidden", id="somebody else's task"),
        pytest.param("(['m-a', 'm-b', 'm...',)", "hidden", id="cut short"),
        pytest.param("3 id(s)", "3 id(s)", id="counted before"),
        pytest.param("", "", id="nothing known"),
    ],
)
def test_a_task_shows_how_many_ids_it_carried_and_nothing_else(args, shown):
    task = SimpleNamespace(args=args, kwargs="{'text': 'x'}", result="'x'", exception="E('x')", traceback="x")
    assert vars(format_task(task)) == {
        "args": shown, "kwargs": "hidden", "result": "hidden", "exception": "hidden", "traceback": "hidden",
    }  # fmt: skip
