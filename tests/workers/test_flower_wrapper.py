from __future__ import annotations

import base64
import http.client
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from celery import Celery
from flower.utils.authentication import authenticate, validate_auth_option
from redis import Redis

from config.flowerconfig import format_task
from lab.ports import free_port
from lab.processes import Process
from lab.servers import broker_server
from lab.waiting import wait_for
from smsqueue.errors import Misconfigured
from workers.celery_app import KEY_PREFIX
from workers.flower import _allowed

USER, PASSWORD = "operator", "a-password-of-some-length"
COMMAND = [sys.executable, "-m", "workers", "flower"]
GUARDED = ["/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks", "/metrics"]
OAUTH = {
    "SMSQUEUE_FLOWER_OAUTH": "okta",
    "SMSQUEUE_FLOWER_OAUTH_ALLOW": ".*@example.com",
    "SMSQUEUE_FLOWER_OAUTH_KEY": "the-client",
    "SMSQUEUE_FLOWER_OAUTH_SECRET": "the-secret-of-the-client",
    "SMSQUEUE_FLOWER_OAUTH_REDIRECT_URI": "http://127.0.0.1/login",
}


def flower(folder, **env):
    """Flower's process with nothing of ours in its environment but what is given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SMSQUEUE_", "FLOWER_"))}
    return Process("flower", COMMAND, env={**clean, **env}, log=folder / "flower.log")


def get(port, path, *, user=USER, password=None, method="GET", host="127.0.0.1"):
    headers = {}
    if password is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    connection = http.client.HTTPConnection(host, port, timeout=15)
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
        pytest.param(
            {**OAUTH, "SMSQUEUE_FLOWER_OAUTH_SECRET": ""}, "SMSQUEUE_FLOWER_OAUTH_SECRET", id="with half of OAuth"
        ),
        pytest.param(
            {**OAUTH, "SMSQUEUE_FLOWER_OAUTH_ALLOW": r"ops@example.com|.*"},
            "SMSQUEUE_FLOWER_OAUTH_ALLOW",
            id="with OAuth for everybody",
        ),
    ],
)
def test_flower_refuses_to_start(env, names, tmp_path):
    process = flower(tmp_path, **env).start()
    wait_for(lambda: process.exit_status is not None, "the end of Flower", within=20)
    assert process.exit_status == 2
    (line,) = process.said().splitlines()
    assert line.startswith(f"smsqueue flower: {names}")
    assert not any(value in line for value in env.values() if value)


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param("", id="nobody is named"),
        pytest.param(".*", id="everybody"),
        pytest.param(".*@", id="all domains"),
        pytest.param(".*@*", id="all domains, with a star"),
        pytest.param(".*@.*", id="all domains, as an expression"),
        pytest.param(".*example.com", id="all domains that end alike"),
        pytest.param("ann@example.com|.*@example.com", id="an address beside a domain, which Flower does not know"),
        pytest.param("^ann@example.com$", id="an expression where Flower compares"),
        pytest.param("ann", id="half an address"),
        pytest.param("ann@example.com\n", id="a line's end"),
    ],
)
def test_oauth_takes_whole_addresses_or_one_domain_only(allowed, monkeypatch):
    monkeypatch.setenv("SMSQUEUE_FLOWER_OAUTH_ALLOW", allowed)
    with pytest.raises(Misconfigured, match="SMSQUEUE_FLOWER_OAUTH_ALLOW"):
        _allowed()


@pytest.mark.parametrize("allowed", [".*@example.com", "ann@example.com", "ann@example.com|b.o+b@mail.example.com"])
def test_what_oauth_takes_flower_takes_as_well(allowed, monkeypatch):
    monkeypatch.setenv("SMSQUEUE_FLOWER_OAUTH_ALLOW", allowed)
    assert _allowed() == allowed
    assert validate_auth_option(allowed)
    assert authenticate(allowed, allowed.partition("|")[0].replace(".*", "someone"))
    for stranger in ("eve@example.org", "ann@example.com.evil.org", "eve@ann@example.com", "ann@exampleXcom"):
        assert not authenticate(allowed, stranger)


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


def test_who_watches_over_processes_learns_that_flower_is_well_and_nothing_else(running):
    _, port = running
    assert get(port, "/healthcheck") == (200, "OK")


def test_flower_is_not_heard_beyond_this_machine_unless_told(broker_url, tmp_path):
    port = free_port()
    process = flower(
        tmp_path,
        SMSQUEUE_BROKER_URL=broker_url,
        SMSQUEUE_FLOWER_BASIC_AUTH=f"{USER}:{PASSWORD}",
        SMSQUEUE_FLOWER_PORT=str(port),
        SMSQUEUE_FLOWER_ADDRESS="",
    ).start()
    try:
        process.wait_until(lambda: listens(port))
        with pytest.raises(ConnectionRefusedError):
            get(port, "/healthcheck", host="127.0.0.2")  # who listens everywhere listens there
    finally:
        process.terminate()


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


class _Vouching(BaseHTTPRequestHandler):
    """An identity provider: whoever brings a code has the address that the code is."""

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        known = form["client_secret"] == [OAUTH["SMSQUEUE_FLOWER_OAUTH_SECRET"]]
        self._answer({"access_token": form["code"][0] if known else "nobody"})

    def do_GET(self):
        self._answer({"email": self.headers["Authorization"].removeprefix("Bearer "), "email_verified": True})

    def _answer(self, said):
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


class Visitor:
    """A browser with cookies."""

    def __init__(self, port):
        self.port, self.cookies = port, {}

    def get(self, path):
        """Ask for a page; returns its status and where it sends to."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            connection.request("GET", path, headers={"Cookie": cookies})
            response = connection.getresponse()
            response.read()
            for cookie in response.headers.get_all("Set-Cookie") or ():
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            return response.status, response.headers.get("Location", "")
        finally:
            connection.close()

    def log_in(self, address):
        """Go to the provider and come back."""
        state = parse_qs(urlsplit(self.get("/login")[1]).query)["state"][0]
        return self.get(f"/login?code={address}&state={state}")[0]


@pytest.fixture(scope="module")
def by_oauth(tmp_path_factory, broker_url):
    """A Flower whose visitors somebody else vouches for, and its port."""
    port = free_port()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Vouching) as provider:
        Thread(target=provider.serve_forever, daemon=True).start()
        process = flower(
            tmp_path_factory.mktemp("oauth"),
            SMSQUEUE_BROKER_URL=broker_url,
            SMSQUEUE_FLOWER_PORT=str(port),
            FLOWER_OAUTH2_OKTA_BASE_URL=f"http://127.0.0.1:{provider.server_port}",
            **OAUTH,
        ).start()
        try:
            process.wait_until(lambda: listens(port))
            yield process, port
        finally:
            process.terminate()
            provider.shutdown()


@pytest.mark.parametrize("path", GUARDED)
def test_with_oauth_a_page_is_for_those_who_were_vouched_for(path, by_oauth):
    _, port = by_oauth
    ann = Visitor(port)
    assert ann.get(path)[0] != 200
    assert ann.log_in("ann@example.com") == 302
    assert ann.get(path)[0] == 200


@pytest.mark.parametrize("address", ["eve@example.org", "ann@example.com.evil.org", "eve@ann@example.com"])
def test_with_oauth_a_stranger_stays_outside(address, by_oauth):
    process, port = by_oauth
    eve = Visitor(port)
    assert eve.log_in(address) == 403
    assert eve.get("/tasks")[0] == 302
    assert OAUTH["SMSQUEUE_FLOWER_OAUTH_SECRET"] not in process.said()
    assert address not in process.said()


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
