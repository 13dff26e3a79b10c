"""The clock strikes nine while something is wrong: a third of the messages are through then."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from lab.faults.traffic import EVENING, STRIKES
from smsqueue.errors import SmsQueueError

if TYPE_CHECKING:
    from lab.faults.trial import Trial

FLOWS = 0.5
"""The part that reaches the provider for sure: what is not through when the clock strikes is mostly held or expired."""
ON_THE_WIRE = 3.0
"""Seconds after the clock struck nine in which bytes of calls that were under way may come."""


class Evening:
    """Keeps the clock of a trial's store."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._ended, self.struck = threading.Event(), threading.Event()
        self._before = self._after = timedelta(0)
        self._jump = float("inf")
        self._keeper = threading.Thread(target=self._keep, name="clock", daemon=True)

    def begin(self) -> None:
        """Put everybody's clock to the evening."""
        self._before = EVENING - datetime.now(UTC)
        self._trial.set_clock(self._before)
        self._keeper.start()

    def end(self) -> None:
        """Let the clock alone."""
        self._ended.set()
        self._keeper.join(60)

    def read(self, at: float) -> float:
        """Say what the moved clock showed at an instant of the real one."""
        under_way = self._jump + ON_THE_WIRE + self._trial.scenario.frozen
        return at + (self._before if at < under_way else self._after).total_seconds()

    def _keep(self) -> None:
        """Strike when it is time, again and again should the store not have heard it, or have forgotten it."""
        while not self._ended.wait(0.05):
            try:
                if not self.struck.is_set():
                    if self._trial.taken() < self._trial.count / 3:
                        continue
                    self._after = STRIKES - datetime.now(UTC)
                    self._trial.set_clock(self._after)
                    self._jump = time.time()
                    self.struck.set()
                else:
                    self._trial.set_clock(self._after)
            except (OSError, RedisError, SmsQueueError):
                continue  # the store or the stand-in is what is wrong just now
