"""`python -m lab.faults`: every scenario, a table, and build/faults.json."""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.faults.scenario import Row, Scenario
from lab.faults.scenarios import SCENARIOS
from lab.faults.trial import Trial

TARGET = Path("build/faults.json")
MODES = {"": "", "evening": ", at nine", "meddled": ", meddled with"}
"""How a scenario may be run: as it is; with the clock striking nine; with somebody who cancels and pauses."""
LONGEST = {"": 100_000, "evening": 10_000, "meddled": 20_000}
out = Console(highlight=False, width=240, soft_wrap=True)


def attempt(scenario: Scenario, folder: Path, *, count: int, seed: int, mode: str = "") -> Row:
    """Run one scenario and count."""
    with Trial(folder, scenario, count=count, seed=seed, mode=mode) as trial:
        scenario.go(trial)
        trial.heal()
        return trial.end(scenario.name + MODES[mode])


def main() -> int:
    """Exit status 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, help="messages of each trial; else as many as the longest run has")
    parser.add_argument("--only", default="", help="part of a scenario's name")
    parser.add_argument("--mode", choices=[mode or "plain" for mode in MODES], help="one mode instead of all three")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    out.print(f"seed {arguments.seed}: repeat with --seed {arguments.seed}")
    rows: list[Row] = []
    for mode in MODES:
        if arguments.mode not in {None, mode or "plain"}:
            continue
        for scenario in SCENARIOS:
            if arguments.only not in scenario.name or mode in scenario.never:
                continue
            if why := scenario.possible():
                out.print(f"left out: {scenario.name}: {why}")
                continue
            count = arguments.count or min(scenario.most, LONGEST[mode])
            rows.append(_row(scenario, count, arguments.seed, mode))
            _save(rows)
    table = Table(*Row._fields, box=None)
    for row in rows:
        table.add_row(*map(str, row))
    out.print(table)
    return 0 if all(row.kept for row in rows) else 1


def _row(scenario: Scenario, count: int, seed: int, mode: str) -> Row:
    """Run one scenario; one that cannot come to its end is a row that says so, and the others go on."""
    folder = Path(tempfile.mkdtemp(prefix="smsqueue-faults-"))
    try:
        row = attempt(scenario, folder, count=count, seed=seed, mode=mode)
    except Exception as error:  # noqa: BLE001 - a night's run must not end at its first scenario
        missed = f"it did not come to its end: {type(error).__name__}: {error}"
        row = Row(scenario.name + MODES[mode], seed=seed, missed=missed)
    out.print(" ".join(f"{name}={value}" for name, value in row._asdict().items()))
    if row.kept:
        shutil.rmtree(folder)
    else:
        out.print(f"  what it left is in {folder}")
    return row


def _save(rows: list[Row]) -> None:
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps([row._asdict() for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
