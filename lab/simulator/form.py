"""A form as it comes over the wire: split at once, decoded where somebody looks."""

from __future__ import annotations

from urllib.parse import unquote_plus


def split(body: bytes) -> dict[bytes, bytes]:
    """Return a form's fields, their values still encoded."""
    return {name: value for name, _, value in [part.partition(b"=") for part in body.split(b"&")]}


def text(value: bytes) -> str:
    """Decode a value."""
    return unquote_plus(value.decode("utf-8", "replace"), "utf-8", "replace")
