"""The Celery app: it carries short lists of opaque ids between processes, and nothing that counts.

Each setting's reason is beside it; the measurements behind them are in docs/celery.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import Celery
from kombu import Exchange, Queue

if TYPE_CHECKING:
    from collections.abc import Iterable

STRAYS = "strays"
"""Where a task without a queue would go. Nobody reads it; `doctor` watches it."""
KEY_PREFIX = "sms:broker:"


def make(broker: str, queues: Iterable[str], *, client_name: str = "smsqueue") -> Celery:
    """Make an app that knows these queues and nothing else."""
    app = Celery("smsqueue", broker=broker, set_as_current=True)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],  # pickle runs code
        event_serializer="json",
        task_ignore_result=True,  # results are in the store; backends leak and cost
        result_backend=None,
        task_store_errors_even_if_ignored=False,
        task_acks_late=False,  # a message is a hint: what returns from the dead helps nobody
        task_reject_on_worker_lost=False,
        worker_prefetch_multiplier=1,  # order and fairness live in the pump
        task_create_missing_queues=False,  # a typo must fail
        task_queues=[Queue(name, Exchange(name), routing_key=name) for name in (*queues, STRAYS)],
        task_default_queue=STRAYS,
        task_publish_retry=False,  # the store is what a failed publish falls back on
        worker_enable_remote_control=False,  # one PUBLISH would stop a worker
        worker_send_task_events=True,  # Flower; one event per batch
        task_send_sent_event=False,
        task_track_started=False,
        worker_hijack_root_logger=False,  # our logging configuration is the only one
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # for ever: a worker that gave up is an outage
        broker_channel_error_retry=True,  # else a channel error ends the worker
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_soft_shutdown_timeout=0,  # more would start prefetched work
        enable_utc=True,
        timezone="UTC",
        broker_pool_limit=16,
        broker_transport_options={
            "global_keyprefix": KEY_PREFIX,
            "socket_timeout": 10,  # without it a publish on a dead connection waits for ever
            "socket_connect_timeout": 3,
            **({} if broker.startswith(("unix:", "redis+socket:")) else {"socket_keepalive": True}),
            "health_check_interval": 5,  # also drops a BRPOP whose answer is overdue
            "retry_on_timeout": False,  # a doubled hint is harmless, a hanging one is not
            "visibility_timeout": 3600,
            "queue_order_strategy": "round_robin",  # the others starve
            "max_connections": 64,
            "client_name": client_name,
        },
    )
    return app


def unregister_built_ins(app: Celery) -> None:
    """Forget Celery's own tasks: whoever writes to the broker could run any task through `celery.map`."""
    app.finalize()
    for name in [name for name in app.tasks if name.startswith("celery.")]:
        app.tasks.unregister(name)
