"""`explain`: why a message went when it went; or, for a number, when a message would go, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from smsqueue.cli import sentences, show
from smsqueue.cli.messages import instant
from smsqueue.core import duration
from smsqueue.core.change import provider_of
from smsqueue.core.places import Origin
from smsqueue.core.states import Reason
from smsqueue.errors import InvalidMessage
from smsqueue.inquiry import Inquiry
from smsqueue.store import gauges

if TYPE_CHECKING:
    from smsqueue.core.envelope import Envelope
    from smsqueue.core.outlook import Outlook

_DAYS = 3
_CELL = timedelta(minutes=30)
_CELLS = timedelta(days=1) // _CELL
_MANY = 6  # zones in a line

_ORIGIN = {
    Origin.GIVEN: "given with the question",
    Origin.COUNTRY: "everywhere in the country",
    Origin.PREFIX: "by the number's prefix",
    Origin.POLICY: "by the policy's quiet.instead",
    Origin.NOBODY: "nobody knows",
}


def explain(
    subject: Annotated[str, typer.Argument(help="Message id; or, with --category, a number: '+44 7700 900123'.")],
    *,
    category: Annotated[str, typer.Option(help="Say when a message of this category would go to a number.")] = "",
    at: Annotated[str, typer.Option(help="At this instant with offset, instead of now.")] = "",
    region: Annotated[str, typer.Option(help="Country for a number without a country code, or its state: US-TX.")] = "",
    timezone: Annotated[str, typer.Option(help="Where the recipient is, if known: Europe/London.")] = "",
    json: show.AsJson = False,
) -> None:
    """Say which rule decided what about a message; or, with --category, what would become of one to a number."""
    with Inquiry() as inquiry:
        if not category and subject.startswith("+"):
            raise InvalidMessage("category", "required", "to explain a number, say which category: --category service")
        if category:
            found = inquiry.explain_number(
                subject, category=category, at=instant("at", at), region=region, timezone=timezone
            )
            _foretell(found, as_json=json)
            return
        if at or region or timezone:
            raise InvalidMessage("category", "required", "with --at, --region or --timezone, --category is needed")
        envelope = inquiry.explain(subject)
        _tell(subject, envelope, as_json=json)
        provider = provider_of(envelope.home)
        if provider and provider in gauges.ailing(inquiry.store):
            _tell_ailing(provider, as_json=json)


def _tell(id: str, envelope: Envelope, *, as_json: bool) -> None:
    rows = [
        {"at": d.at, "state": d.state, "reason": d.reason, "policy": d.policy, "because": sentences.because(d)}
        for d in envelope.decisions
    ]
    columns = ("at", "state", "reason", "policy", "because")
    show.rows(rows, as_json=as_json, columns=columns, title=f"{id}: last decisions")
    attempts = [
        {"attempt": n, "provider": a.provider, "result": a.result or "under way", "code": a.code}
        for n, a in enumerate(envelope.attempts, 1)
    ]
    if attempts:
        show.rows(attempts, as_json=as_json, columns=("attempt", "provider", "result", "code"), title="attempts")


def _tell_ailing(provider: str, *, as_json: bool) -> None:
    if as_json:
        show.rows([{"provider": provider, "ailing": True}], as_json=True, columns=("provider", "ailing"))
    else:
        show.out.print(f"It waits for {provider}, which does not answer and is only probed.", markup=False)


def _foretell(found: Outlook, *, as_json: bool) -> None:
    if as_json:
        row: dict[str, Any] = {
            **found._asdict(),
            "rules": [rule._asdict() for rule in found.rules],
            "windows": [[show.plain(window.opens), show.plain(window.closes)] for window in found.windows],
        }
        show.rows([row], as_json=True, columns=tuple(row))
        return
    more = f" and {len(found.zones) - _MANY} more" if len(found.zones) > _MANY else ""
    facts = [
        ("asked about", f"{found.category}, {show.words(found.at)}"),
        ("answer", _answer(found)),
        ("region", found.region),
        ("zones", ", ".join(found.zones[:_MANY]) + more if found.zones else "none"),
        ("found", _ORIGIN[found.origin] if found.zones or found.rules else "not asked: its category keeps no hours"),
        ("a day", f"{found.cap} messages to one recipient" if found.cap else "as many as come"),
        ("decided by", f"policy version {found.policy}, time zones {found.tzdata}"),
    ]
    if advice := _advice(found):
        facts.append(("advice", advice))
    for name, value in facts:
        show.out.print(f"{name:<12}{value}", markup=False)
    if found.rules:
        show.out.print()
        columns = ("id", "hours", "confidence", "date", "source")
        show.rows(
            [rule._asdict() for rule in found.rules], as_json=False, columns=columns, title="rules: all of them hold"
        )
    if found.windows:
        show.out.print()
        for line in timeline(found):
            show.out.print(line, markup=False)


def _answer(found: Outlook) -> str:
    until = f", good until {show.words(found.valid_until)}" if found.valid_until else ""
    if found.reason is Reason.NONE:
        return f"goes at once{until}"
    why = sentences.BECAUSE[found.reason]
    if found.reason is Reason.QUIET_HOURS:
        soon = any(window.has(found.at) for window in found.windows)
        why = f"in some place where the recipient may be it {'is quiet too soon' if soon else 'is quiet'}"
    if found.goes is None:
        return f"refused with its category's validity: {why}"
    spread = f" or up to {duration.text(found.spread)} later, as its id decides" if found.spread else ""
    return f"held until {show.words(found.goes)}{spread}: {why}{until}"


def _advice(found: Outlook) -> str:
    """Say what would help a message whose recipient may be in too many places, or in none."""
    if found.origin is Origin.NOBODY and found.reason is Reason.NO_WINDOW:
        return (
            "name the recipient's timezone with the message, or one for all such numbers in the policy's quiet.instead"
        )
    if found.origin in {Origin.COUNTRY, Origin.PREFIX} and len(found.zones) > 1:
        return "name the recipient's timezone with the message, where it is known: then no other place counts"
    return ""


def timeline(found: Outlook) -> list[str]:
    """Draw the next days by the clock of one zone: half an hour a sign, open ones filled."""
    zone = ZoneInfo(found.zones[0])
    first = found.at.astimezone(zone).date()
    ruler = "".join(f"{hour:<12}" for hour in ("0", "6", "12", "18"))
    lines = [f"by the clock of {zone.key}:", f"{'':<14}{ruler}24"]
    for number in range(_DAYS):
        day = first + timedelta(days=number)
        cells = [datetime.combine(day, datetime.min.time(), UTC) + _CELL * cell for cell in range(_CELLS)]
        signs = "".join(_sign(found, cell.replace(tzinfo=zone).astimezone(UTC)) for cell in cells)
        opens = [window for window in found.windows if window.opens.astimezone(zone).date() == day]
        times = "  ".join(
            f"{window.opens.astimezone(zone):%H:%M}-{window.closes.astimezone(zone):%H:%M}" for window in opens
        )
        lines.append(f"{day:%a %d %b}    {signs}  {times or 'closed'}")
    return lines


def _sign(found: Outlook, at: datetime) -> str:
    if at + _CELL <= found.at:
        return " "  # it is past
    middle = at + _CELL / 2
    return "█" if any(window.has(middle) for window in found.windows) else "·"
