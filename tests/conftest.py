"""Fixtures: real servers, started once, emptied for each test."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.servers import Server, broker_server, store_server
from lab.system import POLICY
from smsqueue import policy_file
from smsqueue.client import Client
from smsqueue.core.identity import bucket, shard_of
from smsqueue.keyring import Keyring, Purpose, token
from smsqueue.store.connected import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smsqueue.store.store import Store


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with store_server(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with broker_server(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def shards() -> int:
    """How many shards the store has; a module may say otherwise."""
    return 1


@pytest.fixture
def whole(server: Server, shards: int) -> Iterator[Store]:
    """A store with the lab's policy in force and nothing in it."""
    made = connected(server.url, role="test", shards=shards)
    made.redis.flushall()
    made.policies.publish(policy_file.document(POLICY))
    made.greet()
    yield made
    made.redis.close()


@pytest.fixture
def store(whole: Store) -> Store:
    """The shard that keeps the messages of OF_ONE_SHARD: the only one, or the second of several."""
    return whole.shards[min(1, len(whole.shards) - 1)]


OF_ONE_SHARD = (("", "+12025550123"), ("", "+12025550124"), ("t" * 32, "+12025550123"))
"""Tenants and recipients."""


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    """Keys under which OF_ONE_SHARD belong to the second shard of four."""
    while True:
        made = Keyring.generate()
        key = made.subject_key(Purpose.BUCKET)
        buckets = [bucket(token(key, *whose, size=1)[0]) for whose in OF_ONE_SHARD]
        if {shard_of(name, 4) for name in buckets} == {1}:
            return made


@pytest.fixture
def client(server: Server, store: Store, keyring: Keyring, shards: int) -> Iterator[Client]:
    with Client(server.url, keyring=keyring, shards=shards) as made:
        yield made


@pytest.fixture
def travel(whole: Store):
    """Move the server's clock for everybody who asks it: `travel(timedelta(hours=3))`."""

    def move(by: timedelta) -> None:
        for shard in whole.shards:
            shard.redis.set(shard.keys.clock, by // timedelta(milliseconds=1))
        whole.greet()

    return move
