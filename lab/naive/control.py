"""Running the naive app for real: a worker, Flower, a server with a disk, and every surface they leave."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from celery import Celery
from redis import Redis

from lab.canary.surfaces import Tap, files, keys, pages, slowlog
from lab.ports import free_port
from lab.processes import Fleet
from lab.servers import store_server
from lab.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.canary.canary import Canary

CREDENTIALS = "control:control-password"


def surfaces(folder: Path, canaries: Sequence[Canary]) -> dict[str, bytes]:
    """Send the canaries the naive way and return what was to be seen, by the surface's name."""
    celery, port = [sys.executable, "-m", "celery", "-A", "lab.naive.app"], free_port()
    with store_server(folder / "server") as server, Redis.from_url(server.url) as redis:
        redis.config_set("slowlog-log-slower-than", 0)
        redis.config_set("slowlog-max-len", 10_000)
        env = {"NAIVE_URL": server.url, "FLOWER_BASIC_AUTH": CREDENTIALS}
        with (
            Fleet(env, folder / "logs") as fleet,
            Tap(server.url, Tap.EVENTS) as events,
            Tap(server.url, Tap.MONITOR) as monitor,
        ):
            flower = fleet.run("flower", [*celery, "flower", "--address=127.0.0.1", f"--port={port}"])
            flower.wait_for_text("Registered tasks")
            worker = fleet.run("worker", [*celery, "worker", "--pool=threads", "-c2", "--loglevel=INFO"])
            worker.wait_for_text(" ready.")
            _send(server.url, canaries)
            wait_for(lambda: worker.said().count("raised unexpected") == len(canaries), "all tasks having failed")
            wait_for(lambda: worker.said().count(" succeeded in") == len(canaries), "all tasks having succeeded")
            wait_for(lambda: redis.hlen("unacked") == len(canaries), "all tasks with an ETA waiting")
            flowers = wait_for(lambda: _all_known(pages(port, CREDENTIALS), 3 * len(canaries)), "Flower having heard")
            live = keys(server.url)
            waiting = [json.loads(item) for item in redis.lrange("later", 0, -1)]
            log = worker.said().splitlines()
            return {
                "the application's log lines": _lines(log, "sending "),
                "the log line of a retry": _lines(log, "Retry in"),
                "the log's traceback": _lines(log, "ConnectionError: "),
                "the log line of a success": _lines(log, " succeeded in"),
                "bodies on the queue": "\n".join(item["body"] for item in waiting).encode(),
                "argsrepr in the header": "\n".join(item["headers"]["argsrepr"] for item in waiting).encode(),
                "messages with an ETA, unacknowledged": b"\n".join(redis.hvals("unacked")),
                "result keys": b"\n".join(body for body in live.values() if body.startswith(b"celery-task-meta")),
                "Celery's events": events.heard(),
                "Flower's task pages": _pages(flowers, "flower /task/"),
                "Flower's list of tasks": _pages(flowers, "flower /tasks/datatable"),
                "Flower's API": _pages(flowers, "flower /api/tasks"),
                "MONITOR": monitor.heard(),
                "SLOWLOG": slowlog(server.url),
                "the server's append-only file": b"\n".join(files(server.directory, "*.aof").values()),
            }


def _send(url: str, canaries: Sequence[Canary]) -> None:
    app = Celery("producer", broker=url, backend=url)
    app.conf.task_send_sent_event = True
    for one in canaries:
        args = (one.number, one.text)
        app.send_task("lab.naive.app.send_sms", args)
        app.send_task("lab.naive.app.sent_sms", args)
        app.send_task("lab.naive.app.send_sms", args, countdown=3600)
        app.send_task("lab.naive.app.send_sms", args, queue="later")
    app.close()


def _lines(log: list[str], holding: str) -> bytes:
    return "\n".join(line for line in log if holding in line).encode()


def _pages(flowers: dict[str, bytes], beginning: str) -> bytes:
    return b"\n".join(body for name, body in flowers.items() if name.startswith(beginning))


def _all_known(flowers: dict[str, bytes], tasks: int) -> dict[str, bytes]:
    known = sum(name.startswith("flower /task/") for name in flowers)
    return flowers if known >= tasks else {}
