"""The operators' commands: `smsqueue --help`."""

from __future__ import annotations

import sys

from smsqueue.errors import SmsQueueError

NEEDS_EXTRA = "The command line needs the extra: pip install 'smsqueue[cli]'\n"


def main() -> None:
    """Run a command. Exit status 0: done; 1: it could not be done; 2: it was asked wrongly."""
    try:
        from smsqueue.cli.app import app  # noqa: PLC0415 - producers install the library without typer
    except ModuleNotFoundError:
        sys.stderr.write(NEEDS_EXTRA)
        sys.exit(2)
    sentence = ""
    try:
        app()
    except SmsQueueError as error:
        sentence = str(error)
    if sentence:
        sys.stderr.write(f"smsqueue: {sentence}\n")
        sys.exit(1)
