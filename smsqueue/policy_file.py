"""A policy on disk: the package's document and its table of send hours, overlaid by the operator's file."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Any

from smsqueue import send_hours
from smsqueue.core import policy as policies
from smsqueue.errors import InvalidPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def document(overlay: Path | None) -> dict[str, Any]:
    """Read and validate the effective document. Raises InvalidPolicy naming file and key."""
    merged = tomllib.loads(resources.files("smsqueue").joinpath("data/policy.toml").read_text("utf-8"))
    merged[send_hours.TABLE] = send_hours.shipped()
    if overlay is None:
        return merged
    problem = ""
    try:
        text = overlay.read_text("utf-8")
        above = tomllib.loads(text)
        rows = send_hours.read(above.pop(send_hours.TABLE, []), text)
        merged = _overlaid(merged, above)
        merged[send_hours.TABLE] = send_hours.laid_over(merged[send_hours.TABLE], rows)
        policies.read(merged)
    except (OSError, UnicodeDecodeError) as error:
        problem = f"cannot be read ({type(error).__name__})"
    except (tomllib.TOMLDecodeError, InvalidPolicy) as error:
        problem = str(error)
    if problem:
        raise InvalidPolicy(f"{overlay}: {problem}")
    return merged


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged key by key; anything else above replaces what is below."""
    merged = dict(below)
    for key, value in above.items():
        lower = merged.get(key)
        merged[key] = _overlaid(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return merged
