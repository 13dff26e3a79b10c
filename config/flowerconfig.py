"""Flower's own options, in Flower's own form; address and password come from the environment."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from celery.events.state import Task

enable_events = True
read_only = True  # a dashboard looks; the command line acts
max_tasks = 10_000
purge_offline_workers = 300
natural_time = True
persistent = False  # nothing of ours on a disk that nobody thinks of
debug = False

HIDDEN = "hidden"
CARRIED = ("args", "kwargs", "result", "exception", "traceback")
"""What of a task may hold anything at all: a program that knows no better can put a number there."""

_COUNTED = re.compile(r"\d{1,6} id\(s\)")


def format_task(task: Task) -> Task:
    """Show how many ids a task carried, never what it carried."""
    for field in CARRIED:
        setattr(task, field, shown(field, getattr(task, field)))
    return task


def shown(field: str, value: object) -> object:
    """Reduce what a task carried to a count, or to the word that there was something."""
    if value in (None, "", "()", "[]", "{}", "None", HIDDEN):
        return value
    return _count(str(value)) if field == "args" else HIDDEN


def _count(args: str) -> str:
    """Count the ids in what a worker's event shows of a task's arguments: a list of ids comes last."""
    if _COUNTED.fullmatch(args):
        return args
    try:
        *_, ids = ast.literal_eval(args)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return HIDDEN  # cut short by Celery, or not one of ours
    return f"{len(ids)} id(s)" if isinstance(ids, list) else HIDDEN
