"""`python -m lab.faults`: every scenario, a table, and build/faults.json."""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.faults.scenarios import SCENARIOS, Scenario
from lab.faults.trial import Row, Trial

TARGET = Path("build/faults.json")
out = Console(highlight=False, width=200)


def attempt(scenario: Scenario, folder: Path, *, count: int, seed: int) -> Row:
    """Run one scenario."""
    with Trial(folder, count=count, seed=seed, behaviour=scenario.behaviour) as trial:
        scenario.go(trial)
        return trial.end(scenario.name)


def main() -> int:
    """Exit status 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--only", default="", help="part of a scenario's name")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    out.print(f"seed {arguments.seed}: repeat with --seed {arguments.seed}")
    rows: list[Row] = []
    for scenario in SCENARIOS:
        if arguments.only in scenario.name:
            folder = Path(tempfile.mkdtemp(prefix="smsqueue-faults-"))
            rows.append(attempt(scenario, folder, count=arguments.count, seed=arguments.seed))
            out.print(" ".join(f"{name}={value}" for name, value in rows[-1]._asdict().items()))
            TARGET.parent.mkdir(exist_ok=True)
            TARGET.write_text(json.dumps([row._asdict() for row in rows], indent=2) + "\n")
    table = Table(*Row._fields, box=None)
    for row in rows:
        table.add_row(*map(str, row))
    out.print(table)
    return 0 if all(row.kept for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
