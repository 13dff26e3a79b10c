"""`make drill`: back up, lose the store, restore, recover, audit, go on; and what a person sees at each step.

Real servers and processes of this machine, and the commands as an operator types them. docs/operating.md tells the
same in words; a drill is worth doing before the day comes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from lab.ledger import Ledger, Told, audit
from lab.system import System
from lab.waiting import wait_for
from smsqueue import Accepted, Message
from smsqueue.errors import StoreBehind

if TYPE_CHECKING:
    from collections.abc import Iterator

CAMPAIGN = "drill"
COUNT = 1000
out = Console(highlight=False, soft_wrap=True)


class Drill:
    """One drill on a system that runs. Whoever does it for real goes through the same steps in the same order."""

    def __init__(self, system: System, count: int) -> None:
        self._system, self._count = system, count
        self._backup = system.directory / "backup"
        self._before: list[str] = []
        self._after: list[str] = []

    def run(self) -> Ledger:
        """Go through all steps; returns what the ledger counts afterwards."""
        self._flow()
        self._back_up()
        self._go_on()
        self._lose()
        self._restore()
        self._recover()
        return self._look()

    def _flow(self) -> None:
        _step("Messages flow; some are for later")
        self._system.fleet.workers(dispatch=1, submit=1)
        self._before = self._send("before", self._count)
        self._before += self._send("later", self._count // 10, later=timedelta(hours=2))
        wait_for(lambda: self._system.counts()["taken"] >= self._count // 2, "half of them", within=60)

    def _back_up(self) -> None:
        _step("Back up: no rewrite of the append-only file meanwhile, then copy it. Keys and policy lie elsewhere")
        with self._system.observer() as redis:
            percentage = redis.config_get("auto-aof-rewrite-percentage")["auto-aof-rewrite-percentage"]
            redis.config_set("auto-aof-rewrite-percentage", 0)
            wait_for(lambda: not redis.info("persistence")["aof_rewrite_in_progress"], "the end of a rewrite")
            self._system.store_server.back_up(self._backup)
            redis.config_set("auto-aof-rewrite-percentage", percentage)
        size = sum(path.stat().st_size for path in self._backup.rglob("*") if path.is_file())
        out.print(f"{size / 1e6:.1f} MB copied while messages flow")

    def _go_on(self) -> None:
        _step("The world goes on: what the copy does not know is accepted and sent")
        self._after = self._send("after", self._count)
        wait_for(lambda: self._system.counts()["taken"] >= self._count * 2, "all of them", within=60)
        self._ready()

    def _lose(self) -> None:
        _step("The store is lost, with its disk")
        self._system.store_server.kill()
        shutil.rmtree(self._system.store_server.directory)
        self._ready()
        self._command("doctor")

    def _restore(self) -> None:
        _step("Stop the workers, restore the copy, start the server: whoever has seen more of the store refuses it")
        for process in (*self._system.fleet.of("dispatch"), *self._system.fleet.of("submit")):
            process.terminate()
        shutil.copytree(self._backup, self._system.store_server.directory)
        self._system.store_server.start()
        self._ready()
        try:
            self._system.client.send(_message("refused", 0))
        except StoreBehind as error:
            out.print(f"a producer is told: {error}")

    def _recover(self) -> None:
        _step("Recover: what was open may have been sent since the copy, so none of it is ever sent again")
        self._command("recover", "--yes")
        self._command("doctor", "--audit")

    def _look(self) -> Ledger:
        _step("Start paused, look at what there is, go on")
        self._command("pause", "all")
        self._system.fleet.workers(dispatch=1, submit=1)
        self._command("backlog")
        self._command("resume", "all")
        fresh = self._send("fresh", self._count)
        wait_for(lambda: self._system.counts()["taken"] >= self._count * 3, "the new ones", within=60)
        wait_for(lambda: not self._on_the_way(), "rest", within=60)
        self._ready()
        known = dict(zip(self._after, self._system.client.status(self._after), strict=True))
        forgotten = [id for id, envelope in known.items() if envelope is None]
        ids = [*self._before, *fresh, *(id for id in self._after if id not in forgotten)]
        ledger = audit(self._system, CAMPAIGN, Told(ids=ids))
        _step("What became of it")
        out.print(f"{len(forgotten)} messages are forgotten: accepted after the copy. All of them had been sent.")
        for what, count in ledger.rows():
            out.print(f"{count:8} {what}")
        return ledger

    def _on_the_way(self) -> int:
        store = self._system.client.store
        counts = store.redis.hmget(store.keys.counts(CAMPAIGN), "queued", "submitting")
        return sum(int(count or 0) for count in counts)

    def _send(self, what: str, count: int, *, later: timedelta | None = None) -> list[str]:
        results = self._system.client.send_many(_messages(self._system, what, count, later))
        return [one.id for one in results if isinstance(one, Accepted)]

    def _ready(self) -> None:
        """Show what the monitoring sees."""
        try:
            status, body = self._system.ask_web("/readyz")
        except OSError:
            status, body = 0, b"{}"
        out.print(f"/readyz: {status}, wrong: {', '.join(json.loads(body).get('wrong', [])) or 'nothing'}")

    def _command(self, *words: str) -> None:
        """Run a command as an operator does, and show it."""
        out.print(f"$ smsqueue {' '.join(words)}")
        done = self._system.command(*words, COLUMNS="110")
        for line in (done.stdout + done.stderr).strip().splitlines():
            out.print(f"  {line.rstrip()}", markup=False)


def _messages(system: System, what: str, count: int, later: timedelta | None) -> Iterator[Message]:
    start = system.client.store.clock.now() + later if later else None
    for n in range(count):
        message = _message(what, n)
        yield Message(
            to=message.to, text=message.text, category=message.category, campaign=CAMPAIGN,
            idempotency_key=message.idempotency_key, not_before=start, validity=timedelta(hours=3) if later else None,
        )  # fmt: skip


def _message(what: str, n: int) -> Message:
    return Message(
        to=f"+1202555{101 + n % 60:04d}", text=f"Message {n}, {what}", category="alert", campaign=CAMPAIGN,
        idempotency_key=f"{what} {n}",
    )  # fmt: skip


def _step(what: str) -> None:
    out.print(f"\n[bold]{what}[/]")


def drill(folder: Path, count: int = COUNT) -> Ledger:
    """Do it all in a folder."""
    with System(folder, behaviour={"latency_ms": 50}, web=True, SMSQUEUE_HINT_LEASE="3s") as system:
        return Drill(system, count).run()


def main() -> int:
    """Exit status 1 when something was lost or sent twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    with tempfile.TemporaryDirectory(prefix="smsqueue-drill-") as folder:
        ledger = drill(Path(folder), parser.parse_args().count)
    kept = not (ledger.gone or ledger.stuck or ledger.twice_not_allowed)
    out.print("\n[bold green]Nothing was sent twice.[/]" if kept else "\n[bold red]A promise was broken.[/]")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
