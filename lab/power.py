"""Losing power: a server is killed, and its append-only files are cut where their last fsync had begun.

`kill -9` alone proves nothing about a disk: the kernel has the bytes already. Where a C compiler is at hand, a
library that is preloaded into the server notes what each fsync covers. Elsewhere the cut is where the file ended when
`note` was called: with everysec, call it a second before; with `always` do not call it, and nothing is cut off but half
an entry that is written, since all that was answered is on the disk.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.servers import Server

SOURCE = Path(__file__).parent / "fsync.c"
HALF_AN_ENTRY = b"*3\r\n$3\r\nSET\r\n$5\r\nhalf"
"""What a disk may have made of a write that was under way."""


class Power:
    """What a power cut would leave of one server's append-only files. Make it before the server starts."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self._synced = folder / "synced"
        self._synced.mkdir(parents=True, exist_ok=True)
        compiler, library = shutil.which("cc"), folder / "fsync.so"
        self.exact = compiler is not None
        """Whether every fsync is seen."""
        self._sizes: dict[str, int] = {}
        if compiler is not None:
            command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
            subprocess.run(command, check=True)
            server.env |= {"LD_PRELOAD": str(library), "SMSQUEUE_LAB_SYNCED": str(self._synced)}

    def note(self) -> None:
        """Take what is in the files now as what a cut leaves, for want of a compiler."""
        self._sizes = {path.name: path.stat().st_size for path in self._files()}

    def lose(self) -> int:
        """Kill the server, cut its files, and start it on the rest; returns how many bytes were cut off."""
        self._server.kill()
        cut = 0
        for path in self._files():
            size = path.stat().st_size
            keeps = min(self._kept(path.name, size), size)
            cut += size - keeps
            with path.open("r+b") as file:
                file.truncate(keeps)
        with self._files()[-1].open("ab") as newest:
            newest.write(HALF_AN_ENTRY)
        self._server.start()
        return cut

    def _kept(self, name: str, size: int) -> int:
        if not self.exact:
            return self._sizes.get(name, size)
        noted = self._synced / name
        return int(noted.read_text()) if noted.exists() else 0

    def _files(self) -> list[Path]:
        """Return them in the order of their numbers, as the server reads them: `appendonly.aof.<n>.incr.aof`."""
        files = self._server.directory.glob("appendonlydir/*.incr.aof")
        return sorted(files, key=lambda path: int(path.suffixes[-3][1:]))
