from __future__ import annotations

import base64
import gzip
import json
import os
import signal
import subprocess
import sys
import zlib
from urllib.parse import quote_from_bytes

import pytest
from celery import Celery
from hypothesis import example, given
from hypothesis import strategies as st
from redis import Redis

from lab.canary.canary import canary, draw
from lab.canary.forms import Forms
from lab.canary.planted import planted
from lab.canary.scanner import DEPTH, scan
from lab.canary.selftest import AMERICAN, selftest
from lab.canary.surfaces import Tap, files, keys, processes, slowlog
from lab.servers import broker_server, store_server
from lab.waiting import wait_for

BRITISH = draw(3)
ONE = BRITISH[1]
FORMS = Forms(BRITISH)


def found(data, forms=FORMS):
    return {hit.canary for hit in scan(data, forms)}


# what is looked for


def test_canaries_are_of_their_run_and_have_numbers_that_no_phone_has():
    here, there = draw(1200), draw(1200)
    assert len({one.number for one in here}) == len({one.token for one in here}) == 1200
    assert [one.number for one in here] != [one.number for one in there]
    assert all(one.number.startswith("+447700900") for one in here[:1000])
    assert all(one.number[:2] == "+1" and one.number[5:9] == "5550" for one in here[1000:])
    assert all(one.text.endswith(f" {one.token}") for one in here)


def test_no_other_run_has_the_tokens_of_this_one():
    program = "from lab.canary.canary import canary; print(canary('+447700900123', 5).token)"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() != canary("+447700900123", 5).token == canary("+447700900123", 5).token


def test_what_is_planted_is_found_and_is_of_many_kinds():
    assert selftest() == []
    assert len(planted(ONE)) >= 31


def test_the_self_test_is_a_command():
    done = subprocess.run([sys.executable, "-m", "lab.canary"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " 0 problems;" in done.stdout


def test_thousands_of_canaries_are_looked_for_at_once_and_not_confused():
    many = draw(5_000)
    line = b'{"event":"message.submitted","at":"2026-01-01T10:00:00.%06d+00:00","id":"%s","took":17640000%08d}\n'
    log = [line % (at, os.urandom(8).hex().encode(), at * 7919 % 10**8) for at in range(5_000)]
    planted_at = {17: many[4_999].number, 1_000: many[0].text, 4_321: many[1_500].national}
    for at, text in planted_at.items():
        log[at] += base64.b64encode(json.dumps({"x": text}).encode()) + b"\n"
    forms = Forms(many)
    assert found(b"".join(log), forms) == {4_999, 0, 1_500}
    assert found(os.urandom(500_000), forms) == set()


@pytest.mark.parametrize("last", range(10))
def test_numbers_that_differ_in_the_last_digit_are_not_taken_for_each_other(last):
    neighbours = [canary(f"+44770090071{digit}", digit) for digit in range(10)]
    forms = Forms(neighbours)
    hits = {name: found(data, forms) for name, data in planted(neighbours[last]).items()}
    assert {name: hit for name, hit in hits.items() if hit != {last}} == {}


def test_a_hit_shows_neither_number_nor_text():
    hits = scan(gzip.compress(ONE.text.encode() + ONE.number.encode()), FORMS)
    shown = "".join(f"{hit} {hit!r}" for hit in hits)
    assert hits
    assert not [part for part in (ONE.national, ONE.token) if part in shown]


# what a program may have done to it

STEPS = {
    "base64": base64.b64encode,
    "base64 in lines": base64.encodebytes,
    "base64 of the other alphabet": base64.urlsafe_b64encode,
    "hex": lambda data: data.hex().encode(),
    "percent": lambda data: quote_from_bytes(data, safe="").encode(),
    "a form's field": lambda data: quote_from_bytes(data, safe=" ").replace(" ", "+").encode(),
    "quoted-printable": lambda data: b"".join(b"=%02X" % byte for byte in data),
    "a JSON string": lambda data: json.dumps(data.decode("latin-1")).encode(),
    "repr": lambda data: repr(data).encode(),
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zlib": zlib.compress,
    "bytes in front": lambda data: b"\x00\xff" + data,
}


@given(st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]), st.lists(st.sampled_from(list(STEPS)), max_size=DEPTH - 1))
@example("utf-8", ["gzip", "base64", "hex", "quoted-printable"])
@example("utf-16-be", ["base64 in lines", "hex", "percent"])
def test_whatever_is_done_up_to_four_times_is_undone(charset, steps):
    data = f"to {ONE.number}: {ONE.text}".encode(charset)
    for step in steps:
        data = STEPS[step](data)
    assert found(b'\x00{"x":"' + data + b'"}\n') == {1}


@pytest.mark.parametrize("breaks", [b"\n", b"\r\n"])
@pytest.mark.parametrize("before", range(40, 60))
def test_a_number_on_the_edge_of_a_wrapped_line_is_found(before, breaks):
    data = base64.encodebytes(b"w" * before + ONE.number.encode() + b"w" * 90).replace(b"\n", breaks)
    assert found(data) == {1}


@given(st.binary(max_size=3_000))
@example(b"\xc3\x40")
@example(b"\xc3\x80\x00")
@example(b"\x1f\x8b\x08")
@example(b"%=\\u00\\")
@example(b"=\n=\r\n=")
def test_no_bytes_break_the_search(data):
    assert found(data) == set()


# what a server may have done to it


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with store_server(tmp_path_factory.mktemp("server")) as server, Redis.from_url(server.url) as connected:
        yield connected


PLACES = [
    pytest.param(lambda r, one: r.set("k", one.text * 3), id="a string that repeats itself"),
    pytest.param(lambda r, one: r.set("k", one.digits), id="a string of digits"),
    pytest.param(lambda r, one: r.hset("k", "to", one.digits), id="a field of a small hash"),
    pytest.param(lambda r, one: r.hset("k", "to", one.national), id="a field of a small hash, national"),
    pytest.param(lambda r, one: r.hset("k", one.number, "x"), id="the name of a field"),
    pytest.param(lambda r, one: r.hset("k", mapping={"to": one.text, "y": "z" * 100}), id="a field of a large hash"),
    pytest.param(lambda r, one: r.rpush("k", *range(3), one.national), id="a list"),
    pytest.param(lambda r, one: r.sadd("k", one.digits, 1), id="a set of integers"),
    pytest.param(lambda r, one: r.sadd("k", one.number, "x" * 100), id="a set"),
    pytest.param(lambda r, one: r.zadd("k", {one.national: 1}), id="a small sorted set"),
    pytest.param(lambda r, one: r.zadd("k", {"m": int(one.digits)}), id="a score"),
    pytest.param(lambda r, one: r.zadd("k", {"m" * 100: int(one.digits)}), id="a score of a large sorted set"),
    pytest.param(lambda r, one: r.zadd("k", {"m" * 100: int(one.national)}), id="a large one's score, national"),
    pytest.param(lambda r, one: r.xadd("k", {"to": one.digits, "body": one.text}), id="a stream"),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("one", [pytest.param(ONE, id="British"), pytest.param(canary(AMERICAN, 9), id="American")])
def test_a_canary_is_found_in_a_dump_and_in_what_is_read(place, one, redis):
    redis.flushall()
    place(redis, one)
    forms = Forms([BRITISH[0], one])
    assert found(redis.dump("k"), forms) == {1}
    url = f"redis://127.0.0.1:{redis.connection_pool.connection_kwargs['port']}/0"
    assert found(b"".join(keys(url).values()), forms) == {1}


def test_every_score_is_read_to_its_last_digit(redis):
    redis.flushall()
    redis.zadd("k", {"a": int(ONE.digits), "b": int(BRITISH[2].digits) / 10**6})
    url = f"redis://127.0.0.1:{redis.connection_pool.connection_kwargs['port']}/0"
    (content,) = keys(url).values()
    assert ONE.digits.encode() in content


def test_files_of_a_store_show_what_was_deleted_and_what_was_rewritten(tmp_path):
    with store_server(tmp_path) as server, Redis.from_url(server.url) as redis:
        redis.set("k", BRITISH[0].text * 5)
        redis.delete("k")
        assert found(b"".join(files(tmp_path, "*.aof").values())) == {0}
        redis.set("k", BRITISH[1].text * 5)
        redis.bgrewriteaof()
        wait_for(lambda: not redis.info("persistence")["aof_rewrite_in_progress"], "the end of rewriting")
        wait_for(lambda: 1 in found(b"".join(files(tmp_path, "*.rdb").values())), "the new base file")
        wait_for(lambda: 0 not in found(b"".join(files(tmp_path).values())), "the old files' end")


# what is said while it happens


@pytest.fixture
def own_broker(tmp_path):
    with broker_server(tmp_path) as server:
        yield server


def test_a_tap_hears_celerys_events_with_arguments(own_broker):
    app = Celery("producer", broker=own_broker.url)
    with Tap(own_broker.url, Tap.EVENTS) as events, app.events.default_dispatcher() as dispatcher:
        dispatcher.send("task-received", uuid="a", name="send_sms", args=repr((ONE.number, ONE.text)))
        wait_for(lambda: found(events.heard()) == {1}, "the event")


def test_a_tap_hears_commands_and_the_slow_log_keeps_them(own_broker):
    with Redis.from_url(own_broker.url) as redis, Tap(own_broker.url, Tap.MONITOR) as monitor:
        redis.client_setname(BRITISH[0].national)  # before the slow log is on: the name is no command's argument there
        redis.config_set("slowlog-log-slower-than", 0)
        redis.set("k", json.dumps({"to": ONE.number}))
        wait_for(lambda: 1 in found(monitor.heard()), "the command")
        assert found(slowlog(own_broker.url)) == {0, 1}


def test_a_tap_that_was_cut_off_says_so(own_broker):
    with Tap(own_broker.url, Tap.MONITOR) as monitor, Redis.from_url(own_broker.url) as redis:
        redis.client_kill_filter(_type="normal", skipme=True)
        with pytest.raises(RuntimeError, match="cut a tap off"):
            wait_for(lambda: monitor.heard() == b"", "the end of the tap")


def test_a_tap_that_is_refused_says_so(own_broker):
    with Redis.from_url(own_broker.url) as redis:
        redis.acl_setuser("default", enabled=True, reset=True, passwords=["+a-password"], commands=["+ping"])
    with pytest.raises(RuntimeError, match="refuses a tap"), Tap(own_broker.url, Tap.MONITOR):
        pass
    with pytest.raises(RuntimeError, match="refuses a tap"), Tap(own_broker.url, Tap.EVENTS):
        pass


def test_a_process_shows_its_command_line_and_its_environment():
    command = [sys.executable, "-c", "import signal; signal.pause()", BRITISH[0].number]
    with subprocess.Popen(command, env={"TEXT": ONE.text}) as process:
        try:
            wait_for(lambda: found(b"".join(processes([process.pid]).values())) == {0, 1}, "both to be seen")
        finally:
            process.send_signal(signal.SIGKILL)
