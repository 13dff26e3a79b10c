"""`make mutants`: plants defects into `smsqueue/core`, one at a time, and writes build/mutants.json.

    python -m lab.mutants                     what has changed since the last run, by itself or in its tests
    python -m lab.mutants --for 100           the same, for so many seconds: the next call goes on
    python -m lab.mutants --only calendar     one module
    python -m lab.mutants --survivors         those that survived, again: while writing the tests that they ask for

The goal counts what is killed of all but the mutants that no test can see; those stand in excluded.toml with reasons.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
import tomllib
from pathlib import Path

from lab.mutants import mutant, results, trial
from lab.mutants.results import KILLED, SURVIVED, Module, Results

HERE = Path(__file__).parent
CORE, TESTS = Path("smsqueue/core"), Path("tests/core")
EVERYWHERE = ["values"]
GOAL = 0.99


def main() -> int:
    """Try what has not been tried, and say how many were seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--for", dest="seconds", type=float, default=float("inf"))
    parser.add_argument("--only", default="")
    parser.add_argument("--survivors", action="store_true")
    arguments = parser.parse_args()
    os.nice(19)
    trial.prepare()
    known, until = Results(), time.monotonic() + arguments.seconds
    done = True
    for name, files in _suites().items():
        if not arguments.only or arguments.only == name:
            done &= _module(name, files, known, until, again=arguments.survivors)
    return _report(known, done=done)


def _module(name: str, files: list[str], known: Results, until: float, *, again: bool) -> bool:
    """Try the mutants of one module; return whether none is left."""
    path, suite = CORE / f"{name}.py", [str(TESTS / f"test_{file}.py") for file in files]
    digest = _digest(path, *suite, TESTS / "conftest.py")
    if time.monotonic() > until:
        return False
    module = known.modules.get(name)
    if module is None or (module.digest != digest and not again):
        module = known.modules[name] = Module(name, digest)
    if module.whole and not again:
        return True
    every, beyond = mutant.of(path, f"{name}.py"), results.excluded()
    module.digest, module.mutants = digest, len(every)
    places = {one.place for one in every}
    module.found = {key: one for key, one in module.found.items() if key in places}
    left = [one for one in every if module.fate(one) is None]
    if again:
        left += [one for one in every if module.fate(one) == SURVIVED and (name, one.was, one.now) not in beyond]
    if left:
        module.seconds = round(_control(name, left[0].module, suite), 1)
        _try(module, left, suite, until)
    known.keep()
    return module.whole


def _control(name: str, file: str, suite: list[str]) -> float:
    """See that the suite passes, and that it can fail; return the seconds of CPU that it takes."""
    began = os.times()
    if not trial.survives(None, suite, 600):
        raise SystemExit(f"{name}: its suite fails without any defect")
    ended = os.times()
    seconds = ended.children_user + ended.children_system - began.children_user - began.children_system
    if trial.survives(mutant.Mutant(file, 1, "", "", "raise RuntimeError"), suite, 600):
        raise SystemExit(f"{name}: its suite does not import it")
    return seconds


def _try(module: Module, left: list[mutant.Mutant], suite: list[str], until: float) -> None:
    limit, doubtful = trial.CPU_FLOOR + 2 * module.seconds, []
    for one, seen in trial.seen_quickly(left, suite, limit):
        if seen is None or (not seen and module.fate(one) == SURVIVED):
            doubtful.append(one)
        else:
            module.note(one, KILLED if seen else SURVIVED)
        if time.monotonic() > until:
            break
    for one in doubtful:
        if time.monotonic() > until:
            break
        module.note(one, SURVIVED if trial.survives(one, suite, limit) else KILLED)


def _report(known: Results, *, done: bool) -> int:
    known.keep()
    told = known.summary()
    for survivor in told["survivors"]:  # type: ignore[attr-defined]
        print(survivor)
    left = "" if done else "; some are left: call it again"
    print(
        f"{told['tried']:,} mutants of core, {told['killed']:,} killed, {told['excluded']} that no test can see: "
        f"{told['share']:.1%}{left}"
    )
    return 0 if told["share"] >= GOAL else 1  # type: ignore[operator]


def _suites() -> dict[str, list[str]]:
    suites = tomllib.loads((HERE / "suites.toml").read_text("utf-8"))
    modules = {str(path.relative_to(CORE).with_suffix("")) for path in CORE.rglob("*.py") if path.stem != "__init__"}
    if modules != suites.keys():
        raise SystemExit(f"suites.toml and core differ about {', '.join(sorted(modules ^ suites.keys()))}")
    return {module: [*files, *EVERYWHERE] for module, files in suites.items()}


def _digest(*files: str | Path) -> str:
    return hashlib.sha256(b"\0".join(Path(one).read_bytes() for one in files)).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
