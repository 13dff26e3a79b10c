"""Tells the store how calls to providers end, but only when that may be news: a call that ends well rarely is."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from smsqueue.core.health import ends
from smsqueue.errors import SmsQueueError
from smsqueue.privacy.log import EventName, event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smsqueue.core.submission import SendStatus
    from smsqueue.store.store import Store

_log = logging.getLogger(__name__)
_NEWS = {"ailing": (logging.ERROR, EventName.PROVIDER_AILING), "well": (logging.WARNING, EventName.PROVIDER_WELL)}


class Health:
    """What one process knows of providers' health in one shard."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watched: set[str] = set()
        """Providers of which the store has heard bad, as far as this process knows."""

    def watch(self, provider: str) -> None:
        """Take in that the store has heard bad of it: a good end is news."""
        self._watched.add(provider)

    def report(self, ended: Iterable[tuple[str, SendStatus]]) -> None:
        """Take in how calls ended, oldest first: provider and status."""
        by_provider: dict[str, list[SendStatus]] = {}
        for provider, status in ended:
            by_provider.setdefault(provider, []).append(status)
        for provider, statuses in by_provider.items():
            well, bad = ends(statuses)
            if not bad and provider not in self._watched:
                continue
            self._watched.add(provider)  # if the store is away, the next end is news again
            with suppress(SmsQueueError):
                news = self._store.health(provider, well=well, bad=bad)
                if not bad:
                    self._watched.discard(provider)
                if news:
                    level, name = _NEWS[news]
                    event(_log, level, name, provider=provider)
