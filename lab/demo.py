"""`make demo`: everything on this machine, a file of real messages, a provider with faults, and a table at the end."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from lab.ledger import Ledger, audit
from lab.sample import write_sample
from lab.scan import leaks
from lab.system import FLOWER_PASSWORD, System
from lab.waiting import wait_for
from smsqueue.core.states import State

if TYPE_CHECKING:
    from smsqueue.client import Client

FOLDER = Path("build/demo")
CAMPAIGN = "demo"
ROWS = 5_000
FAULTS = {"error_503": 0.01, "throttle": 0.01, "take_and_drop": 0.005, "error_500": 0.005}
"""Shares of first submits that meet a fault: what a bad afternoon at a provider looks like."""

out = Console(highlight=False)


def main() -> None:
    """Run the demonstration; `--keep` leaves it running until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running, to look around")
    parser.add_argument("--rows", type=int, default=ROWS)
    arguments = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    behaviour = {"latency_ms": 100, "shares": FAULTS, "callbacks": True, "callback_delay_ms": 200, "undelivered": 0.02}
    with System(FOLDER.resolve(), behaviour=behaviour, web=True) as system:
        _run(system, arguments.rows)
        if arguments.keep:
            _keep(system)


def _run(system: System, rows: int) -> None:
    out.print("[bold]smsqueue[/]: two servers, keys, policy, a stand-in provider and its receipts: up.")
    system.fleet.workers(dispatch=2, submit=2)
    flower = system.fleet.run("flower")
    out.print("Two dispatch and two submit workers and Flower: up.")
    sample = FOLDER / "messages.csv"
    write_sample(sample, rows)
    out.print(f"{rows} messages in {sample}: many countries, five categories, some bad rows.\n")
    begun = time.monotonic()
    _send_file(system, sample)
    took = time.monotonic() - begun
    _watch(system)
    _wait_for_receipts(system)
    flower.wait_until(lambda: True)
    ledger = audit(system, CAMPAIGN)
    found = leaks(system, sample, flower_password=FLOWER_PASSWORD)
    _result(system, ledger, found, took)


def _send_file(system: System, sample: Path) -> None:
    out.print(f"$ smsqueue send-file {sample} --campaign {CAMPAIGN}")
    done = system.command("send-file", str(sample), "--campaign", CAMPAIGN)
    if done.returncode not in {0, 1}:
        raise RuntimeError(done.stderr)
    out.print(done.stdout)


def _watch(system: System) -> None:
    """Show the counts by state until nothing moves that could move now."""
    with Live(console=out, refresh_per_second=4, transient=True) as live:

        def settled() -> bool:
            counts = _counts(system.client)
            live.update(_counts_table(counts))
            moving = counts[State.QUEUED] + counts[State.SUBMITTING] + _soon(system)
            return moving == 0

        wait_for(settled, "the messages' way", within=120, every=0.2)


def _soon(system: System) -> int:
    """Count what sleeps for less than half a minute: retries, throttled ones."""
    store = system.client.store
    store.greet()
    horizon = store.clock.now().timestamp() * 1000 + 30_000
    return int(store.redis.zcount(store.keys.due, "-inf", horizon))


def _wait_for_receipts(system: System) -> None:
    with contextlib.suppress(TimeoutError):  # what has no receipt yet is shown as submitted
        wait_for(lambda: _counts(system.client)[State.SUBMITTED] == 0, "receipts", within=20, every=0.2)


def _counts(client: Client) -> Counter[str]:
    held: dict[bytes, bytes] = client.store.redis.hgetall(client.store.keys.counts(CAMPAIGN))  # type: ignore[assignment]
    return Counter({name.decode(): int(count) for name, count in held.items() if int(count)})


def _counts_table(counts: Counter[str]) -> Table:
    table = Table("state", "messages", box=None)
    for state in State:
        if counts[state]:
            table.add_row(state.value, str(counts[state]))
    return table


def _result(system: System, ledger: Ledger, found: dict[str, Any], took: float) -> None:
    table = Table(title="What became of them", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("messages", justify="right")
    for what, count in ledger.rows():
        table.add_row(what, str(count))
    for what, count in found.items():
        table.add_row(what, str(count))
    out.print(table)
    out.print(
        f"\naccepted in {took:.1f} s; submitted at {ledger.rate:.0f} messages/s with a provider that takes 100 ms"
    )
    wrong = (
        ledger.gone
        + ledger.stuck
        + ledger.after_stop
        + ledger.twice_not_allowed
        + ledger.late
        + ledger.at_night
        + sum(v for k, v in found.items() if "leaked" in k)
    )
    out.print(
        "[bold green]Every promise was kept.[/]" if not wrong else "[bold red]A promise was broken: see above.[/]"
    )
    environment = FOLDER / "env"
    environment.write_text("".join(f"export {name}='{value}'\n" for name, value in sorted(system.env.items())))
    environment.chmod(0o600)
    out.print(
        f"\nLook further: the logs are in {FOLDER}/logs; `make demo-keep` leaves it all running, then\n"
        f"  . {environment}\n"
        f"  .venv/bin/smsqueue doctor\n"
        f"  .venv/bin/smsqueue explain {ledger.example}\n"
        f"  .venv/bin/smsqueue send '+1 202 555 0123' 'Hello' --category otp"
    )
    if wrong:
        raise SystemExit(1)


def _keep(system: System) -> None:
    out.print(f"  Flower: http://127.0.0.1:{system.flower_port}  user demo, password {FLOWER_PASSWORD}")
    out.print("\nRunning until Ctrl-C.")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
