"""Celery's events, gathered: Flower hears of a task within half a second, and a task does not pay for three publishes.

Celery flushes its buffer at every turn of its loop; at a hundred single messages a second that was a third of
a worker's CPU.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps

GATHER = 0.5  # s
BUFFER = 500  # events


class CalmEvents(bootsteps.StartStopStep):
    """A step of the consumer, after the one that makes the dispatcher of events; again at each reconnection."""

    requires = ("celery.worker.consumer.events:Events",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)

    def start(self, consumer: Any) -> None:
        """Let the loop flush on a timer."""
        dispatcher, hub = consumer.event_dispatcher, consumer.hub
        if dispatcher is None or hub is None:
            return
        dispatcher.buffer_limit = BUFFER
        armed = [False]

        def flush() -> None:
            armed[0] = False
            consumer._flush_events()  # noqa: SLF001 - what Celery itself hangs into the loop; it survives lost connections

        def gather() -> None:
            if not armed[0]:
                armed[0] = True
                hub.call_later(GATHER, flush)

        dispatcher.on_send_buffered = gather
