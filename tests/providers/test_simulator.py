"""The stand-in does what its table promises: every other test and the demo rely on it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from base64 import b64encode
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import pytest

from lab.waiting import wait_for
from workers.providers import twilio_receipts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PREFIX = "+1202555"
ID = "00" + "B" * 16


def post(standin, special: str, *, timeout: float = 5, **changes: str | None) -> http.client.HTTPConnection:
    """Post one message as a plain HTTP client does, and leave its answer unread."""
    form = {"To": PREFIX + special, "From": "+12025550100", "Body": "Hello", "ValidityPeriod": "60", **changes}
    secret = b64encode(f"{standin.account}:{standin.token}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", standin.port, timeout=timeout)
    connection.request(
        "POST",
        f"/2010-04-01/Accounts/{standin.account}/Messages.json",
        urlencode({name: value for name, value in form.items() if value is not None}),
        {"Authorization": f"Basic {secret}"},
    )
    return connection


def send(standin, special: str = "0100", *, timeout: float = 5, **changes: str | None):
    """Post one message; returns status, headers and body."""
    with closing(post(standin, special, timeout=timeout, **changes)) as connection:
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def taken(standin) -> int:
    return standin.counts()["taken"]


def test_an_ordinary_number_is_taken_and_remembered(standin):
    callback = f"http://127.0.0.1:9/receipts/twilio/{ID}/f3/mark"

    status, _, body = send(standin, "0100", StatusCallback=callback)

    assert status == 201
    assert twilio_receipts.read([("MessageSid", json.loads(body)["sid"]), ("MessageStatus", "sent")]) is not None
    (message,) = standin.messages()
    assert message.pop("first_bytes") == [pytest.approx(time.time(), abs=5)]
    assert message == {
        "id": ID, "to": PREFIX + "0100", "body": "Hello", "requests": 1, "taken": 1, "validity": [60],
        "fences": ["f3"], "acts": ["accept"],
    }  # fmt: skip
    assert standin.counts() == {
        "requests": 1, "messages": 1, "taken": 1, "refused": 0, "followed": 0, "callbacks_sent": 0,
        "callbacks_refused": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("special", "status", "code", "rings"),
    [
        pytest.param("0180", 400, 21211, 0, id="0180 is not a valid number"),
        pytest.param("0181", 400, 21610, 0, id="0181 opted out"),
        pytest.param("0182", 400, 21999, 0, id="0182 has a code that nobody knows"),
        pytest.param("0183", 503, 20503, 1, id="0183 is unavailable, and took it"),
        pytest.param("0185", 401, 20003, 0, id="0185 does not like the credentials"),
        pytest.param("0191", 429, 20429, 0, id="0191 is too fast"),
    ],
)
def test_numbers_that_answer_an_error_in_twilios_shape(standin, special: str, status: int, code: int, rings: int):
    answered, _, body = send(standin, special)

    assert (answered, json.loads(body)["code"], json.loads(body)["status"]) == (status, code, status)
    assert taken(standin) == rings


@pytest.mark.parametrize(
    ("special", "status", "start", "rings"),
    [
        pytest.param("0190", 500, b"", 0, id="0190 is a 500 without a word"),
        pytest.param("0184", 502, b"<html>", 0, id="0184 is a 502 with a page"),
        pytest.param("0195", 201, b"<html>", 1, id="0195 took it and answers a page"),
        pytest.param("0197", 201, b'{"sid":"xxx', 1, id="0197 took it and answers a megabyte"),
    ],
)
def test_numbers_that_answer_something_else(standin, special: str, status: int, start: bytes, rings: int):
    answered, _, body = send(standin, special)

    assert answered == status
    assert body.startswith(start)
    assert (len(body) > 1024 * 1024) is (special == "0197")
    assert (body == b"") is (special == "0190")
    assert taken(standin) == rings


def test_0191_is_too_fast_once_and_says_how_long_to_wait(standin):
    answers = [send(standin, "0191") for _ in range(3)]

    assert [status for status, _, _ in answers] == [429, 201, 201]
    assert answers[0][1]["Retry-After"] == "1"
    assert standin.messages()[0]["acts"] == ["throttle", "accept", "accept"]


def test_0192_never_answers_and_has_not_taken_it(standin):
    with pytest.raises(TimeoutError):
        send(standin, "0192", timeout=0.3)

    assert (standin.counts()["requests"], taken(standin)) == (1, 0)


def test_0193_takes_it_and_closes_without_an_answer(standin):
    with pytest.raises(ConnectionError):  # http.client's RemoteDisconnected is one
        send(standin, "0193")

    assert taken(standin) == 1


def test_0194_takes_it_and_answers_byte_by_byte_for_ever(standin):
    with closing(post(standin, "0194")) as connection:
        parts = [connection.sock.recv(100) for _ in range(5)]

    assert parts == [b"H", b"T", b"T", b"P", b"/"]
    assert taken(standin) == 1


def test_0196_takes_it_and_its_answer_is_cut_short(standin):
    with pytest.raises(http.client.IncompleteRead):
        send(standin, "0196")

    assert taken(standin) == 1


def test_0198_points_to_another_path_and_counts_who_follows(standin):
    status, headers, _ = send(standin, "0198")
    before = standin.counts()["followed"]

    standin.ask("POST", headers["Location"])

    assert (status, before, standin.counts()["followed"], taken(standin)) == (307, 0, 1, 0)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"To": "12025550100"}, 21211, id="a number without its plus"),
        pytest.param({"To": None}, 21211, id="no number"),
        pytest.param({"From": None}, 21211, id="no sender"),
        pytest.param({"Body": ""}, 21602, id="no text"),
    ],
)
def test_a_form_that_twilio_would_refuse_is_refused(standin, changes, code: int):
    status, _, body = send(standin, **changes)

    assert (status, json.loads(body)["code"]) == (400, code)
    assert (standin.counts()["refused"], standin.messages()) == (1, [])


def test_other_credentials_are_refused(standin):
    path = f"/2010-04-01/Accounts/{standin.account}/Messages.json"

    status, body = standin.ask("POST", path, b"To=%2B12025550100&From=x&Body=x")

    assert (status, json.loads(body)["code"]) == (401, 20003)
    assert standin.messages() == []


def test_two_submits_of_a_message_are_one_message_that_rang_twice(standin):
    for fence in ("f1", "f2"):
        send(standin, StatusCallback=f"http://127.0.0.1:9/receipts/twilio/{ID}/{fence}/mark")

    (message,) = standin.messages()
    assert (message["requests"], message["taken"], message["fences"]) == (2, 2, ["f1", "f2"])


def test_a_share_of_messages_meets_a_behaviour_and_the_same_ones_in_every_run(standin):
    standin.configure(shares={"error_500": 0.5})

    def run() -> list[int]:
        standin.ask("POST", "/_sim/reset")
        return [send(standin, Body=f"Hello {number}")[0] for number in range(40)]

    first = run()
    assert set(first) == {201, 500}
    assert run() == first
    standin.configure(seed=2)
    assert run() != first


def test_the_behaviour_can_be_changed_and_unknown_fields_are_ignored(standin):
    behaviour = standin.configure(latency_ms=150, colour="blue")
    start = time.monotonic()

    send(standin)

    assert time.monotonic() - start >= 0.149
    assert behaviour["latency_ms"] == 150
    assert "colour" not in behaviour


def test_one_sender_hangs_and_another_does_not(standin):
    standin.configure(hanging=["+12025550101"])

    with pytest.raises(TimeoutError):
        send(standin, timeout=0.2, From="+12025550101")

    assert send(standin)[0] == 201


def test_a_reset_forgets_everything(standin):
    send(standin)

    standin.ask("POST", "/_sim/reset")

    assert standin.messages() == []
    assert set(standin.counts().values()) == {0}


def test_it_says_that_it_lives_and_what_it_does_not_know(standin):
    assert standin.ask("GET", "/_sim/health") == (200, b"ok")
    assert standin.ask("GET", "/_sim/other")[0] == 404
    assert standin.ask("GET", "/elsewhere-else")[0] == 404


class Called:
    """A web process of a customer: notes each callback and whether its signature is Twilio's."""

    def __init__(self, token: str, *, status: int = 204) -> None:
        self.heard: list[tuple[str, str, bool]] = []  # word, code, genuine
        self.sids: set[str] = set()
        self.at: list[float] = []
        self.status = status
        called = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                params = parse_qsl(body, keep_blank_values=True, strict_parsing=True)
                said = dict(params)
                url = f"http://127.0.0.1:{called.server.server_port}{self.path}"
                signature = self.headers["X-Twilio-Signature"]
                genuine = twilio_receipts.verify(url=url, params=params, signature=signature, auth_token=token)
                receipt = twilio_receipts.read(params)
                assert receipt is not None
                called.sids.add(receipt.provider_id)
                called.at.append(time.monotonic())
                called.heard.append((said["MessageStatus"], receipt.code, genuine))
                # The forger is not told apart by anything but its signature.
                self.send_response(called.status if genuine else 403)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/receipts/twilio/{ID}/f1/mark?a=1&b=%20"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def called(standin) -> Iterator[Callable[..., Called]]:
    standin.configure(callbacks=True)
    made: list[Called] = []

    def start(**options: int) -> Called:
        made.append(Called(standin.token, **options))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("special", "heard"),
    [
        pytest.param("0100", [("sent", "", True), ("delivered", "", True)], id="an ordinary number is delivered"),
        pytest.param("0170", [("sent", "", True), ("undelivered", "30003", True)], id="0170 is not reached"),
        pytest.param("0171", [("sent", "", True), ("failed", "30008", True)], id="0171 failed without a cause"),
        pytest.param("0173", [("sent", "", True)] * 2 + [("delivered", "", True)] * 2, id="0173 says all twice"),
        pytest.param("0174", [("delivered", "", True), ("sent", "", True)], id="0174 has the order wrong"),
        pytest.param(
            "0175",
            [("delivered", "", False), ("sent", "", True), ("delivered", "", True)],
            id="0175 is forged first",
        ),
        pytest.param("0193", [("sent", "", True), ("delivered", "", True)], id="0193 lost its answer, not its receipt"),
    ],
)
def test_receipts_are_signed_as_twilio_signs_them_and_say_what_the_number_asks(standin, called, special: str, heard):
    web = called()

    with closing(post(standin, special, StatusCallback=web.url)):
        wait_for(lambda: len(web.heard) >= len(heard), "the receipts")

    assert web.heard == heard
    assert len(web.sids) == 1
    wait_for(lambda: standin.counts()["callbacks_sent"] == len(heard), "the count")


def test_0172_has_its_receipt_before_its_answer(standin, called):
    web = called()
    standin.configure(latency_ms=400)

    _, _, body = send(standin, "0172", StatusCallback=web.url)
    answered = time.monotonic()

    assert web.heard
    assert web.at[0] < answered - 0.1
    assert web.sids == {json.loads(body)["sid"]}


def test_a_receipt_that_is_refused_comes_three_times_and_is_counted(standin, called):
    web = called(status=500)

    send(standin, StatusCallback=web.url)

    wait_for(lambda: standin.counts()["callbacks_refused"] == 6, "two receipts, three times each")
    assert [word for word, _, _ in web.heard] == ["sent"] * 3 + ["delivered"] * 3


def test_a_share_of_receipts_says_undelivered(standin, called):
    web = called()
    standin.configure(undelivered=1.0)

    send(standin, StatusCallback=web.url)

    wait_for(lambda: len(web.heard) == 2, "the receipts")
    assert web.heard[-1] == ("undelivered", "30003", True)


@pytest.mark.parametrize(
    ("behaviour", "special"),
    [
        pytest.param({"callbacks": False}, "0100", id="callbacks are off"),
        pytest.param({}, "0180", id="the message was not taken"),
    ],
)
def test_there_is_no_receipt_when(standin, called, behaviour, special: str):
    web = called()
    standin.configure(**behaviour)
    send(standin, special, StatusCallback=web.url)
    standin.configure(callbacks=True)
    another = web.url.replace(ID, "00" + "C" * 16)
    send(standin, "0174", StatusCallback=another)  # it is heard, so what came before would have been

    wait_for(lambda: len(web.heard) >= 2, "the other's receipts")

    assert [word for word, _, _ in web.heard] == ["delivered", "sent"]
    assert standin.counts()["callbacks_sent"] == 2
