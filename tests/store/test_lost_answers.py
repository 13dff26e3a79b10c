"""When the store's answer is lost: nothing is accepted twice, and the producer learns what it has to know."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest

from smsqueue import AcceptanceUnknown, Client, Message

MESSAGES = [Message(to=f"+12025550{n}", text="Hello.", category="alert") for n in (110, 111, 112)]


class CuttingProxy:
    """Passes everything to the server; swallows answers and hangs up once it is told to."""

    def __init__(self, port: int) -> None:
        self._to, self.cut = port, False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            upstream = socket.create_connection(("127.0.0.1", self._to))
            threading.Thread(target=self._forward, args=(client, upstream), daemon=True).start()
            threading.Thread(target=self._answer, args=(upstream, client), daemon=True).start()

    @staticmethod
    def _forward(client: socket.socket, upstream: socket.socket) -> None:
        with suppress(OSError):  # the other direction hung up
            while data := client.recv(65536):
                upstream.sendall(data)
        upstream.close()

    def _answer(self, upstream: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):  # the other direction hung up
            while data := upstream.recv(65536):
                if self.cut:  # the server has done it; nobody will hear of it
                    break
                client.sendall(data)
        client.close()


@pytest.fixture
def cut(server, store, keyring):
    proxy = CuttingProxy(server.port)
    with Client(f"redis://127.0.0.1:{proxy.port}/0", keyring=keyring, timeout=1) as client:
        client.plan_many(MESSAGES)  # connects, and reads the policy
        yield proxy, client


def test_a_lost_answer_is_told_with_ids_and_sending_again_with_them_stores_nothing_twice(cut, store):
    proxy, client = cut
    proxy.cut = True

    with pytest.raises(AcceptanceUnknown) as caught:
        client.send_many(MESSAGES)
    proxy.cut = False
    again = client.send_many(MESSAGES, ids=caught.value.ids)

    assert [result.id for result in again] == list(caught.value.ids)
    assert all(result.repeated for result in again)
    assert store.redis.zcard(store.keys.ready("dispatch.service")) == 3


def test_a_single_lost_answer_is_told_with_its_id(cut):
    proxy, client = cut
    proxy.cut = True

    with pytest.raises(AcceptanceUnknown) as caught:
        client.send(MESSAGES[0])
    proxy.cut = False

    assert client.send(MESSAGES[0], id=caught.value.ids[0]).repeated
