"""Looking for the numbers and texts of a trial wherever they must not be, in whatever encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.canary import surfaces
from lab.canary.forms import Forms
from lab.canary.scanner import scan
from lab.faults.traffic import ALL

if TYPE_CHECKING:
    from pathlib import Path

KEYS = "keys"


def leaks(folder: Path, broker: str) -> int:
    """Count the files of a system that hold one: logs and the store's files; and the keys of its broker."""
    forms = Forms(ALL)
    shown = [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.parent.name != KEYS]
    shown += surfaces.keys(broker).values()
    return sum(bool(scan(data, forms)) for data in shown)
