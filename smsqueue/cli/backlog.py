"""`backlog`: what is open, where, since when, and what will become of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smsqueue.cli import show
from smsqueue.cli.store import open_store
from smsqueue.store import backlog as backlogs

if TYPE_CHECKING:
    from smsqueue.store.backlog import Backlog, Line

COLUMNS = ("what", "open", "waiting", "out", "oldest_s", "per_second", "in_time", "expires", "done")


def backlog(*, json: show.AsJson = False) -> None:
    """Show what is open by lane and place, its oldest, and at the present rate: in time, expiring, done when.

    Reads sizes and a few hundred samples, whatever the backlog; numbers by category are estimates.
    """
    found = backlogs.backlog(open_store())
    show.rows(map(_row, found.lines), as_json=json, columns=COLUMNS)
    if found.samples:
        _categories(found, as_json=json)


def _row(line: Line) -> dict[str, Any]:
    return {
        "what": line.what,
        "open": line.open,
        "waiting": line.waiting,
        "out": line.out,
        "oldest_s": None if line.oldest is None else round(line.oldest.total_seconds()),
        "per_second": None if line.rate is None else round(line.rate, 2),
        "in_time": line.in_time,
        "expires": line.expires,
        "done": line.done,
    }


def _categories(found: Backlog, *, as_json: bool) -> None:
    whole = found.samples >= sum(line.open for line in found.lines)
    how = "counted" if whole else "estimated"
    rows = [{"category": c.category, "open": c.open, "how": how, "samples": found.samples} for c in found.categories]
    title = "" if whole else f"\nBy category: an estimate from {found.samples} samples."
    show.rows(rows, as_json=as_json, columns=("category", "open", "how", "samples"), title=title)
