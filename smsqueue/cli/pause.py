"""`pause` and `resume`: for a lane, category, provider, tenant or campaign."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from smsqueue.cli import show
from smsqueue.cli.store import open_store
from smsqueue.store import pauses


class Scope(StrEnum):
    """What can be paused."""

    LANE = "lane"
    CATEGORY = "category"
    PROVIDER = "provider"
    TENANT = "tenant"
    CAMPAIGN = "campaign"
    ALL = "all"


What = Annotated[Scope, typer.Argument(help="What to pause by.")]
Name = Annotated[str, typer.Argument(help="Which one; nothing for `all`.")]


def pause(what: What, name: Name = "", *, json: show.AsJson = False) -> None:
    """Stop submitting, also what is already in Celery queues. Deadlines go on running."""
    store = open_store()
    pauses.pause(store, what.value, name)
    show.rows([{"paused": f"{what} {name}".strip()}], as_json=json, columns=("paused",))


def resume(what: What, name: Name = "", *, json: show.AsJson = False) -> None:
    """Go on. What still can be in time is decided again; a provider's account trouble is tried again, too."""
    store = open_store()
    released = pauses.resume(store, what.value, name)
    row = {"resumed": f"{what} {name}".strip(), "released": released}
    show.rows([row], as_json=json, columns=tuple(row))
