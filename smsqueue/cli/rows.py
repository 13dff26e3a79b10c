"""Rows of a file of messages: CSV with a header, or one JSON object per line."""

from __future__ import annotations

import csv
import hashlib
import json
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from smsqueue.cli.messages import instant
from smsqueue.core import duration
from smsqueue.core.message import Message
from smsqueue.errors import InvalidMessage, Misconfigured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

COLUMNS = frozenset(
    {
        "to",
        "text",
        "category",
        "sender",
        "not_before",
        "deadline",
        "validity",
        "event_at",
        "supersede_key",
        "tenant",
        "region",
        "timezone",
    }
)
"""What a row may say; any other column is sealed with the text, as metadata."""

NEEDED = ("to", "text")


class Row(NamedTuple):
    """One row: its number in the file (the first is 1), what it said, and the message or the mistake in it."""

    number: int
    given: Mapping[str, str]
    message: Message | InvalidMessage


def read(path: Path, *, category: str, campaign: str) -> Iterator[Row]:
    """Read messages from a file. Raises Misconfigured when the file as a whole cannot be read."""
    problem = ""
    try:
        with path.open(encoding="utf-8-sig", newline="", errors="strict") as file:
            source = _json_lines(file) if path.suffix in {".jsonl", ".ndjson", ".json"} else _csv(file, path)
            for number, given in zip(count(1), source):
                yield Row(number, given or {}, _message(number, given, category=category, campaign=campaign))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problem = type(error).__name__
    if problem:
        raise Misconfigured(f"{path}: cannot be read as UTF-8 text ({problem})")


def _csv(file: Iterator[str], path: Path) -> Iterator[dict[str, str] | None]:
    reader = csv.DictReader(file, strict=True)
    missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise Misconfigured(f"{path}: the first line names the columns; {', '.join(missing)} is missing")
    for row in reader:
        whole = None not in row and None not in row.values()
        yield {name: value for name, value in row.items() if value} if whole else None


def _json_lines(file: Iterator[str]) -> Iterator[dict[str, str] | None]:
    for line in file:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        texts = isinstance(row, dict) and all(isinstance(value, str) for value in row.values())
        yield row if texts else None


def _message(number: int, given: Mapping[str, str] | None, *, category: str, campaign: str) -> Message | InvalidMessage:
    if given is None:
        return InvalidMessage("row", "malformed", "it does not have the columns of the first line, or is not JSON")
    problem = None
    try:
        validity = given.get("validity", "")
        return Message(
            to=given.get("to", ""),
            text=given.get("text", ""),
            category=given.get("category") or category,
            sender=given.get("sender", ""),
            not_before=instant("not_before", given.get("not_before", "")),
            deadline=instant("deadline", given.get("deadline", "")),
            event_at=instant("event_at", given.get("event_at", "")),
            validity=duration.parse(validity) if validity else None,
            idempotency_key=_key(campaign, number, given) if campaign else "",
            supersede_key=given.get("supersede_key", ""),
            campaign=campaign,
            tenant=given.get("tenant", ""),
            region=given.get("region", ""),
            timezone=given.get("timezone", ""),
            metadata={name: value for name, value in given.items() if name not in COLUMNS},
        )
    except InvalidMessage as error:
        problem = error
    except ValueError as error:
        problem = InvalidMessage("validity", "bad_duration", str(error))
    return problem


def _key(campaign: str, number: int, given: Mapping[str, str]) -> str:
    """Make a row's idempotency key from campaign, place and content: a run broken off is simply repeated.

    The client hashes it under a key together with tenant and recipient; it is stored nowhere.
    """
    digest = hashlib.sha256(json.dumps(sorted(given.items())).encode()).hexdigest()
    return f"{campaign} {number} {digest}"
