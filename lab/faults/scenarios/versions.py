"""A rolling deploy from the last version to this one and back, one worker at a time, under flow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from typing import TYPE_CHECKING

from lab.faults.scenario import Scenario
from lab.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from lab.faults.trial import Trial
    from lab.processes import Process

ROLES = ("dispatch", "submit", "dispatch", "submit")
RUNS = ("smsqueue", "workers", "config")
VARIABLE = "SMSQUEUE_LAST_VERSION"
"""Names another revision to come from."""


def missing() -> str:
    """Say why there is no last version here; empty if there is one."""
    if shutil.which("git") is None:
        return "git is not installed"
    return "" if last_version() else "this is no repository with a history"


def last_version() -> str:
    """Return the newest tag's commit; without tags, the one before what runs was changed last. Empty: there is none."""
    if given := os.environ.get(VARIABLE):
        return given
    if tag := _git("describe", "--tags", "--abbrev=0"):
        return tag
    changed = _git("log", "-1", "--format=%H", "--", *RUNS)
    return _git("rev-parse", "--verify", "--quiet", f"{changed}^") if changed else ""


def _git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _deploy(trial: Trial) -> None:
    last = trial.scratch()
    _unpack(last)
    trial.system.publish(last / "lab" / "policy.toml", code=last)  # a new policy comes after the new code, never before
    old = [_start(trial, role, last) for role in ROLES]
    for process in old:
        process.wait_for_text("worker.ready")
    trial.under_way(0.1)
    present = _replace(trial, old, ROOT)
    _replace(trial, present, last)


def _replace(trial: Trial, leaving: list[Process], code: Path) -> list[Process]:
    """Start workers of one version and stop those of another, one at a time."""
    came = []
    for process, role in zip(leaving, ROLES, strict=True):
        came.append(_start(trial, role, code).wait_for_text("worker.ready"))
        trial.expect(process.terminate() == 0, f"{role} ends as asked")
    return came


def _start(trial: Trial, role: str, code: Path) -> Process:
    return trial.system.fleet.run(role, [sys.executable, "-m", "workers", role], code=code)


def _unpack(folder: Path) -> None:
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", last_version()], capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


VERSIONS = (
    Scenario(
        "rolling deploy from the last version to this one, and back", _deploy,
        dispatch=0, submit=0, lasts=8, most=20_000, possible=missing, never=frozenset({"evening"}),
    ),
)  # fmt: skip
