"""The table of send hours on disk: the package's rows, and an operator's in place of them or beside them."""

from __future__ import annotations

import tomllib
from datetime import date
from difflib import get_close_matches
from importlib import resources
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from smsqueue import toml_lines
from smsqueue.core import public_holidays
from smsqueue.core.send_hours import Row
from smsqueue.errors import InvalidPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

TABLE = "hours"
"""The key of the rows, in the package's file and in the operator's."""


def shipped() -> list[dict[str, Any]]:
    """Return the package's rows."""
    text = resources.files("smsqueue").joinpath("data/send_hours.toml").read_text("utf-8")
    return list(tomllib.loads(text)[TABLE])


def read(rows: object, text: str) -> list[dict[str, Any]]:
    """Check the rows that a file's text holds. Raises InvalidPolicy with line, key and what would be right."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidPolicy(f"{TABLE}: write each row below a line that says [[{TABLE}]]")
    plain = [{key: _plain(value) for key, value in row.items()} for row in rows]
    lines = toml_lines.places(text)
    located = sum(len(place) == 2 and place[0] == TABLE for place in lines) == len(plain)  # noqa: PLR2004 - else in line
    first: dict[tuple[str, str], str] = {}
    mistakes: list[str] = []
    for number, row in enumerate(plain):
        beginning = f"line {lines[TABLE, number]}" if located else f"row {number + 1}"
        for key, sentence in _mistakes(row):
            where = f"line {lines[TABLE, number, key]}" if (TABLE, number, key) in lines else beginning
            mistakes.append(f"{where}: {TABLE}{'.' * bool(key)}{key}: {sentence}")
        earlier = first.setdefault(_place(row), beginning)
        if earlier != beginning:
            mistakes.append(f"{beginning}: {TABLE}: the row at {earlier} is about the same place: leave one of them")
    if mistakes:
        raise InvalidPolicy("; ".join(mistakes))
    return plain


def laid_over(below: Iterable[Mapping[str, Any]], above: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the effective rows: one above replaces, as a whole, the one below that is about the same place."""
    return list({_place(row): dict(row) for row in (*below, *above)}.values())


def _mistakes(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Say what is wrong with a row: the key, or "" for the row itself, and a sentence."""
    wrong = None
    try:
        Row.model_validate(row)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
    for item in wrong or ():
        key = str(item["loc"][0]) if item["loc"] else ""
        match item["type"]:
            case "extra_forbidden":
                yield key, _misspelt(key)
            case "missing":
                yield "", f"the row has no {key}: every row needs country, hours, source, date and confidence"
            case _:
                yield key, item["msg"].removeprefix("Value error, ")
    country, subdivision = _place(row)
    known = public_holidays.subdivisions(country) if subdivision and not wrong else None
    if known is not None and subdivision not in known:
        yield "subdivision", f"{country} has no {subdivision}: write one of {', '.join(sorted(known)) or 'none'}"


def _misspelt(key: str) -> str:
    meant = get_close_matches(key, Row.model_fields, n=1)
    return (f'you probably mean "{meant[0]}"' if meant else "there is no such key") + (
        f"; a row knows {', '.join(Row.model_fields)}"
    )


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row.get("country", "")), str(row.get("subdivision", ""))


def _plain(value: object) -> object:
    """Return what can be stored as JSON: TOML has dates, JSON has not."""
    return value.isoformat() if isinstance(value, date) else value
