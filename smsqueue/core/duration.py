"""Durations as people write them in a policy: `30s`, `5m`, `4h`, `3d`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FORM = re.compile(r"([0-9]{1,6})([smhd])")


def parse(value: object) -> timedelta:
    """Read `5m` as five minutes. Raises ValueError with what would be right."""
    if isinstance(value, timedelta):
        return value
    match = _FORM.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a duration is a number and a unit in quotes: "30s", "5m", "4h" or "3d"')
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def text(value: timedelta) -> str:
    """Write a duration of whole seconds in its largest exact unit."""
    seconds = int(value.total_seconds())
    unit = next((unit for unit in "dhm" if seconds and seconds % _UNITS[unit] == 0), "s")
    return f"{seconds // _UNITS[unit]}{unit}"
