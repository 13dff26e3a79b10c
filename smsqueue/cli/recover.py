"""`recover`: after a restore from a backup, or a server that lost its last writes."""

from __future__ import annotations

from typing import Annotated

import typer

from smsqueue.cli import show
from smsqueue.cli.store import open_store
from smsqueue.errors import InvalidMessage
from smsqueue.store import recovery

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

Numbers = Annotated[list[int] | None, typer.Option("--shard", help="Only these, of a store of several.")]

WHAT = (
    "What is open in this store may have been submitted after it was written: it becomes UNKNOWN and is never "
    "submitted again; receipts still settle it. What sleeps until a later instant stays. This cannot be undone."
)


def recover(*, shard: Numbers = None, yes: Yes = False, json: show.AsJson = False) -> None:
    """Make a restored store usable: nothing that was open is submitted a second time."""
    store = open_store()
    known = {one.shard: one for one in store.shards}
    if unknown := set(shard or ()) - known.keys():
        raise InvalidMessage("shard", "unknown", f"{', '.join(map(str, unknown))}: they count from 0 to {max(known)}")
    if not yes:
        show.err.print(WHAT)
        typer.confirm("Recover this store?", abort=True)
    counts = recovery.recover(store, shards=[known[number] for number in shard or known])
    row = {name: counts[name] for name in ("doubt", "expired", "kept")}
    show.rows([row], as_json=json, columns=tuple(row))
