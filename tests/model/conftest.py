"""A server of its own: nothing of it has to survive, so it keeps nothing on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.servers import Server, store_server
from smsqueue.store.server import connect
from smsqueue.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def quick_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("model")
    with store_server(directory, "--appendonly", "no", "--appendfsync", "no", "--save", "") as running:
        yield running


@pytest.fixture
def quick_store(quick_server: Server) -> Iterator[Store]:
    made = Store(connect(quick_server.url, role="test"), connect(quick_server.url, role="test", repeats=0))
    yield made
    made.redis.close()
