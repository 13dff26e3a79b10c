"""Flower behind a wrapper: it does not start without a password, and shows counts instead of arguments.

It knows the broker and nothing else: no store, no tasks of ours, no keys. Its options are set in this process,
so that the password stands in no process list.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from pathlib import Path
from typing import Any

from flower.app import Flower
from flower.events import Events
from flower.options import options
from flower.urls import settings as flower_settings
from flower.views.monitor import Metrics
from tornado.ioloop import IOLoop
from tornado.web import authenticated

import config
from config.flowerconfig import CARRIED, shown
from smsqueue.errors import Misconfigured
from smsqueue.privacy import log
from smsqueue.privacy.log import EventName, event
from workers import celery_app

CONFIG = Path(config.__file__).parent / "flowerconfig.py"
SHORTEST_PASSWORD = 12
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

_log = logging.getLogger(__name__)


class CountingEvents(Events):
    """Flower's ear: reduces what a task carried before it is kept, since Flower's API and search ask no formatter."""

    def on_event(self, event: dict[str, Any]) -> None:
        """Hear of one thing."""
        super().on_event(event | {field: shown(field, event[field]) for field in CARRIED if field in event})


class GuardedMetrics(Metrics):
    """Flower's metrics, which name tasks and workers, for those who know the password; Flower shows them to all."""

    @authenticated
    async def get(self) -> None:
        """Answer with the metrics."""
        await super().get()


def main() -> None:
    """Run Flower until told to stop. Raises Misconfigured when a setting is missing or unusable."""
    level = os.environ.get("SMSQUEUE_LOG_LEVEL", "INFO")
    if level not in LEVELS:
        raise Misconfigured(f"SMSQUEUE_LOG_LEVEL is one of {', '.join(LEVELS)}.")
    log.configure(role="flower", level=logging.getLevelName(level))
    options.parse_config_file(str(CONFIG), final=False)
    options.basic_auth = [_credentials()]
    options.address = os.environ.get("SMSQUEUE_FLOWER_ADDRESS", "127.0.0.1")
    options.port = _port()
    app = celery_app.make(_broker(), (), client_name="smsqueue-flower")
    celery_app.unregister_built_ins(app)

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(log.asyncio_handler)
    io_loop = IOLoop.current()
    events = CountingEvents(
        app, io_loop, max_workers_in_memory=options.max_workers, max_tasks_in_memory=options.max_tasks
    )
    flower = Flower(capp=app, options=options, events=events, io_loop=io_loop, **flower_settings)
    flower.add_handlers(".*", [("/metrics", GuardedMetrics)])  # looked at before Flower's own
    listening = False
    try:
        flower.start_http_server()
        listening = True
    except OSError:
        pass  # the sentence below is raised outside, without the original's text
    if not listening:
        raise Misconfigured("SMSQUEUE_FLOWER_ADDRESS and SMSQUEUE_FLOWER_PORT name a place that cannot be listened on.")
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, flower.stop)
    loop.call_soon(event, _log, logging.INFO, EventName.WORKER_READY)
    flower.start()


def _credentials() -> str:
    """Return `user:password`, which must be worth the name."""
    given = os.environ.get("SMSQUEUE_FLOWER_BASIC_AUTH", "")
    user, _, password = given.partition(":")
    # Flower compares text, and that works with ASCII only
    if not user or len(password) < SHORTEST_PASSWORD or not given.isascii():
        raise Misconfigured(
            "SMSQUEUE_FLOWER_BASIC_AUTH must be `user:password` in ASCII "
            f"with at least {SHORTEST_PASSWORD} characters of password: Flower does not start without."
        )
    return given


def _port() -> int:
    given = os.environ.get("SMSQUEUE_FLOWER_PORT", "5555")
    if not (given.isascii() and given.isdigit() and 0 < int(given) < 1 << 16):
        raise Misconfigured("SMSQUEUE_FLOWER_PORT is a port: a number from 1 to 65535.")
    return int(given)


def _broker() -> str:
    broker = os.environ.get("SMSQUEUE_BROKER_URL") or os.environ.get("SMSQUEUE_REDIS_URL")
    if not broker:
        raise Misconfigured("SMSQUEUE_BROKER_URL or SMSQUEUE_REDIS_URL must name the server with the Celery queues.")
    return broker
