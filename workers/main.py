"""Starting one process of the running system: dispatch, submit, web or flower."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from celery.signals import setup_logging, worker_ready, worker_shutting_down

from config import settings as configuration
from smsqueue.core.change import queue_of_dispatch
from smsqueue.errors import Misconfigured, SmsQueueError
from smsqueue.keyring import Keyring
from smsqueue.privacy import log
from smsqueue.privacy.log import EventName, event
from smsqueue.store import gauges
from smsqueue.store.connected import connected, examine_all
from workers import celery_app
from workers.beat import Beat
from workers.calm_events import CalmEvents
from workers.dispatch import Dispatch
from workers.engine import Engine, EngineStep
from workers.hints import Hints, by_shard, checked, queues_of
from workers.opening import Opener
from workers.pump import Pump, PumpStep
from workers.renewal import Renewal

if TYPE_CHECKING:
    from celery import Celery

    from config.settings import Settings
    from smsqueue.store.store import Store

ROLES = ("dispatch", "submit", "web", "flower")
THREADS = {"dispatch": 8, "submit": 4}
"""Of dispatch only a few decide at a time (`AT_ONCE`): a thread is left when a one-time code comes."""
RESTART_AFTER = 0.5
"""Seconds before a worker that was ended by something in its queue starts again."""

_log = logging.getLogger(__name__)


def main(argv: list[str]) -> int:
    """Run one role until it is told to stop; the exit status says whether it could start."""
    if len(argv) != 1 or argv[0] not in ROLES:
        sys.stderr.write(f"usage: python -m workers {{{'|'.join(ROLES)}}}\n")
        return 2
    role = argv[0]
    try:
        if role == "flower":
            from workers.flower import main as flower  # noqa: PLC0415 - needs neither our tasks nor our keys

            flower()
        elif role == "web":
            from workers import web  # noqa: PLC0415 - an ASGI server, no Celery worker

            web.serve(configuration.read())
        else:
            _worker(role, configuration.read())
    except SmsQueueError as error:
        sys.stderr.write(f"smsqueue {role}: {error}\n")
        return 1
    return 0


def open_store(role: str, settings: Settings) -> Store:
    """Connect, look at the server, refuse one that would lose messages, and say what was found."""
    url, timeout = settings.redis_url.get_secret_value(), configuration.REDIS_TIMEOUT.total_seconds()
    store = connected(
        url,
        role=role,
        timeout=timeout,
        shards=settings.shards,
        replicas=settings.replicas,
        state_dir=settings.state_dir,
    )
    servers, away = examine_all(store, store.shards)
    for found in servers:
        for sentence in (f"store is {found}", *found.warnings):
            sys.stderr.write(f"smsqueue {role}: {sentence}\n")
    for shard in away:
        sys.stderr.write(f"smsqueue {role}: shard {shard.shard} does not answer; the others go on\n")
    here = [shard for shard in store.shards if shard not in away]
    if not settings.testing and any(shard.redis.exists(shard.keys.clock) for shard in here):
        raise Misconfigured("This store's clock was moved by a test. Delete the key `clock`, or use another store.")
    allow_names(store)
    store.greet()  # brings the server's time
    return store


def allow_names(store: Store) -> None:
    """Tell the log which names may appear: those of the policy in force."""
    policy = store.policies.current
    log.allow("category", policy.categories)
    log.allow("lane", policy.lanes)
    log.allow("provider", policy.providers)
    log.allow("sender", policy.senders)


def _worker(role: str, settings: Settings) -> None:
    level = logging.getLevelName(settings.log_level)
    log.configure(role=role, level=level)
    setup_logging.connect(_keep_ours, weak=False)
    worker_ready.connect(_ready, weak=False)
    worker_shutting_down.connect(_asked_to_stop, weak=False)
    store = open_store(role, settings)
    queues = store.policies.layout.queues
    app = celery_app.make(settings.broker, queues, client_name=f"smsqueue-{role}")
    celery_app.unregister_built_ins(app)
    app.steps["consumer"].add(CalmEvents)
    if role == "dispatch":
        _add_dispatch(app, store, settings)
    else:
        _add_submit(app, store, settings)
    renewal = Renewal(store, role)
    renewal.start()
    event(_log, logging.INFO, EventName.WORKER_STARTED)
    gc.collect()
    gc.freeze()  # what is here now stays: the collector need not walk it again
    gc.set_threshold(50_000, 20, 100)
    _work(
        app,
        [
            "--quiet",
            "worker",
            "--pool=threads",
            f"--concurrency={THREADS[role]}",
            f"--queues={','.join(queues_of(role, queues))}",
            f"--hostname={role}-%h-{log.pid()}",
            "--without-gossip",
            "--without-mingle",
            "--task-events",
            f"--loglevel={settings.log_level}",
        ],
    )
    renewal.stop()
    if renewal.wanted or not _asked.is_set():
        if not renewal.wanted:
            event(_log, logging.ERROR, EventName.WORKER_RESTARTED)
            time.sleep(RESTART_AFTER)
        os.execv(sys.executable, [sys.executable, "-m", "workers", role])  # noqa: S606 - this very program again


def _work(app: Celery, argv: list[str]) -> None:
    """Run the worker until it ends: because it was asked to, or because something in its queue ended it.

    One element that is not JSON ends a Celery worker. The element is gone then, and what it may have
    displaced comes back by its lease, so starting again is all there is to do.
    """
    try:
        app.worker_main(argv)
    except SystemExit:
        pass
    except Exception as error:  # noqa: BLE001 - kombu raises whatever it met
        event(_log, logging.ERROR, EventName.WORKER_ENDED, error=error)


def _keep_ours(**_: object) -> None:
    """Celery asks who configures logging: we did."""


_asked = threading.Event()


def _asked_to_stop(**_: object) -> None:
    _asked.set()


def _ready(**_: object) -> None:
    event(_log, logging.INFO, EventName.WORKER_READY)


def _add_dispatch(app: Celery, store: Store, settings: Settings) -> None:
    """Add a pump and a dispatcher for each shard: whoever waits for one that is away keeps nobody else waiting."""
    beat = Beat(store, "dispatch")
    dispatches: list[Dispatch] = []
    for shard in store.shards:
        hints = Hints(app, shard, lease=settings.hint_lease, lease_first=settings.hint_lease_first)
        dispatches.append(Dispatch(shard, hints))
        PumpStep.pumps.append(Pump(shard, hints, None if shard.shard else beat, tick=settings.tick))
    app.steps["worker"].add(PumpStep)

    @app.task(name="smsqueue.dispatch", bind=True)
    def run(self: Any, ids: list[str]) -> None:
        """Decide about these messages."""
        queue = self.request.delivery_info.get("routing_key")
        first = queue == queue_of_dispatch(store.policies.current.first_lane)
        for shard, own in by_shard(checked(ids), len(dispatches)):
            dispatches[shard].run(own, first=first)


def _add_submit(app: Celery, store: Store, settings: Settings) -> None:
    if settings.keyring_file is None or settings.subject_file is None:
        raise Misconfigured(
            "SMSQUEUE_KEYRING_FILE and SMSQUEUE_SUBJECT_FILE name the key files that `smsqueue keys init` wrote; "
            "a submit worker cannot start without them."
        )
    keyring = Keyring.load(settings.keyring_file, settings.subject_file)
    gauges.tell_key(store, keyring.active)
    guard = store.policies.current.quiet.guard
    if settings.call_limit + settings.settle_limit > timedelta(seconds=30):
        raise Misconfigured("SMSQUEUE_CALL_LIMIT and SMSQUEUE_SETTLE_LIMIT together are at most 30s.")
    engine = Engine(
        store,
        Opener(keyring, settings.public_url),
        settings,
        max_skew=None if settings.testing else guard / 2,
    )
    EngineStep.engine = engine
    app.steps["worker"].add(EngineStep)

    @app.task(name="smsqueue.submit")
    def run(queue: str, ids: list[str]) -> None:
        """Hand these messages to the engine."""
        if queue not in store.policies.layout.submit:
            raise ValueError("a submit task names a queue of the policy")
        engine.hand_over(queue, checked(ids))
