"""Twilio: what its answers mean, what it is sent, and whether its callbacks are genuine."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from base64 import b64encode
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl

import pytest

from lab.ports import free_port
from lab.processes import Process
from lab.system import ACCOUNT, POLICY, TOKEN, System
from smsqueue import policy_file
from smsqueue.core import policy
from smsqueue.core.receipt import ReceiptStatus
from smsqueue.core.submission import SendResult, SendStatus, Submission
from workers.http import Answer
from workers.providers.twilio import Twilio, TwilioSettings, _form, read
from workers.providers.twilio_receipts import read as read_receipt
from workers.providers.twilio_receipts import verify

SID = "SM" + "0a" * 16


def error(code: int, status: int = 400) -> Answer:
    return Answer(status, json.dumps({"code": code, "message": "+12025550123 ...", "status": status}).encode())


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        pytest.param(Answer(201, json.dumps({"sid": SID}).encode()), "accepted", "", id="taken"),
        pytest.param(Answer(201, b"{}"), "unknown", "no_sid", id="taken without an id proves nothing"),
        pytest.param(Answer(201, b"[1]"), "unknown", "no_sid", id="an answer that is a list"),
        pytest.param(Answer(200, b"<html>"), "unknown", "no_sid", id="a page instead of JSON"),
        pytest.param(Answer(201, b'{"sid": "XX1"}'), "unknown", "no_sid", id="an id that is none of theirs"),
        pytest.param(error(21211), "rejected", "21211", id="a bad number"),
        pytest.param(error(21610), "rejected", "opted_out", id="the recipient opted out"),
        pytest.param(error(21999), "rejected", "21999", id="a code nobody knows is this message's, for good"),
        pytest.param(error(21408), "no_route", "21408", id="no permission for the country"),
        pytest.param(error(21606), "account", "21606", id="a sender that is not ours"),
        pytest.param(error(90007), "account", "90007", id="a validity out of range is our mistake"),
        pytest.param(error(20003, 401), "account", "20003", id="credentials"),
        pytest.param(error(77777, 403), "account", "77777", id="forbidden for whatever cause"),
        pytest.param(Answer(401, b""), "account", "401", id="credentials, without a word"),
        pytest.param(error(14107), "throttled", "14107", id="too fast, by code"),
        pytest.param(error(30003), "refused", "30003", id="a passing cause"),
        pytest.param(error(30036), "rejected", "expired", id="its validity ended in their queue"),
        pytest.param(Answer(400, b"<html>"), "unknown", "400", id="a 400 that is not theirs"),
        pytest.param(error(20500, 500), "unknown", "500", id="a server error in their own shape"),
        pytest.param(Answer(503, b""), "unknown", "503", id="a server error without a word"),
        pytest.param(Answer(400, b"[" * 200_000), "unknown", "400", id="an answer nested without end"),
        pytest.param(error(12025550123), "unknown", "400", id="a code that is a number to call"),
        pytest.param(error(True), "unknown", "400", id="a code that is a yes"),  # noqa: FBT003 - a JSON value
        pytest.param(error(-21211), "unknown", "400", id="a code below zero"),
        pytest.param(Answer(400, b'{"code": "21211"}'), "unknown", "400", id="a code in quotes"),
    ],
)
def test_what_an_answer_means(answer, status, code):
    result = read(answer)

    assert (result.status.value, result.code) == (status, code)
    assert "5550123" not in repr(result) + repr(answer)


CLASSES = {
    "rejected": (14101, 21211, 21217, 21604, 21614, 21635, 21265, 21266, 21421, 30005, 30004, 30450, 30453, 21602,
                 21605, 21617, 21618, 21619, 21620, 21623, 21654, 21655, 21656, 21658, 30007, 30019, 21610, 30036),
    "no_route": (21612, 21408, 30006, 30011),
    "account": (21212, 21601, 21603, 21606, 21607, 21616, 21621, 21657, 21659, 21660, 21661, 21708, 21709, 21711, 21715,
                30018, 30024, 30032, 30033, 30034, 30035, 20001, 20422, 20423, 21609, 21624, 90007, 21626, 21701, 21702,
                21703, 21704, 21705, 21717, 35111, 35114, 35115, 35117, 35118, 35126, 30028, 30029, 30030, 90014, 20003,
                20005, 20006, 20008, 20010, 20403, 20404, 21608, 30002, 90010),
    "throttled": (20429, 14107, 21611, 30001, 30017, 30022, 30023, 30027, 35125, 63017, 63018, 63038),
    "refused": (30003, 30020, 30021),
    "unknown": (20500, 20503),
}  # fmt: skip


@pytest.mark.parametrize("status", CLASSES)
def test_every_known_code_has_its_class(status):
    assert {code for code in CLASSES[status] if read(error(code)).status.value != status} == set()


def submission(**changes) -> Submission:
    given = {
        "id": "00" + "A" * 16, "fence": "fence", "to": "+12025550123", "text": "Hello ✓", "sender": "+12025550100",
        "valid_for": timedelta(minutes=5), "callback": "http://h/receipts/twilio/x/y/z",
    }  # fmt: skip
    return Submission(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        pytest.param({}, "From", "+12025550100", id="a number as sender"),
        pytest.param({"sender": "MG" + "0" * 32}, "MessagingServiceSid", "MG" + "0" * 32, id="a service as sender"),
        pytest.param({"valid_for": timedelta(seconds=59.9)}, "ValidityPeriod", "59", id="validity is rounded down"),
        pytest.param({"valid_for": timedelta(days=2)}, "ValidityPeriod", "36000", id="validity is cut to ten hours"),
        pytest.param({}, "StatusCallback", "http://h/receipts/twilio/x/y/z", id="where receipts go"),
        pytest.param({"callback": None}, "StatusCallback", None, id="no receipts wanted"),
    ],
)
def test_what_it_is_sent(changes, field, value):
    form = dict(_form(submission(**changes), Twilio.can.longest))

    assert form.get(field) == value
    assert "5550123" not in repr(submission(**changes))


class Twin(BaseHTTPRequestHandler):
    """An HTTP server of the standard library, for the request as Twilio would see it."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode("ascii")
        form = parse_qsl(body, keep_blank_values=True, strict_parsing=True)
        self.server.seen.append((self.path, dict(self.headers.items()), form))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(json.dumps({"sid": SID}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.mark.parametrize(
    ("keys", "user"),
    [
        pytest.param({}, f"{ACCOUNT}:{TOKEN}", id="the account signs"),
        pytest.param({"api_key": "SK1", "api_secret": "s:ü"}, "SK1:s:ü", id="a key signs, the path keeps the account"),
    ],
)
def test_the_request_as_twilio_sees_it(keys, user):
    with HTTPServer(("127.0.0.1", 0), Twin) as server:
        server.seen = []
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        base = f"http://127.0.0.1:{server.server_port}/"
        settings = TwilioSettings(base_url=base, account_sid=ACCOUNT, auth_token=TOKEN, **keys)

        async def run() -> SendResult:
            provider = Twilio(settings, call_limit=timedelta(seconds=5), connections=1)
            try:
                message = submission(text="a+b&c=d%\n🎉", sender="MG" + "f" * 32, valid_for=timedelta(seconds=59.999))
                return await provider.submit(message)
            finally:
                await provider.close()

        result = asyncio.run(run())
        server.shutdown()
        serving.join()

    ((path, headers, form),) = server.seen
    headers = {name.lower(): value for name, value in headers.items()}
    assert result == SendResult(status=SendStatus.ACCEPTED, provider_id=SID)
    assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert headers["authorization"] == "Basic " + b64encode(user.encode()).decode()
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert form == [
        ("To", "+12025550123"),
        ("MessagingServiceSid", "MG" + "f" * 32),
        ("Body", "a+b&c=d%\n🎉"),
        ("ValidityPeriod", "59"),
        ("SmartEncoded", "false"),
        ("StatusCallback", "http://h/receipts/twilio/x/y/z"),
    ]
    assert [secret for secret in (TOKEN, "s:ü") if secret in repr(settings)] == []


def test_it_submits_once_and_network_trouble_is_a_result(tmp_path):
    port = free_port()
    settings = TwilioSettings(base_url=f"http://127.0.0.1:{port}", account_sid=ACCOUNT, auth_token=TOKEN)

    def submit() -> SendResult:
        async def run() -> SendResult:
            provider = Twilio(settings, call_limit=timedelta(seconds=2), connections=5)
            try:
                return await provider.submit(submission())
            finally:
                await provider.close()

        return asyncio.run(run())

    assert submit().status is SendStatus.UNAVAILABLE
    command = [sys.executable, "-m", "lab.simulator", "--port", str(port), "--behaviour", '{"latency_ms": 5}']
    peer = Process("simulator", command, env={}, log=tmp_path / "log").start().wait_for_text("listening")
    try:
        assert submit().status is SendStatus.ACCEPTED
        record = json.loads(System._get(port, "/_sim/messages")[1])
    finally:
        peer.kill()
    assert (record["taken"], record["body"], record["validity"]) == (1, "Hello ✓", [300])


def test_the_policy_knows_what_the_adapter_can():
    known = policy.read(policy_file.document(POLICY)).providers["twilio"]

    can = Twilio.can
    assert (known.shortest, known.longest) == (can.shortest, can.longest)
    assert (known.reaches_carrier, known.deduplicates) == (can.reaches_carrier, can.deduplicates)


URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
PARAMS = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize(
    ("changes", "genuine"),
    [
        pytest.param({}, True, id="Twilio's published example"),
        pytest.param({"params": PARAMS[::-1]}, True, id="in another order"),
        pytest.param({"params": [*PARAMS, PARAMS[0]]}, True, id="with a repeated parameter"),
        pytest.param({"url": URL.replace(".com/", ".com:443/")}, True, id="with the port that it leaves out"),
        pytest.param({"params": [*PARAMS[:-1], ("Caller", "+14158675300")]}, False, id="with another value"),
        pytest.param({"params": PARAMS[:-1]}, False, id="with a parameter left out"),
        pytest.param({"url": URL + "3"}, False, id="for another address"),
        pytest.param({"auth_token": "54321"}, False, id="with another token"),
        pytest.param({"signature": ""}, False, id="without a signature"),
        pytest.param({"signature": "ü" * 28}, False, id="with nonsense as signature"),
    ],
)
def test_whether_a_callback_is_genuine(changes, genuine):
    given = {"url": URL, "params": PARAMS, "signature": SIGNATURE, "auth_token": "12345", **changes}

    assert verify(**given) is genuine


@pytest.mark.parametrize(
    ("word", "code", "status"),
    [
        pytest.param("sent", "", ReceiptStatus.ACCEPTED, id="on its way"),
        pytest.param("delivered", "", ReceiptStatus.DELIVERED, id="arrived"),
        pytest.param("read", "", ReceiptStatus.DELIVERED, id="read"),
        pytest.param("undelivered", "30003", ReceiptStatus.UNDELIVERED, id="never will arrive"),
        pytest.param("failed", "30008", ReceiptStatus.UNKNOWN, id="no cause given: it may have arrived"),
        pytest.param("failed", "30410", ReceiptStatus.UNKNOWN, id="their time-out: it may have arrived"),
        pytest.param("failed", "", ReceiptStatus.UNDELIVERED, id="failed"),
        pytest.param("teleported", "", ReceiptStatus.UNKNOWN, id="a word nobody knows"),
    ],
)
def test_what_a_callback_says(word, code, status):
    receipt = read_receipt([("MessageSid", SID), ("MessageStatus", word), ("ErrorCode", code)])

    assert (receipt.provider_id, receipt.status) == (SID, status)


@pytest.mark.parametrize(
    "params",
    [
        pytest.param([], id="nothing"),
        pytest.param([("MessageSid", "1"), ("MessageStatus", "sent")], id="an id that is none of theirs"),
        pytest.param([("MessageSid", SID)], id="no status"),
    ],
)
def test_what_is_no_callback_is_not_read(params):
    assert read_receipt(params) is None
