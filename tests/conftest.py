"""Fixtures: real servers, started once, emptied for each test."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.servers import Server, broker_server, store_server
from lab.system import POLICY
from smsqueue import policy_file
from smsqueue.client import Client
from smsqueue.keyring import Keyring
from smsqueue.store.server import connect
from smsqueue.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with store_server(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with broker_server(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    """A store with the lab's policy in force and nothing in it."""
    made = Store(connect(server.url, role="test"), connect(server.url, role="test", repeats=0))
    made.redis.flushall()
    made.policies.publish(policy_file.document(POLICY))
    made.greet()
    yield made
    made.redis.close()


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring.generate()


@pytest.fixture
def client(server: Server, store: Store, keyring: Keyring) -> Iterator[Client]:
    with Client(server.url, keyring=keyring) as made:
        yield made


@pytest.fixture
def travel(store: Store):
    """Move the server's clock for everybody who asks it: `travel(timedelta(hours=3))`."""

    def move(by: timedelta) -> None:
        store.redis.set(store.keys.clock, by // timedelta(milliseconds=1))
        store.greet()

    return move
