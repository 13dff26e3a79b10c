"""`policy check | diff | apply | show`."""

from __future__ import annotations

import json as jsons
from pathlib import Path
from typing import Annotated

import typer

from smsqueue import policy_file
from smsqueue.cli import show
from smsqueue.cli.store import open_store, shards
from smsqueue.core import policy as policies
from smsqueue.errors import InvalidPolicy
from smsqueue.store import in_use
from smsqueue.store.layout import demand_room
from smsqueue.store.preview import MOST, preview

app = typer.Typer(help="The rules: check a file, put it in force, show what is in force.", no_args_is_help=True)

DEFAULT = Path("config/policy.toml")
File = Annotated[
    Path | None, typer.Argument(help="Policy file, laid over the package's own. Default: config/policy.toml.")
]


@app.command()
def check(file: File = None) -> None:
    """Check a policy file; nothing is changed."""
    demand_room(policies.read(policy_file.document(_file(file))), shards())
    show.out.print("The policy is valid.")


@app.command()
def apply(file: File = None) -> None:
    """Check a policy file and put it in force. A policy that fails is never applied, the old one stays."""
    document = policy_file.document(_file(file))
    store = open_store()
    if any(shard.policies.published().version for shard in store.shards):
        in_use.check(store, policies.read(document))
    version = store.policies.publish(document)
    show.out.print(f"Policy version {version} is in force.")


@app.command()
def diff(file: File = None, *, json: show.AsJson = False) -> None:
    """Say how many held messages a policy file would move, and where to; nothing is changed."""
    store = open_store()
    seen = preview(store, policies.read(policy_file.document(_file(file))))
    rows = [
        {"what": what, "hour": hour, "messages": count}
        for (what, hour), count in sorted(seen.moves.items(), key=lambda item: (item[0][0], str(item[0][1])))
    ]
    show.rows(rows, as_json=json, columns=("what", "hour", "messages"))
    if not json:
        sample = "" if seen.held <= MOST else f", an even sample of {seen.held} that sleep"
        show.out.print(f"{seen.looked_at} messages held for quiet hours were looked at{sample}.")


@app.command("show")
def show_() -> None:
    """Show the policy in force, as JSON."""
    policy = open_store().policies.current
    show.out.print_json(jsons.dumps(policy.model_dump(mode="json")))


def _file(file: Path | None) -> Path | None:
    if file is not None and not file.exists():
        raise InvalidPolicy(f"{file}: there is no such file")
    return file or (DEFAULT if DEFAULT.exists() else None)
