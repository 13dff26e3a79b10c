"""`send-file`: many messages at once; the bad rows go into a file, with the reason."""

from __future__ import annotations

import json as jsons
import os
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from rich.progress import Progress

from smsqueue.cli import rows, show
from smsqueue.client import Accepted, Client, Refused
from smsqueue.errors import InvalidMessage
from smsqueue.store.store import CALL_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP = 10 * CALL_MAX
"""Rows read ahead: memory does not grow with the file."""


def send_file(
    path: Annotated[Path, typer.Argument(help="CSV with a header, or JSON lines (.jsonl): to, text, ...")],
    *,
    campaign: Annotated[str, typer.Option(help="Name of this run: repeating it accepts nothing twice.")] = "",
    category: Annotated[str, typer.Option(help="For rows that name none.")] = "",
    refused: Annotated[Path | None, typer.Option(help="Where refused rows go. Default: beside the file.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing; tell what would happen.")] = False,
    json: show.AsJson = False,
) -> None:
    """Accept a file of messages. Exit status 1 when rows were refused."""
    if path.is_dir():
        raise InvalidMessage("path", "no_file", "it is a folder; name a file of messages, CSV or JSON lines")
    if not path.is_file():
        raise InvalidMessage("path", "no_file", "there is no such file")
    reasons: Counter[str] = Counter()
    plan: Counter[str] = Counter()
    refused_path = refused or path.with_suffix(".refused.jsonl")
    with Client() as client, Progress(console=show.err, transient=True, disable=json) as progress:
        task = progress.add_task("accepting", total=None)
        source = rows.read(path, category=category, campaign=campaign)
        sink: TextIO | None = None
        try:
            while step := list(islice(source, STEP)):
                for row, result in _results(client, step, dry_run=dry_run):
                    if isinstance(result, Refused):
                        reasons[f"{result.field}: {result.rule}"] += 1
                        sink = sink or _private(refused_path)
                        _write(sink, row, result)
                    else:
                        _plan(plan, result)
                progress.update(task, advance=len(step))
        finally:
            if sink is not None:
                sink.close()
    lines = [{"what": what, "rows": n} for what, n in sorted(plan.items())]
    lines += [{"what": f"refused, {why}", "rows": n} for why, n in reasons.most_common()]
    show.rows(lines, as_json=json, columns=("what", "rows"), title="Nothing was stored." if dry_run else "")
    if reasons:
        show.err.print(f"Refused rows, with reasons: {refused_path} (it holds numbers and texts: delete it when done)")
        raise typer.Exit(1)


def _results(client: Client, step: list[rows.Row], *, dry_run: bool) -> Iterator[tuple[rows.Row, Accepted | Refused]]:
    good = [row for row in step if not isinstance(row.message, InvalidMessage)]
    messages = [row.message for row in good if not isinstance(row.message, InvalidMessage)]
    answers = iter(client.plan_many(messages) if dry_run else client.send_many(messages))
    for row in step:
        if isinstance(row.message, InvalidMessage):
            problem = row.message
            sentence = str(problem).removeprefix(f"{problem.field}: ")
            yield row, Refused(row.number, problem.field, problem.rule, sentence)
        else:
            yield row, next(answers)


def _plan(plan: Counter[str], accepted: Accepted) -> None:
    again = ", accepted before" if accepted.repeated else ""
    if accepted.until is None:
        plan[f"accepted, {accepted.state}{again}"] += 1
    else:
        plan[f"accepted, held ({accepted.reason}) until {accepted.until:%Y-%m-%d} UTC{again}"] += 1
    plan["segments"] += accepted.segments


def _write(sink: TextIO, row: rows.Row, result: Refused) -> None:
    reason = {"row": row.number, "field": result.field, "rule": result.rule, "sentence": result.sentence}
    sink.write(jsons.dumps({**reason, "given": dict(row.given)}, ensure_ascii=False) + "\n")


def _private(path: Path) -> TextIO:
    """Open a file that only its owner may read: it holds numbers and texts."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8")
