"""A policy on disk: the package's document and its table of send hours, overlaid by the operator's file."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Any

from smsqueue import send_hours, toml_lines
from smsqueue.core import policy as policies
from smsqueue.errors import InvalidPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def document(overlay: Path | None) -> dict[str, Any]:
    """Read and validate the effective document. Raises InvalidPolicy naming file and key."""
    merged = tomllib.loads(resources.files("smsqueue").joinpath("data/policy.toml").read_text("utf-8"))
    merged[send_hours.TABLE] = send_hours.shipped()
    if overlay is None:
        return merged
    problems: list[str] = []
    try:
        text = overlay.read_text("utf-8")
        above = tomllib.loads(text)
        rows = above.pop(send_hours.TABLE, [])
        merged = _overlaid(merged, above)
        try:
            merged[send_hours.TABLE] = send_hours.laid_over(merged[send_hours.TABLE], send_hours.read(rows, text))
        except InvalidPolicy as error:
            problems.append(str(error))
        problems += _wrong(merged, text)
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"cannot be read ({type(error).__name__})")
    except tomllib.TOMLDecodeError as error:
        problems.append(str(error))
    if problems:
        raise InvalidPolicy(f"{overlay}: {'; '.join(problems)}")
    return merged


def _wrong(document: Mapping[str, Any], text: str) -> Iterator[str]:
    """Say what is wrong with a document, each mistake with its line if it stands in the operator's text."""
    found = policies.mistakes(document)
    if isinstance(found, policies.Policy):
        return
    lines = toml_lines.places(text)
    for mistake in found:
        line = toml_lines.line_of(mistake.place, lines)
        yield f"line {line}: {mistake}" if line else str(mistake)


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged key by key; anything else above replaces what is below."""
    merged = dict(below)
    for key, value in above.items():
        lower = merged.get(key)
        merged[key] = _overlaid(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return merged
