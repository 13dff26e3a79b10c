"""`send`, `status`, `cancel`: one message, or a few by id."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer

from smsqueue.cli import sentences, show
from smsqueue.client import Client
from smsqueue.core import duration
from smsqueue.core.message import Message
from smsqueue.errors import InvalidMessage
from smsqueue.inquiry import Inquiry

Ids = Annotated[list[str], typer.Argument(help="Message ids.")]


def send(
    to: Annotated[str, typer.Argument(help="Number, with country code: +44 7700 900123.")],
    text: Annotated[str, typer.Argument(help="Text. Use - to read it from standard input.")],
    category: Annotated[str, typer.Option(help="Category of the policy: it decides lane, hours and validity.")],
    *,
    sender: Annotated[str, typer.Option(help="Sender name of the policy.")] = "",
    not_before: Annotated[str, typer.Option(help="Instant with offset: 2026-11-24T09:00:00+00:00.")] = "",
    deadline: Annotated[str, typer.Option(help="Instant after which it must not be sent.")] = "",
    validity: Annotated[str, typer.Option(help="Instead of a deadline: 30s, 5m, 4h, 3d.")] = "",
    event_at: Annotated[str, typer.Option(help="Instead of a deadline: the event it reminds of.")] = "",
    key: Annotated[str, typer.Option(help="Idempotency key: repeating the command is safe.")] = "",
    supersede: Annotated[str, typer.Option(help="Supersede key: a newer message replaces an older one.")] = "",
    campaign: Annotated[str, typer.Option(help="Campaign, to count, pause and cancel by.")] = "",
    tenant: Annotated[str, typer.Option(help="On whose behalf.")] = "",
    region: Annotated[
        str, typer.Option(help="Country for a number without a country code: GB; or its owner's state: US-TX.")
    ] = "",
    timezone: Annotated[str, typer.Option(help="Where the recipient is, if known: Europe/London.")] = "",
    json: show.AsJson = False,
) -> None:
    """Accept one message. Its number and text are sealed before they leave this process."""
    if text == "-":
        text = typer.get_text_stream("stdin").read().rstrip("\n")
    message = Message(
        to=to,
        text=text,
        category=category,
        sender=sender,
        not_before=instant("not_before", not_before),
        deadline=instant("deadline", deadline),
        validity=_validity(validity),
        event_at=instant("event_at", event_at),
        idempotency_key=key,
        supersede_key=supersede,
        campaign=campaign,
        tenant=tenant,
        region=region,
        timezone=timezone,
    )
    with Client() as client:
        accepted = client.send(message)
    columns = ("id", "state", "reason", "until", "segments", "repeated")
    show.rows([accepted._asdict()], as_json=json, columns=columns)


def status(ids: Ids, *, json: show.AsJson = False) -> None:
    """Say where messages are. Exit status 1 when one of them is unknown."""
    with Inquiry() as inquiry:
        found = inquiry.status(ids)
    rows = [sentences.status(id, envelope) for id, envelope in zip(ids, found, strict=True)]
    columns = ("id", "state", "reason", "category", "campaign", "attempts", "created", "deadline")
    show.rows(rows, as_json=json, columns=columns)
    if None in found:
        raise typer.Exit(1)


def cancel(
    ids: Annotated[list[str] | None, typer.Argument(help="Message ids.")] = None,
    *,
    campaign: Annotated[str, typer.Option(help="Withdraw a whole campaign instead.")] = "",
    json: show.AsJson = False,
) -> None:
    """Withdraw messages that are not yet at a provider. Exit status 1 when one of them could not be."""
    if bool(ids) == bool(campaign):
        raise InvalidMessage("id", "ids_or_campaign", "give ids, or --campaign NAME, not both")
    with Inquiry() as inquiry:
        if campaign:
            inquiry.cancel_campaign(campaign)
            show.rows([{"campaign": campaign, "result": "withdrawn"}], as_json=json, columns=("campaign", "result"))
            return
        codes = inquiry.cancel(ids or [])
    rows = [{"id": id, "result": code} for id, code in zip(ids or [], codes, strict=True)]
    show.rows(rows, as_json=json, columns=("id", "result"))
    if any(code not in {"cancelled", "stopping"} for code in codes):
        raise typer.Exit(1)


def instant(field: str, text: str) -> datetime | None:
    """Read an instant as people write it. Raises InvalidMessage naming the field."""
    if not text:
        return None
    if re.match(r"\d{4}-\d\d-\d\dT", text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise InvalidMessage(field, "bad_instant", "write it as 2026-11-24T09:00:00+00:00, with the offset")


def _validity(text: str) -> timedelta | None:
    if not text:
        return None
    problem = ""
    try:
        return duration.parse(text)
    except ValueError as error:
        problem = str(error)
    raise InvalidMessage("validity", "bad_duration", problem)
