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

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per line, for programs.")]

out = Console(file=sys.stdout, soft_wrap=True, highlight=False)
err = Console(file=sys.stderr, soft_wrap=True, highlight=False)


def rows(items: Iterable[Mapping[str, Any]], *, as_json: bool, columns: Sequence[str], title: str = "") -> None:
    """Show rows: as JSON lines, or as a table with these columns."""
    if as_json:
        for item in items:
            sys.stdout.write(json.dumps({name: plain(item.get(name)) for name in columns}) + "\n")
        return
    table = Table(*columns, title=title or None, title_justify="left", box=None, pad_edge=False)
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
