"""Where the figures of long runs go: build/scale.json, one part for each program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TARGET = Path("build/scale.json")


def write(part: str, figures: dict[str, Any]) -> None:
    """Put a program's figures beside those of the others."""
    known = json.loads(TARGET.read_text()) if TARGET.exists() else {}
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps({**known, part: figures}, indent=2) + "\n")
