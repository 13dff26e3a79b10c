"""`python -m lab.lifecycle`: writes docs/lifecycle.md from the table of transitions."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from smsqueue.core import states
from smsqueue.core.states import FINAL, TRANSITIONS, Reason, State

TARGET = Path(__file__).resolve().parent.parent / "docs" / "lifecycle.md"


def page() -> str:
    """Return the page."""
    words = dict(re.findall(r'= "(\w+)"  # (.+)', inspect.getsource(states)))
    lines = [
        "# A message's life",
        "",
        "Made by `python -m lab.lifecycle` from `smsqueue/core/states.py`; a test keeps it true.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> queued",
        "    [*] --> held",
    ]
    lines += [f"    {before} --> {after}" for before in State for after in State if after in TRANSITIONS[before]]
    lines += [f"    {state} --> [*]" for state in State if state in FINAL]
    lines += ["```", "", "| state | meaning | may become |", "|---|---|---|"]
    for state in State:
        after = ", ".join(other for other in State if other in TRANSITIONS[state]) or "-"
        lines.append(f"| {state} | {words[state]} | {after} |")
    lines += ["", "| reason | meaning |", "|---|---|"]
    lines += [f"| {reason} | {words[reason]} |" for reason in Reason]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(page())
