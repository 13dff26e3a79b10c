"""How far the store has come: a number that rises with every call that accepts, gates or stops.

A server that was restored from a backup, or that lost its last writes with its power, shows a lower number than
was seen of it before. It may have forgotten what was submitted, so every script refuses to work for whoever has
seen more, until `smsqueue recover` has dealt with what was open.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Epoch:
    """The highest number this process has seen. Safe to share among threads: it only rises.

    With a folder it also outlives the process: `save` writes it there, a file per shard, and the next process starts
    from it.
    """

    def __init__(self, folder: Path | None = None, shard: int = 0) -> None:
        self._file = folder / (f"epoch.{shard}" if shard else "epoch") if folder else None
        self.highest = self._saved = self._read()

    def told(self, number: int) -> None:
        """Take in what a script returned."""
        self.highest = max(self.highest, number)

    def forget(self) -> None:
        """Take the store as it is: it was recovered."""
        self.highest = 0

    def save(self) -> None:
        """Write it down, whole or not at all. A folder that cannot be written to costs this memory, no message."""
        number = self.highest
        if self._file is None or number == self._saved:
            return
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_suffix(".new")
            fresh.write_text(f"{number}\n")
            fresh.replace(self._file)
            self._saved = number

    def _read(self) -> int:
        if self._file is None:
            return 0
        try:
            return int(self._file.read_text())
        except (OSError, ValueError):
            return 0
