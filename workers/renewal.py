"""A policy may name a lane or a provider that a running worker has no queue or adapter for: it starts itself again.

Until it has, messages for them would come back from their leases until they pass for poison.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import TYPE_CHECKING

from smsqueue.core.change import provider_of
from smsqueue.errors import SmsQueueError
from smsqueue.privacy.log import EventName, event
from workers.hints import queues_of

if TYPE_CHECKING:
    from smsqueue.store.store import Store

_log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between looks at the policy in force."""


class Renewal:
    """Asks this process to end as a deploy would, and remembers that it is to start again."""

    def __init__(self, store: Store, role: str) -> None:
        self._store, self._role = store, role
        self._known = self._needed()
        self._thread = threading.Thread(target=self._run, name="renewal", daemon=True)
        self._ended = threading.Event()
        self.wanted = False

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more: somebody else has asked the process to end."""
        self._ended.set()

    def _needed(self) -> dict[str, str]:
        """Return the queues that the policy in hand has for this role, with the kind of adapter behind each."""
        providers = self._store.policies.current.providers
        queues = list(queues_of(self._role, self._store.policies.layout.queues))
        return {queue: providers[provider_of(queue)].kind if self._role == "submit" else "" for queue in queues}

    def _run(self) -> None:
        while not self._ended.wait(EVERY):
            try:
                self._store.greet()  # whoever has nothing to do hears of a new policy only if they ask
                if self._needed().items() <= self._known.items():
                    continue
            except SmsQueueError:
                continue  # the store is away, and with it the policy
            self.wanted = True
            event(_log, logging.WARNING, EventName.WORKER_RENEWED)
            os.kill(os.getpid(), signal.SIGTERM)
            return
