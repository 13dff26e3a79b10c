"""Flower's own options, in Flower's own form; address and password come from the environment."""

from __future__ import annotations

import ast
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


def format_task(task: Task) -> Task:
    """Show how many ids a task carried, never what it carried."""
    task.args = _count(task.args)
    task.kwargs = "" if task.kwargs in (None, "", "{}") else "hidden"
    task.result = task.result and "hidden"
    task.exception = task.exception and "hidden"
    task.traceback = task.traceback and "hidden"
    return task


def _count(shown: object) -> str:
    """Count the ids in what a worker's event shows of a task's arguments: a list of ids comes last."""
    try:
        *_, ids = ast.literal_eval(str(shown))
        return f"{len(ids)} id(s)" if isinstance(ids, list) else "hidden"
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return "hidden"  # cut short by Celery, or not one of ours
