"""A real search for the numbers and texts of a sample file, everywhere that something could have leaked to."""

from __future__ import annotations

import base64
import csv
import http.client
from contextlib import suppress
from typing import TYPE_CHECKING

from lab.canary.canary import Canary
from lab.canary.forms import Forms
from lab.canary.scanner import scan
from smsqueue.core import msisdn
from smsqueue.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.system import System

PAGES = (
    "/",
    "/workers",
    "/tasks",
    "/broker",
    "/tasks/datatable?draw=1&start=0&length=500&search[value]=",
    "/api/tasks",
)
CANARIES = 400
"""Messages that are looked for: the first ones, of all kinds; all of them would take minutes."""


def leaks(system: System, sample: Path, *, flower_password: str) -> dict[str, int]:
    """Count canaries that were found, by surface."""
    forms = Forms(list(_canaries(sample)))
    surfaces = {
        "logs": b"".join(path.read_bytes() for path in sorted((system.directory / "logs").glob("*.log"))),
        "append-only file": b"".join(
            path.read_bytes()
            for path in sorted(system.store_server.directory.glob("appendonlydir/*"))  # its base, too
        ),
        "live keys": b"\n".join(_live_keys(system)),
        "Flower's pages": b"\n".join(_pages(system, flower_password)),
    }
    return {f"leaked: {name} ({len(data) / 1e6:.1f} MB)": len(scan(data, forms)) for name, data in surfaces.items()}


def _canaries(sample: Path) -> Iterator[Canary]:
    seen: set[str] = set()
    with sample.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            with suppress(InvalidMessage):
                number = msisdn.parse(row["to"], accept_fiction=True).msisdn.reveal()
                if number not in seen and row["text"] and "zqk" in row["text"]:
                    seen.add(number)
                    yield Canary(number, row["text"])
            if len(seen) >= CANARIES:
                return


def _live_keys(system: System) -> Iterator[bytes]:
    for redis in (system.client.store.redis,):
        for key in redis.scan_iter(count=1000):
            yield key
            yield redis.dump(key) or b""


def _pages(system: System, password: str) -> Iterator[bytes]:
    headers = {"Authorization": "Basic " + base64.b64encode(f"demo:{password}".encode()).decode()}
    for path in PAGES:
        connection = http.client.HTTPConnection("127.0.0.1", system.flower_port, timeout=10)
        with suppress(OSError):
            connection.request("GET", path, headers=headers)
            yield connection.getresponse().read()
        connection.close()
