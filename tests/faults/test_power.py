"""Losing power takes what no fsync had reached, and nothing that one had: else the trials would prove nothing."""

from __future__ import annotations

import shutil

import pytest
from redis import Redis

from lab.power import Power
from lab.servers import store_server
from lab.waiting import wait_for

WRITES = 200


@pytest.fixture(params=["cc", ""], ids=["every fsync is seen", "without a compiler"])
def kept(request, tmp_path, monkeypatch):
    """Return how many of the writes that a server had answered are left after its power was lost."""

    if not request.param:
        monkeypatch.setenv("PATH", "")

    def lose(fsync):
        server = store_server(tmp_path / "server", "--appendfsync", fsync)
        power = Power(server, tmp_path)
        with server, Redis.from_url(server.url) as redis:
            if fsync == "everysec":
                power.note()
            for n in range(WRITES):
                redis.set(f"key {n}", n)
            power.lose()
            return redis.dbsize()

    return lose


def test_with_everysec_what_was_answered_within_the_last_second_is_gone(kept):
    assert kept("everysec") < WRITES


def test_with_always_whatever_was_answered_is_there(kept):
    assert kept("always") == WRITES


def test_power_lost_while_the_file_is_rewritten_cuts_the_newest_file_only_and_the_server_starts(tmp_path):
    server = store_server(tmp_path / "server")
    power = Power(server, tmp_path)
    with server, Redis.from_url(server.url) as redis:
        for _ in range(10):  # so that the newest file has two digits
            redis.bgrewriteaof()
            wait_for(lambda: not redis.info("persistence")["aof_rewrite_in_progress"], "the rewrite's end")
        redis.set("key", "value")
        redis.config_set("rdb-key-save-delay", 2_000_000)  # us: the rewrite is still under way when power goes
        redis.bgrewriteaof()
        redis.set("other", "value")

        redis.close()
        power.lose()

        assert redis.mget("key", "other") == [b"value", b"value"]


@pytest.mark.skipif(shutil.which("cc") is None, reason="without a C compiler nobody sees the fsyncs of a server")
def test_where_there_is_a_compiler_every_fsync_is_seen(tmp_path):
    server = store_server(tmp_path / "server")
    power = Power(server, tmp_path)

    with server, Redis.from_url(server.url) as redis:
        redis.set("key", "value")
        noted = {path.name: int(path.read_text()) for path in (tmp_path / "synced").iterdir()}
        files = {path.name: path.stat().st_size for path in server.directory.glob("appendonlydir/*.incr.aof")}

    assert power.exact
    assert files.items() <= noted.items()
