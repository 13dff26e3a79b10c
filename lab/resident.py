"""Memory of a process, from the kernel's own books."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Resident(NamedTuple):
    """Megabytes in memory, now and at most so far."""

    now: float
    peak: float


def resident(pid: int) -> Resident:
    """Return what a live process keeps in memory; zeros where the kernel does not tell (no /proc)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return Resident(0.0, 0.0)
    kilobytes = {
        name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if "kB" in rest
    }
    return Resident(kilobytes.get("VmRSS", 0) / 1000, kilobytes.get("VmHWM", 0) / 1000)
