"""`keys init | show`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from smsqueue.cli import show
from smsqueue.client import keyring_from_environment
from smsqueue.keyring import Keyring

app = typer.Typer(help="The keys that numbers and texts are sealed with.", no_args_is_help=True)


@app.command()
def init(directory: Annotated[Path, typer.Argument(help="Where to write the two files.")]) -> None:
    """Write a new keyring and a new subject key, readable by their owner only. Never overwrites one."""
    keyring_file, subject_file = Keyring.init(directory, datetime.now(UTC).date())
    show.out.print(f"export SMSQUEUE_KEYRING_FILE={keyring_file}")
    show.out.print(f"export SMSQUEUE_SUBJECT_FILE={subject_file}")
    show.err.print("Back both up, apart from Redis: without them nothing that is queued can be sent.")


@app.command("show")
def show_(*, json: show.AsJson = False) -> None:
    """Show which keys there are, by id; never a key."""
    keyring = keyring_from_environment()
    rows = [{"id": id, "active": id == keyring.active} for id in sorted(keyring.ids)]
    show.rows(rows, as_json=json, columns=("id", "active"))
