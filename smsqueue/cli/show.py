"""Showing results: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WHOLE = frozenset({"id", "state", "what", "category"})
"""Columns that are copied, searched for or compared: in a narrow window the others give way."""

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per line, for programs.")]

WIDE = None if sys.stdout.isatty() else 160
"""Columns of a table that goes into a file or to another program: there no window limits it."""

out = Console(file=sys.stdout, soft_wrap=True, highlight=False, width=WIDE)
err = Console(file=sys.stderr, soft_wrap=True, highlight=False)


def rows(items: Iterable[Mapping[str, Any]], *, as_json: bool, columns: Sequence[str], title: str = "") -> None:
    """Show rows: as JSON lines, or as a table with these columns."""
    if as_json:
        for item in items:
            sys.stdout.write(json.dumps({name: plain(item.get(name)) for name in columns}) + "\n")
        return
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in WHOLE)
    for item in items:
        table.add_row(*(words(item.get(name)) for name in columns))
    out.print(table)


def plain(value: Any) -> Any:
    """Return a value as JSON has it; durations in seconds."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


def words(value: Any) -> str:
    """Return a value as people read it; instants in UTC, which says so."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    return str(value)
