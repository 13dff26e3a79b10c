"""`python -m lab.faults`: every scenario, a table, and build/faults.json."""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.faults.scenarios import NEVER_AT_NINE, SCENARIOS, Scenario
from lab.faults.trial import Row, Trial

TARGET = {False: Path("build/faults.json"), True: Path("build/faults_at_nine.json")}
out = Console(highlight=False, width=200)


def attempt(scenario: Scenario, folder: Path, *, count: int, seed: int, evening: bool = False) -> Row:
    """Run one scenario; in the `evening`, the clock strikes nine in the middle of it."""
    with Trial(folder, count=count, seed=seed, behaviour=scenario.behaviour, evening=evening) as trial:
        scenario.go(trial)
        return trial.end(f"{scenario.name}, at nine" if evening else scenario.name)


def _row(scenario: Scenario, folder: Path, arguments: argparse.Namespace) -> Row:
    return attempt(scenario, folder, count=arguments.count, seed=arguments.seed, evening=arguments.evening)


def main() -> int:
    """Exit status 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--only", default="", help="part of a scenario's name")
    parser.add_argument("--evening", action="store_true", help="let the clock strike nine in the middle of each")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    out.print(f"seed {arguments.seed}: repeat with --seed {arguments.seed}")
    rows: list[Row] = []
    for scenario in SCENARIOS:
        if arguments.only in scenario.name and not (arguments.evening and scenario.name in NEVER_AT_NINE):
            folder = Path(tempfile.mkdtemp(prefix="smsqueue-faults-"))
            rows.append(_row(scenario, folder, arguments))
            out.print(" ".join(f"{name}={value}" for name, value in rows[-1]._asdict().items()))
            target = TARGET[arguments.evening]
            target.parent.mkdir(exist_ok=True)
            target.write_text(json.dumps([row._asdict() for row in rows], indent=2) + "\n")
    table = Table(*Row._fields, box=None)
    for row in rows:
        table.add_row(*map(str, row))
    out.print(table)
    return 0 if all(row.kept for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
