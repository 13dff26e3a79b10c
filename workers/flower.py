"""Flower behind a wrapper: it does not start without a password or OAuth, and shows counts instead of arguments.

It knows the broker and nothing else: no store, no tasks of ours, no keys. Its options are set in this process,
so that no secret stands in a process list. Who is not let in sees `/healthcheck`, which says OK to whoever
watches over processes, and what logging in needs: `/login`, `/logout` and `/static`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import sys
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
LOCAL = "127.0.0.1"
SHORTEST_PASSWORD = 12
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
MAY_NOT_START = 2

PROVIDERS = {
    "github": "flower.views.auth.GithubLoginHandler",
    "gitlab": "flower.views.auth.GitLabLoginHandler",
    "google": "flower.views.auth.GoogleAuth2LoginHandler",
    "okta": "flower.views.auth.OktaLoginHandler",
}
"""Who may vouch for a visitor's address. Their own addresses are Flower's business: FLOWER_OAUTH2_OKTA_BASE_URL."""

_DOMAIN = r"@[\w-]+(\.[\w-]+)+"
_ALLOWED = re.compile(rf"[\w.+-]+{_DOMAIN}(\|[\w.+-]+{_DOMAIN})*|\.\*{_DOMAIN}", re.ASCII)

_log = logging.getLogger(__name__)


class CountingEvents(Events):
    """Flower's ear: reduces what a task carried before it is kept, since Flower's API and search ask no formatter."""

    def on_event(self, event: dict[str, Any]) -> None:
        """Hear of one thing."""
        super().on_event(event | {field: shown(field, event[field]) for field in CARRIED if field in event})


class GuardedMetrics(Metrics):
    """Flower's metrics, which name tasks and workers, for those who may come in; Flower shows them to all."""

    @authenticated
    async def get(self) -> None:
        """Answer with the metrics."""
        await super().get()


def main() -> None:
    """Run Flower until told to stop. Ends with status 2 and one sentence when it may not start."""
    refusal = ""
    try:
        _run()
    except Misconfigured as error:
        refusal = str(error)
    if refusal:
        sys.stderr.write(f"smsqueue flower: {refusal}\n")
        raise SystemExit(MAY_NOT_START)


def _run() -> None:
    level = os.environ.get("SMSQUEUE_LOG_LEVEL", "INFO")
    if level not in LEVELS:
        raise Misconfigured(f"SMSQUEUE_LOG_LEVEL is one of {', '.join(LEVELS)}.")
    log.configure(role="flower", level=logging.getLevelName(level))
    options.parse_config_file(str(CONFIG), final=False)
    settings = {**flower_settings, **_guard()}
    options.address = os.environ.get("SMSQUEUE_FLOWER_ADDRESS") or LOCAL  # an empty one means everywhere to Flower
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
    flower = Flower(capp=app, options=options, events=events, io_loop=io_loop, **settings)
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


def _guard() -> dict[str, dict[str, str]]:
    """Set who is let in; returns what Flower wants to know besides its options."""
    password, oauth = (bool(os.environ.get(name)) for name in ("SMSQUEUE_FLOWER_BASIC_AUTH", "SMSQUEUE_FLOWER_OAUTH"))
    if password and oauth:
        raise Misconfigured("SMSQUEUE_FLOWER_BASIC_AUTH and SMSQUEUE_FLOWER_OAUTH exclude each other.")
    if not oauth:
        options.basic_auth = [_credentials()]
        return {}
    options.auth_provider, options.auth = _provider(), _allowed()
    return {
        "oauth": {
            name: _required(f"SMSQUEUE_FLOWER_OAUTH_{name.upper()}") for name in ("key", "secret", "redirect_uri")
        }
    }


def _credentials() -> str:
    """Return `user:password`, which must be worth the name."""
    given = os.environ.get("SMSQUEUE_FLOWER_BASIC_AUTH", "")
    user, _, password = given.partition(":")
    # Flower compares text, and that works with ASCII only
    if not user or len(password) < SHORTEST_PASSWORD or not given.isascii():
        raise Misconfigured(
            "SMSQUEUE_FLOWER_BASIC_AUTH must be `user:password` in ASCII "
            f"with at least {SHORTEST_PASSWORD} characters of password: "
            "Flower does not start without it or SMSQUEUE_FLOWER_OAUTH."
        )
    return given


def _provider() -> str:
    handler = PROVIDERS.get(_required("SMSQUEUE_FLOWER_OAUTH"))
    if handler is None:
        raise Misconfigured(f"SMSQUEUE_FLOWER_OAUTH is one of {', '.join(PROVIDERS)}.")
    return handler


def _allowed() -> str:
    """Return whose addresses are let in, in Flower's words, of which those are taken that match a whole address."""
    allowed = _required("SMSQUEUE_FLOWER_OAUTH_ALLOW")
    if not _ALLOWED.fullmatch(allowed):
        raise Misconfigured(
            "SMSQUEUE_FLOWER_OAUTH_ALLOW names whole addresses, `ann@example.com|bob@example.com`, "
            "or all of one domain, `.*@example.com`."
        )
    return allowed


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


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise Misconfigured(f"{name} is needed with SMSQUEUE_FLOWER_OAUTH.")
    return value
