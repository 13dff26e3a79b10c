"""The reference: one Celery task per message that does the same work.

Each task loads its message, decides, opens, passes the gate, calls the provider, settles: with this project's own
store, seal and policy, so that what is compared is one task per message against batches and one loop.
"""

from __future__ import annotations

import http.client
import os
import secrets
import threading
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from celery import Celery
from celery.signals import worker_ready

from smsqueue.core.decide import decide
from smsqueue.core.outcome import Handoff
from smsqueue.core.payload import Payload
from smsqueue.core.settle import settle
from smsqueue.keyring import Keyring
from smsqueue.store.server import connect
from smsqueue.store.store import Passage, Store
from workers.carry_out import Decided, carry_out
from workers.http import Answer, basic_auth
from workers.opening import Opener
from workers.providers.twilio import _form, read

QUEUE = "submit.twilio.promotional"

app = Celery("reference", broker=os.environ.get("SMSQUEUE_BROKER_URL", "memory://"))
app.conf.update(
    task_ignore_result=True,
    worker_enable_remote_control=False,
    worker_prefetch_multiplier=4,
    task_default_queue="reference",
    broker_transport_options={"health_check_interval": 5},
)
worker_ready.connect(lambda **_: print("reference: ready", flush=True), weak=False)
_local = threading.local()


class _Parts:
    """What a worker process shares among its threads."""

    def __init__(self) -> None:
        env = os.environ
        self.store = Store(connect(env["SMSQUEUE_REDIS_URL"], role="reference"))
        self.store.greet()
        self.opener = Opener(
            Keyring.load(Path(env["SMSQUEUE_KEYRING_FILE"]), Path(env["SMSQUEUE_SUBJECT_FILE"])),
            env["SMSQUEUE_PUBLIC_URL"],
        )
        account = env["SMSQUEUE_TWILIO_ACCOUNT_SID"]
        self.host = urlsplit(env["SMSQUEUE_TWILIO_BASE_URL"]).netloc
        self.path = f"/2010-04-01/Accounts/{account}/Messages.json"
        self.headers = {
            "Authorization": basic_auth(account, env["SMSQUEUE_TWILIO_AUTH_TOKEN"]),
            "Content-Type": "application/x-www-form-urlencoded",
        }


_parts: list[_Parts] = []
_lock = threading.Lock()


@app.task(name="reference.submit")
def submit(id: str) -> None:
    """Take one message all the way to its provider."""
    with _lock:
        if not _parts:
            _parts.append(_Parts())
    parts = _parts[0]
    store = parts.store
    envelope, record, facts = store.load([id], payloads=True)[0]
    if envelope is None:
        return
    now, policy = store.clock.now(), store.policies.current
    outcome = decide(envelope, policy, facts, now)
    if not isinstance(outcome, Handoff):
        return
    carry_out(store, [Decided(envelope, outcome)], now)
    envelope = store.load([id])[0].envelope
    payload = parts.opener.open(envelope, record) if envelope else None
    if envelope is None or not isinstance(payload, Payload):
        return
    fence = secrets.token_urlsafe(8)
    gate = store.gate([Passage(envelope, outcome.valid_until)], fence=fence, queue=QUEUE, lease=timedelta(seconds=15))
    if gate != ["yes"]:
        return
    sender = policy.sender_id(envelope.sender, outcome.provider) or ""
    submission = parts.opener.submission(
        envelope,
        payload,
        fence=fence,
        provider=outcome.provider,
        sender=sender,
        valid_for=outcome.valid_until - now,
    )
    result = read(_post(parts, urlencode(_form(submission, timedelta(hours=10)))))
    after = store.load([id])[0].envelope
    if after is not None:
        now = store.clock.now()
        carry_out(store, [Decided(after, *settle(after, policy, fence, result, now, 0.5))], now)


def _post(parts: _Parts, body: str) -> Answer:
    """Call over this thread's kept-alive connection, by the standard library: cheaper than any popular client."""
    connection = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = http.client.HTTPConnection(parts.host, timeout=10)
    connection.request("POST", parts.path, body, parts.headers)
    response = connection.getresponse()
    return Answer(response.status, response.read())
