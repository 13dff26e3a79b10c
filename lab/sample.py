"""A file of messages as applications write them: many countries, spellings and categories, and some mistakes.

All numbers are from ranges reserved for fiction or tests: no phone has them.
"""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEED = 20_261_124
BAD = 0.02

_NANP = ("202", "212", "213", "305", "312", "415", "503", "602", "713", "808", "907", "416", "604", "514", "876", "809")


def write_sample(path: Path, rows: int) -> None:
    """Write a CSV file; the same rows for the same day."""
    chance = random.Random(SEED)
    columns = ("to", "text", "category", "sender", "validity", "not_before", "event_at", "timezone", "order")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        for n in range(rows):
            writer.writerow(_bad(chance, n) if chance.random() < BAD else _row(chance, n))


def _row(chance: random.Random, n: int) -> dict[str, str]:
    row = {"to": next(_numbers(chance)), "order": f"A{n:06d}"}
    kind = chance.random()
    token = f"zqk{chance.getrandbits(60):015x}"  # makes each text one of its kind: the leak scan looks for it
    if kind < 0.25:
        row |= {"category": "otp", "text": f"Your code is {chance.randrange(10**6):06d}. Tell nobody. {token}"}
    elif kind < 0.55:
        row |= {"category": "alert", "text": f"Your payment of €{n % 900 + 20} was received. Reference {token}"}
    elif kind < 0.75:
        row |= {"category": "service", "text": f"Ihr Paket kommt morgen zwischen 9 und 12 Uhr. {token}"}
    elif kind < 0.85:
        row |= {"category": "reminder", "text": f"Reminder: your appointment is tomorrow at 10:30. {token}"}
        start = datetime.now(UTC).replace(microsecond=0)
        if chance.random() < 0.3:
            start += timedelta(hours=chance.randrange(2, 48))
            row["not_before"] = start.isoformat()
        row["event_at"] = (start + timedelta(hours=chance.randrange(6, 30))).isoformat()
    else:
        row |= {"category": "promotional", "sender": "shop", "text": f"Nur heute 🎉 20 % auf alles! {token}"}
    if row["category"] == "alert" and chance.random() < 0.02:
        row["validity"] = "61s"
        row["to"] = "+1 202 555 0191"  # the stand-in asks for patience first: then less than a minute is left
    return row


def _numbers(chance: random.Random) -> Iterator[str]:
    while True:
        line = chance.randrange(101, 170)  # 0100 is the sender's, 0170-0199 are the stand-in's special numbers
        kind = chance.randrange(10)
        if kind < 6:
            area = chance.choice(_NANP)
            yield chance.choice((f"+1{area}555{line:04d}", f"+1 ({area}) 555-{line:04d}", f"001 {area} 555 {line:04d}"))
        elif kind == 6:
            yield f"+44 7700 900{chance.randrange(170):03d}"
        elif kind == 7:
            yield f"+33 6 39 98 0{chance.randrange(10)} {chance.randrange(70):02d}"
        elif kind == 8:
            yield f"+46 70 174 06{chance.randrange(5, 100):02d}"
        else:
            yield f"+61 491 570 {chance.choice((156, 157, 158, 159, 110))}"


def _bad(chance: random.Random, n: int) -> dict[str, str]:
    good = _row(chance, n)
    mistakes: tuple[dict[str, str], ...] = (
        {"to": "+1 202 555"},
        {"to": "call me"},
        {"to": "+1 999 555 0100"},
        {"to": "0170 1234567"},
        {"text": ""},
        {"text": "far too long " * 150},
        {"category": "gossip"},
        {"not_before": "2026-13-01T00:00:00+00:00"},
        {"validity": "soon"},
        {"timezone": "Mars/Olympus"},
    )
    return {**good, **chance.choice(mistakes)}
