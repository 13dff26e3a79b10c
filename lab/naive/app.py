"""A small Celery app that does the usual things. Nobody would see anything wrong with it."""

from __future__ import annotations

import os

from celery import Celery, Task
from celery.utils.log import get_task_logger

app = Celery("naive", broker=os.environ.get("NAIVE_URL"), backend=os.environ.get("NAIVE_URL"))
app.conf.update(task_send_sent_event=True, worker_send_task_events=True, result_extended=True)
_log = get_task_logger(__name__)


@app.task(bind=True, max_retries=1)
def send_sms(self: Task, number: str, text: str) -> str:
    """Send a text; the provider is down."""
    _log.info("sending %r to %s", text, number)
    try:
        _provider(number, text)
    except ConnectionError as error:
        raise self.retry(exc=error, countdown=0) from error
    return number


@app.task
def sent_sms(number: str, text: str) -> dict[str, str]:
    """Send a text; the provider takes it."""
    return {"to": number, "body": text, "status": "sent"}


def _provider(number: str, text: str) -> None:
    raise ConnectionError(f"POST /messages?to={number}&body={text}: 503")
