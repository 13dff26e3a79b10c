"""A million promotional messages that wait, and one-time codes beside them.

`python -m benchmarks.backlog` accepts them while they may not go yet, looks at them as an operator would, then moves
the server's clock: a part wakes spread over a minute, the rest in one instant, and at last their provider hangs while
codes go another way. Takes minutes; prints a table and writes build/scale.json.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from benchmarks import figures
from benchmarks.codes import Codes, percentiles
from benchmarks.throughput import messages
from benchmarks.watch import Watch
from lab.system import POLICY, System
from smsqueue import policy_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from benchmarks.watch import Moment
    from smsqueue.core.message import Message

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
SPREAD = 1000
"""Messages a second that wake in the part that is spread."""
SAMPLE = 37
"""One in so many of them is looked up at the provider."""
OTHER_SENDER = "+12025550101"
out = Console(highlight=False)


class Backlog:
    """One run. Each step leaves its figures in `figures`."""

    def __init__(self, system: System, *, count: int, seconds: float) -> None:
        self._system, self._count, self._seconds = system, count, seconds
        self._watch = Watch(system)
        self._spread = min(int(SPREAD * seconds), count // 4)
        self._start = self._server_time().replace(microsecond=0) + HOUR
        self._sampled: dict[str, float] = {}  # id -> when it wakes by the server's clock
        self._shift = 0.0
        self._codes: dict[str, Codes] = {}
        self.figures: dict[str, Any] = {"messages": count, "memory MB": {}}

    def run(self) -> None:
        """Take all steps."""
        for step in (self._begin, self._accept, self._look, self._wake_spread, self._wake_at_once, self._hang):
            out.print(f"{time.strftime('%X')} {step.__name__[1:].replace('_', ' ')}")
            step()
            self.figures["memory MB"][step.__name__[1:]] = {
                name: weight.now for name, weight in self._watch.weights().items()
            }
        self.figures["memory MB"]["most"] = {name: weight.peak for name, weight in self._watch.weights().items()}
        self._compare()

    def _begin(self) -> None:
        """Start the workers, and see how long that takes."""
        self._system.client.store.policies.publish(_policy())
        for role in ("dispatch", "submit"):
            begun = time.monotonic()
            self._system.fleet.workers(**{role: 1})
            self.figures[f"{role} is ready after s"] = time.monotonic() - begun
        self._system.fleet.workers(dispatch=1, submit=1)

    def _accept(self) -> None:
        """Accept all while none may go."""
        before, begun = self._watch.used(), time.monotonic()
        results = self._system.client.send_many(self._messages())
        took = time.monotonic() - begun
        self.figures["accept"] = {"s": took, "per second": self._count / took}
        self.figures["bytes each"] = (self._watch.used() - before) / self._count
        for n in range(0, self._spread, SAMPLE):
            self._sampled[getattr(results[n], "id", "")] = self._wakes(n).timestamp()

    def _messages(self) -> Iterator[Message]:
        for n, message in enumerate(messages(self._count)):
            yield replace(message, not_before=self._wakes(n))

    def _wakes(self, n: int) -> datetime:
        return self._start + (n // SPREAD * SECOND if n < self._spread else HOUR)

    def _look(self) -> None:
        """Look at what sleeps, as operators do."""
        with self._beside("all sleep, and an audit runs"):
            self.figures["backlog command s"], _ = self._watch.command("backlog")
            begun = time.monotonic()
            self._system.web_answers("/metrics")
            self.figures["metrics scrape s"] = time.monotonic() - begun
            self.figures["audit s"], found = self._watch.command("doctor", "--audit")
            self.figures["audit"] = found[-1]["found"]

    def _wake_spread(self) -> None:
        """Let the first part wake, a thousand a second."""
        self._move_clock(self._start - SECOND)
        with self._beside("a thousand wake each second"):
            self._watch.during(self._spread / SPREAD + 5)
        self._sampled = {id: at - self._shift for id, at in self._sampled.items()}

    def _wake_at_once(self) -> None:
        """Let the rest wake in one instant, and drain it for a while."""
        self._move_clock(self._start + HOUR)
        with self._beside("the same provider drains the backlog"):
            first = self._watch.during(self._seconds / 2)
            took, told = self._watch.command("backlog")
            second = self._watch.during(self._seconds / 2, until_empty=True)
        awake = next((moment for moment in first + second if not moment.overdue), second[-1])
        self.figures["awake at once"] = {
            "woken per second": (first[0].overdue - awake.overdue) / (awake.at - first[0].at),
            "submitted per second": _rate(first + second),
            "backlog command s": took,
            "backlog command": next(line for line in told if line.get("what") == "promotional"),
            "submitted per second after it": _rate(second),
            "left": second[-1].overdue + second[-1].waiting,
            "at": f"{self._server_time():%H:%M:%S}",
        }

    def _hang(self) -> None:
        """Let the backlog's provider hang, and send codes another way."""
        self._system.configure(hanging=["+12025550100"])
        with self._beside("its provider hangs, by another route", "code"):
            self._watch.during(self._seconds)

    def _compare(self) -> None:
        """Compare with what the provider noted."""
        first = {record["id"]: record["first_bytes"][0] for record in self._system.received()}
        late = [(first[id] - at) * 1000 for id, at in self._sampled.items() if id in first]
        self.figures["first byte after its instant ms"] = percentiles(late, sent=len(self._sampled))._asdict()
        self.figures["codes ms"] = {name: codes.waits(first)._asdict() for name, codes in self._codes.items()}
        redis = self._system.client.store.redis
        memory, kept, stats = (redis.info(part) for part in ("memory", "persistence", "stats"))
        self.figures["store"] = {
            "used MB": memory["used_memory"] / 1e6,
            "file MB": kept["aof_current_size"] / 1e6,
            "rewrites": kept["aof_rewrites"],
            "copied on write MB": kept["aof_last_cow_size"] / 1e6,
            "last fork ms": stats["latest_fork_usec"] / 1e3,
        }

    def _beside(self, name: str, category: str = "otp") -> Codes:
        self._codes[name] = Codes(self._system.client, category)
        return self._codes[name]

    def _server_time(self) -> datetime:
        self._system.client.store.greet()
        return self._system.client.store.clock.now()

    def _move_clock(self, to: datetime) -> None:
        self._watch.codes_gone()
        self._shift += (to - self._server_time()).total_seconds()
        self._system.client.store.redis.set(self._system.client.store.keys.clock, int(self._shift * 1000))
        self._system.client.store.greet()  # else the first code after it has the deadline of an hour ago


def _rate(seen: list[Moment]) -> float:
    return (seen[-1].submitted - seen[0].submitted) / (seen[-1].at - seen[0].at)


def _policy() -> dict[str, Any]:
    """Return the lab's policy with a second provider that only the category `code` uses."""
    document = policy_file.document(POLICY)
    document["providers"]["other"] = {**document["providers"]["twilio"]}
    document["senders"]["default"]["other"] = OTHER_SENDER
    document["categories"]["code"] = {**document["categories"]["otp"], "routes": ["other"]}
    return document


def _show(found: dict[str, Any]) -> None:
    plain = {name: value for name, value in found.items() if not isinstance(value, dict)}
    for name, value in {"": plain, **found}.items():
        if isinstance(value, dict):
            nested = isinstance(next(iter(value.values())), dict)
            rows = value if nested else {part: {"": inner} for part, inner in value.items()}
            table = Table(name, *next(iter(rows.values())), box=None, pad_edge=False)
            for part, columns in rows.items():
                table.add_row(part, *map(_words, columns.values()))
            out.print(table, "")


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(each)}" for name, each in value.items() if each is not None)
    return f"{value:,.1f}" if isinstance(value, float) else str(value)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=60, help="how long each step looks on")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="smsqueue-backlog-"))
    environment = {"SMSQUEUE_PUBLIC_URL": "http://127.0.0.1:1", "SMSQUEUE_TESTING": "1"}
    with System(folder, behaviour={"latency_ms": 100}, web=True, settings=environment) as system:
        run = Backlog(system, count=arguments.count, seconds=arguments.seconds)
        run.run()
    figures.write("backlog", run.figures)
    _show(run.figures)
    out.print(f"\nwritten to {figures.TARGET}; logs in {folder}/logs")


if __name__ == "__main__":
    main()
