"""In which line of a TOML text a key stands: the parser of the standard library does not tell."""

from __future__ import annotations

import re
from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""Keys from the top, and numbers in an array of tables: `("hours", 0, "country")`."""

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'|\s*\.\s*)+?)\s*=")
_PART = re.compile(r"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+)")


def places(text: str) -> dict[Place, int]:
    """Find tables and keys, each where it stands first. What stands inside of a longer value is not looked for."""
    found: dict[Place, int] = {}
    table: Place = ()
    rows: dict[Place, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            table = _parts(header[2])
            if header[1] == "[[":
                rows[table] = rows.get(table, -1) + 1
                table = (*table, rows[table])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_parts(key[1])), number)
    return found


def line_of(place: Place, found: dict[Place, int]) -> int | None:
    """Return the line of a key, or of the closest table around it; None when nothing around it is in the text."""
    for length in range(len(place), 0, -1):
        part = place[:length]
        if inside := [line for key, line in found.items() if key[:length] == part]:
            return min(inside)
    return None


def _parts(text: str) -> Place:
    return tuple(part[0] or part[1] or part[2] for part in _PART.findall(text))
