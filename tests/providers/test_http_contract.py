"""What surely was not sent, and what perhaps was: pyreqwest against real sockets that misbehave.

If an upgrade words its causes differently, these rows fail before a user's phone rings twice.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import struct
import threading
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from lab.ports import free_port
from smsqueue.core.submission import SendResult, SendStatus
from workers.http import BODY_MAX, Answer, Http, _encoded, read_retry_after

LIMIT = dt.timedelta(seconds=1)
OK = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
FORM = [("To", "+12025550123"), ("Body", "Hello & goodbye")]


class Peer:
    """A server of one behaviour per connection; remembers every body it read whole."""

    def __init__(self, behave, *, context: ssl.SSLContext | None = None) -> None:
        self.bodies: list[bytes] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self._behave, self._context = behave, context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}/post"

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            while self.read(connection) is not None:
                if self._behave(self, connection) == "close":
                    return

    def read(self, connection: socket.socket) -> bytes | None:
        data = b""
        while b"\r\n\r\n" not in data:
            part = connection.recv(65536)
            if not part:
                return None
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head)
        self.bodies.append(body)
        return body


def post(url: str, times: int = 1, *, limit: dt.timedelta = LIMIT, **options) -> list[Answer | SendResult]:
    async def run() -> list[Answer | SendResult]:
        http = Http(call_limit=limit, connections=10, connect_limit=dt.timedelta(seconds=0.5), **options)
        try:
            return [await http.post_form(url, FORM) for _ in range(times)]
        finally:
            await http.close()

    return asyncio.run(run())


def say(*parts: bytes, then: str = "close"):
    def behave(_: Peer, connection: socket.socket) -> str:
        for part in parts:
            connection.sendall(part)
        return then

    return behave


def hang(_: Peer, connection: socket.socket) -> str:
    with suppress(OSError):
        connection.settimeout(5)
        connection.recv(1)
    return "close"


def reset(_: Peer, connection: socket.socket) -> str:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return "close"


def trickle(_: Peer, connection: socket.socket) -> str:
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        threading.Event().wait(0.05)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody else")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_refused_is_surely_not_sent():
    (result,) = post(f"http://127.0.0.1:{free_port()}/")

    assert result.status is SendStatus.UNAVAILABLE


def test_a_name_that_is_not_found_is_surely_not_sent():
    (result,) = post("http://no-such-host.invalid/", limit=dt.timedelta(seconds=8))

    assert result.status is SendStatus.UNAVAILABLE


def test_a_wrong_certificate_is_surely_not_sent(certificate):
    peer = Peer(say(OK), context=certificate)

    (result,) = post(peer.url)

    assert result.status is SendStatus.UNAVAILABLE
    assert peer.bodies == []


def test_a_handshake_that_times_out_is_surely_not_sent():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (result,) = post(f"https://127.0.0.1:{silent.getsockname()[1]}/")

    assert result.status is SendStatus.UNAVAILABLE


def test_a_connection_that_times_out_is_surely_not_sent():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(8):  # fill its backlog: the kernel drops what comes after
            one = socket.socket()
            one.setblocking(False)  # noqa: FBT003 - its only argument
            one.connect_ex(full.getsockname())
            waiting.append(one)
        (result,) = post(f"http://127.0.0.1:{full.getsockname()[1]}/", limit=dt.timedelta(seconds=3))
        for one in waiting:
            one.close()

    assert result.status is SendStatus.UNAVAILABLE


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(say(), id="read, then closed"),
        pytest.param(reset, id="read, then reset"),
        pytest.param(hang, id="no answer until the limit"),
        pytest.param(say(b"SMTP nonsense\r\n\r\n"), id="an answer that is not HTTP"),
        pytest.param(say(b"HTTP/1.1 20"), id="a status line cut in half"),
        pytest.param(say(b'HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{"sid":'), id="a body cut short"),
        pytest.param(trickle, id="a body byte by byte"),
    ],
)
def test_whatever_goes_wrong_after_the_first_byte_is_perhaps_sent(behave):
    peer = Peer(behave)

    (result,) = post(peer.url)

    assert result == SendResult(status=SendStatus.UNKNOWN, code="answer_lost")
    assert len(peer.bodies) == 1


@pytest.mark.parametrize("behave", [pytest.param(say(), id="closed"), pytest.param(reset, id="reset")])
def test_five_posts_that_are_read_and_not_answered_are_five_requests_and_no_more(behave):
    peer = Peer(behave)

    results = post(peer.url, 5)

    assert {result.status for result in results} == {SendStatus.UNKNOWN}
    assert len(peer.bodies) == 5


def test_five_good_posts_are_five_requests_over_one_connection():
    peer = Peer(say(OK, then="go on"))

    results = post(peer.url, 5)

    assert [result.status for result in results] == [201] * 5
    assert (len(peer.bodies), peer.connections) == (5, 1)


def test_a_connection_closed_just_when_the_next_post_comes_is_never_called_unsent_if_it_was_read():
    turns = []

    def now_and_then(peer: Peer, connection: socket.socket) -> str:
        connection.sendall(OK)
        turns.append(1)
        return "close" if len(turns) % 2 else "go on"

    peer = Peer(now_and_then)

    results = post(peer.url, 200)

    unsent = [r for r in results if isinstance(r, SendResult) and r.status is SendStatus.UNAVAILABLE]
    answered = [r for r in results if isinstance(r, Answer)]
    assert len(peer.bodies) <= len(results) - len(unsent)
    assert len(peer.bodies) >= len(answered)


@pytest.mark.parametrize("late_ms", [0, 0.05, 0.2, 1])
def test_no_body_is_seen_twice_and_none_that_was_seen_is_called_unsent(late_ms):
    """The server closes a kept-alive connection at about the moment of the next post, fifty times."""

    def answer_then_close(_: Peer, connection: socket.socket) -> str:
        connection.sendall(OK)
        threading.Event().wait(late_ms / 1000)
        return "close"

    peer = Peer(answer_then_close)

    async def run() -> list[Answer | SendResult]:
        http = Http(call_limit=LIMIT, connections=10)
        try:
            return [await http.post_form(peer.url, [("Body", str(number))]) for number in range(50)]
        finally:
            await http.close()

    results = asyncio.run(run())

    seen = [int(body.removeprefix(b"Body=")) for body in peer.bodies]
    unsent = {n for n, result in enumerate(results) if getattr(result, "status", None) is SendStatus.UNAVAILABLE}
    answered = {n for n, result in enumerate(results) if isinstance(result, Answer)}
    assert len(seen) == len(set(seen))
    assert unsent & set(seen) == set()
    assert answered <= set(seen)
    assert answered


def test_an_answer_in_many_pieces_is_read_whole():
    body = b"[" + b"1," * 20_000 + b"1]"
    pieces = [body[at : at + 4000] for at in range(0, len(body), 4000)]

    def behave(_: Peer, connection: socket.socket) -> str:
        connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(body))
        for piece in pieces:
            connection.sendall(piece)
            threading.Event().wait(0.005)
        return "go on"

    (result,) = post(Peer(behave).url)

    assert result == Answer(201, body)


def test_an_answer_of_megabytes_is_not_read_and_proves_nothing():
    peer = Peer(say(b"HTTP/1.1 201 Created\r\nContent-Length: 3000000\r\n\r\n", b"x" * 3_000_000))

    (result,) = post(peer.url)

    assert result == SendResult(status=SendStatus.UNKNOWN, code="too_large")
    assert BODY_MAX < 3_000_000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status):
    elsewhere = Peer(say(OK))
    peer = Peer(say(f"HTTP/1.1 {status} X\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n".encode()))

    (result,) = post(peer.url)

    assert result == SendResult(status=SendStatus.ACCOUNT, code="redirect")
    assert elsewhere.bodies == []


@pytest.mark.parametrize("status", [408, 502, 504])
def test_an_edge_that_gave_up_proves_nothing(status):
    peer = Peer(say(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n{{}}".encode()))

    assert post(peer.url)[0] == SendResult(status=SendStatus.UNKNOWN, code=str(status))


def test_too_fast_is_said_with_the_time_to_wait():
    peer = Peer(say(b"HTTP/1.1 429 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"))

    (result,) = post(peer.url)

    assert (result.status, result.retry_after) == (SendStatus.THROTTLED, dt.timedelta(seconds=7))


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        pytest.param(b"Wed, 01 Jan 2070 00:00:00 GMT", 3600, 3600, id="a date far away is an hour"),
        pytest.param(b"in a while", None, None, id="a word"),
        pytest.param(b"\xff\xfe", None, None, id="not even ASCII"),
    ],
)
def test_whatever_it_says_about_waiting_too_fast_is_too_fast(header: bytes, least, most):
    peer = Peer(say(b"HTTP/1.1 429 X\r\nRetry-After: " + header + b"\r\nContent-Length: 0\r\n\r\n"))

    (result,) = post(peer.url)

    assert result.status is SendStatus.THROTTLED
    assert result.retry_after == (None if least is None else dt.timedelta(seconds=most))


NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        pytest.param("30", 30, id="seconds"),
        pytest.param("Tue, 24 Nov 2026 12:00:20 GMT", 20, id="a date"),
        pytest.param("999999", 3600, id="more than an hour is an hour"),
        pytest.param("Tue, 24 Nov 2026 11:00:00 GMT", None, id="a date that has passed"),
        pytest.param("-5", None, id="a negative number"),
        pytest.param("soon", None, id="a word"),
        pytest.param("", None, id="nothing"),
        pytest.param(None, None, id="no header"),
        pytest.param("9" * 400, None, id="a number of 400 digits"),
        pytest.param("0 Jan 0 0:3000000000", None, id="a minute of ten digits"),
    ],
)
def test_how_long_to_wait(value, wait):
    assert read_retry_after(value, NOON) == (None if wait is None else dt.timedelta(seconds=wait))


def test_credentials_and_form_arrive_as_given():
    peer = Peer(say(OK))

    post(peer.url, headers={"Authorization": "Basic abc"})

    assert b"authorization: basic abc" in peer.requests[0].lower()
    assert b"accept-encoding: identity" in peer.requests[0].lower()
    assert parse_qsl(peer.bodies[0].decode()) == FORM


@given(st.text())
def test_any_text_survives_the_form(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return  # half a character is refused at the door
    assert parse_qsl((b"Body=" + _encoded(text)).decode("ascii"), keep_blank_values=True) == [("Body", text)]
    assert b"Body=" + _encoded(text) == urlencode({"Body": text}).encode()


@given(st.text())
def test_no_header_about_waiting_raises(value):
    wait = read_retry_after(value, NOON)
    assert wait is None or dt.timedelta(0) < wait <= dt.timedelta(hours=1)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe\x00", b"[" * 200_000, b"9" * 5000, b'{"sid": '])
def test_a_body_that_is_not_json_is_none(body):
    assert Answer(201, body).json is None


def test_an_answer_never_shows_its_body():
    assert "5550123" not in repr(Answer(400, b'{"message": "+12025550123 is not valid"}'))
