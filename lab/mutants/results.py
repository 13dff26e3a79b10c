"""What is known of the mutants: build/mutants.json. A module's part holds as long as it and its suite stay the same."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lab.mutants.mutant import Mutant

TARGET = Path("build/mutants.json")
EXCLUDED = Path(__file__).with_name("excluded.toml")

KILLED, SURVIVED = "killed", "survived"


class Found(NamedTuple):
    """One mutant, and what became of it."""

    line: int
    was: str
    now: str
    fate: str


class Module:
    """What is known of one module."""

    def __init__(self, name: str, digest: str, mutants: int = 0, seconds: float = 0) -> None:
        self.name, self.digest, self.mutants, self.seconds = name, digest, mutants, seconds
        self.found: dict[tuple[int, str, str], Found] = {}

    def note(self, one: Mutant, fate: str) -> None:
        """Write down what became of a mutant."""
        self.found[one.line, one.was, one.now] = Found(one.line, one.was, one.now, fate)

    def fate(self, one: Mutant) -> str | None:
        """Return what became of a mutant; None: not tried yet."""
        found = self.found.get((one.line, one.was, one.now))
        return found.fate if found else None

    @property
    def whole(self) -> bool:
        """Whether all of it was tried."""
        return 0 < self.mutants == len(self.found)


class Results:
    """All modules, on disk."""

    def __init__(self) -> None:
        self.modules: dict[str, Module] = {}
        if TARGET.exists():
            for name, part in json.loads(TARGET.read_text("utf-8"))["modules"].items():
                module = self.modules[name] = Module(name, part["digest"], part["mutants"], part["suite_seconds"])
                module.found = {(line, was, now): Found(line, was, now, fate) for line, was, now, fate in part["found"]}

    def keep(self) -> None:
        """Write them down, in one piece."""
        document = {**self.summary(), "modules": {name: _part(module) for name, module in self.modules.items()}}
        TARGET.parent.mkdir(exist_ok=True)
        fresh = TARGET.with_suffix(".new")
        fresh.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
        fresh.replace(TARGET)

    def summary(self) -> dict[str, object]:
        """Count: all that were tried, those killed, those that nobody can kill, and the rest."""
        reasons, found = excluded(), [(name, one) for name, part in self.modules.items() for one in part.found.values()]
        killed = sum(one.fate == KILLED for _, one in found)
        beyond = [(name, one) for name, one in found if one.fate == SURVIVED and (name, one.was, one.now) in reasons]
        survived = [f"{name}:{one.line}: {one.was}  ->  {one.now}" for name, one in found if one.fate == SURVIVED]
        gone = {f"{name}:{one.line}: {one.was}  ->  {one.now}" for name, one in beyond}
        return {
            "tried": len(found),
            "killed": killed,
            "excluded": len(beyond),
            "share": killed / max(1, len(found) - len(beyond)),
            "survivors": [one for one in survived if one not in gone],
            "whole": all(part.whole for part in self.modules.values()),
        }


def excluded() -> dict[tuple[str, str, str], str]:
    """Read the mutants that no test can see: module, line, and what becomes of it -> why."""
    rows = tomllib.loads(EXCLUDED.read_text("utf-8")).get("mutant", [])
    return {(row["module"], row["was"], now): row["reason"] for row in rows for now in row["now"]}


def _part(module: Module) -> dict[str, object]:
    return {
        "digest": module.digest,
        "mutants": module.mutants,
        "suite_seconds": module.seconds,
        "found": sorted(module.found.values()),
    }
