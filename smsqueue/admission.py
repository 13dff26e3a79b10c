"""The door: a message is validated, planned, named and sealed, or refused before anything is stored."""

from __future__ import annotations

import base64
import json
import os
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from smsqueue.core import area_codes, decisions, identity, msisdn, places, segments, zones
from smsqueue.core.change import queue_of_dispatch
from smsqueue.core.decide import waiting
from smsqueue.core.envelope import Envelope
from smsqueue.core.facts import CLEAR
from smsqueue.core.outcome import End, Handoff, Hold, Park
from smsqueue.core.outlook import Outlook, outlook
from smsqueue.core.payload import LONGEST, Payload, dump
from smsqueue.core.policy import DEFAULT_SENDER, Conflict
from smsqueue.core.rules.advance import advance
from smsqueue.core.rules.hours import find
from smsqueue.core.states import Reason, State
from smsqueue.errors import InvalidMessage
from smsqueue.keyring import Purpose, token
from smsqueue.seal import Header, seal
from smsqueue.store.store import Entry

if TYPE_CHECKING:
    from smsqueue.core.message import Message
    from smsqueue.core.policy import Category, Policy
    from smsqueue.keyring import Keyring

AHEAD = timedelta(days=30)
"""How far `not_before` may lie ahead: a calendar looks 40 days ahead."""

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,31}")
_DIGIT_RUN = re.compile(r"\d{9}")
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_KEY_LONGEST = 255


class Admitted(NamedTuple):
    """A message that may be stored, and its plan."""

    entry: Entry
    until: datetime | None  # held until then; None: it goes at once


def admit(
    message: Message, *, policy: Policy, keyring: Keyring, now: datetime, id: str = "", shards: int = 1
) -> Admitted:
    """Make an entry for the store. Raises InvalidMessage with field, rule and a sentence."""
    name, category = _category(message, policy)
    if category.tenants is not None and message.tenant not in category.tenants:
        raise InvalidMessage("category", "not_allowed", "the policy names the tenants that may use it: not this one")
    _labels(message)
    measure = segments.measure(
        message.text,
        simplify=message.smart_encoding or category.smart_encoding,
        languages=policy.languages[name],
    )
    if measure.segments > category.max_segments:
        raise InvalidMessage(
            "text",
            "too_many_segments",
            f"it takes {measure.segments} segments ({measure.encoding}), its category allows {category.max_segments}",
        )
    to, region, noted = _whereabouts(message, category, policy)
    if message.sender and message.sender not in policy.senders:
        raise InvalidMessage("sender", "unknown_sender", "the policy maps no such name to sender IDs")
    deadline = _deadline(message, category, now)
    bucket = identity.BUCKET if shards == 1 else _bucket(message, to, keyring)
    if id and not id.startswith(bucket):
        raise InvalidMessage("id", "another_recipient", "it was made for another recipient, or another count of shards")
    envelope = Envelope(
        id=id or bucket + _name(message, to, keyring),
        state=State.QUEUED,
        tenant=message.tenant,
        category=name,
        lane=category.lane,
        campaign=message.campaign,
        sender="" if message.sender == DEFAULT_SENDER else message.sender,
        region=region,
        zones=noted,
        segments=measure.segments,
        key_id=keyring.active,
        created=now.replace(microsecond=0),
        not_before=message.not_before,
        deadline=deadline,
        fingerprint=_fingerprint(message, to, region, keyring),
    )
    return _planned(message, envelope, measure.text, to, policy=policy, keyring=keyring, now=now)


def _planned(
    message: Message,
    envelope: Envelope,
    text: str,
    to: str,
    *,
    policy: Policy,
    keyring: Keyring,
    now: datetime,
) -> Admitted:
    state, reason, home, look_at = (
        State.QUEUED,
        Reason.NONE,
        queue_of_dispatch(envelope.lane),
        envelope.deadline,
    )
    until: datetime | None = None
    plan = waiting(envelope, policy, CLEAR, now)
    advances = policy.category(envelope.category).on_conflict is Conflict.ADVANCE
    if advances and isinstance(plan, End) and plan.reason is Reason.TTL_BEFORE_WINDOW:
        envelope = envelope._replace(not_before=advance(envelope, policy, now) or envelope.not_before)
        plan = waiting(envelope, policy, CLEAR, now)
    match plan:
        case Hold(at, why):
            state, reason, home, look_at, until = State.HELD, why, "due", at, at
        case End(_, why):
            sentence = _nowhere(envelope, policy, now) if why is Reason.NO_WINDOW else _NEVER[why]
            raise InvalidMessage(_FIELDS.get(why, "deadline"), why.value, sentence)
        case Handoff() | Park():
            pass
    decided = decisions.added("", state, reason, now, policy.version)
    envelope = envelope._replace(state=state, reason=reason, home=home, codes=decided)
    payload = dump(
        Payload(
            to=to,
            text=text,
            metadata=message.metadata,
            facts=(envelope.region, envelope.zones, envelope.segments, envelope.sender),
        )
    )
    if len(payload) > LONGEST:
        raise InvalidMessage("metadata", "too_long", f"text and metadata take more than {LONGEST} bytes")
    supersede = ""
    if message.supersede_key:
        key = keyring.subject_key(Purpose.SUPERSEDE)
        supersede = _text(token(key, message.tenant, to, message.supersede_key, size=12))
    record = seal(keyring, header(envelope), payload)
    return Admitted(Entry(envelope, record, look_at, supersede), until)


def header(envelope: Envelope) -> Header:
    """Return the fixed fields of an envelope that its payload is bound to."""
    return Header(
        id=envelope.id,
        tenant=envelope.tenant,
        category=envelope.category,
        lane=envelope.lane,
        campaign=envelope.campaign,
        created=int(envelope.created.timestamp()),
        deadline=(envelope.deadline - _EPOCH) // timedelta(milliseconds=1),
    )


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_NEVER = {
    Reason.TTL: "it has passed",
    Reason.TTL_TOO_SHORT: "less validity is left than its category needs to be worth a submit",
    Reason.TTL_BEFORE_WINDOW: "the next instant at which it may be sent lies after it",
    Reason.VALIDITY_UNREPRESENTABLE: "no provider of its category can express so short a validity",
    Reason.NO_ROUTE: "no provider of its category serves this sender",
}
_FIELDS = {Reason.NO_WINDOW: "timezone", Reason.NO_ROUTE: "sender"}


_NAMED = 3  # zones, in a sentence


def _nowhere(envelope: Envelope, policy: Policy, now: datetime) -> str:
    """Say why no window was found."""
    names = find(envelope.region, envelope.zones, policy.category(envelope.category), policy, now).zones
    if not names:
        return "nobody knows in which time zone this number is; give a timezone"
    some = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    return f"the hours of its category in {some} have too little in common, or are unknown there; give a timezone"


def _deadline(message: Message, category: Category, now: datetime) -> datetime:
    instants = (("not_before", message.not_before), ("deadline", message.deadline), ("event_at", message.event_at))
    for field, at in instants:
        if at is not None and (not isinstance(at, datetime) or at.utcoffset() is None):
            raise InvalidMessage(field, "naive_datetime", "an instant needs a time zone: datetime(..., tzinfo=UTC)")
    given = [value for value in (message.deadline, message.validity, message.event_at) if value is not None]
    if len(given) > 1:
        raise InvalidMessage("validity", "deadline_and_validity", "give one of deadline, validity and event_at")
    if category.needs_deadline and not given:
        raise InvalidMessage("deadline", "required", "its category needs a deadline, a validity or an event_at")
    start = max(now, message.not_before) if message.not_before else now
    if start - now > AHEAD:
        raise InvalidMessage("not_before", "too_far", f"it lies more than {AHEAD.days} days ahead")
    validity = category.validity if message.validity is None else message.validity
    if not isinstance(validity, timedelta) or validity <= timedelta(0):
        raise InvalidMessage("validity", "not_positive", "it is a timedelta above zero")
    deadline = message.deadline if message.deadline is not None else start + validity
    field = "validity" if message.deadline is None else "deadline"
    if message.event_at is not None:
        deadline, field = message.event_at - category.lead, "event_at"
    if deadline <= start:
        raise InvalidMessage(field, "ttl", "it has passed, or comes before not_before")
    if deadline - start > category.longest:
        raise InvalidMessage(field, "too_long", "it is longer than its category allows")
    return deadline.astimezone(now.tzinfo)


def foresee(message: Message, *, policy: Policy, now: datetime) -> Outlook:
    """Say what would become of a message to this number now, whatever its text. Raises InvalidMessage."""
    name, category = _category(message, policy)
    _, region, noted = _whereabouts(message, category, policy)
    return outlook(region, noted, name, policy, now)


def _category(message: Message, policy: Policy) -> tuple[str, Category]:
    name = policy.name_of(message.category)
    if name in policy.categories:
        return name, policy.categories[name]
    known = ", ".join(sorted({*policy.categories, *policy.aliases}))
    raise InvalidMessage("category", "unknown_category", f"the policy knows {known}")


def _whereabouts(message: Message, category: Category, policy: Policy) -> tuple[str, str, str]:
    """Return the number, its region with the subdivision, and what is known of its time zones."""
    if message.region and (not isinstance(message.region, str) or _REGION.fullmatch(message.region) is None):
        raise InvalidMessage("region", "bad_region", "it is a country, or a subdivision of one, by ISO 3166: US, US-FL")
    number = msisdn.parse(message.to, region=message.region[:2], accept_fiction=policy.numbers.accept_fiction)
    to = number.msisdn.reveal()
    region = _region(message, to, number.region)
    if message.timezone:
        zones.check(message.timezone)
        return to, region, message.timezone
    return to, region, places.note(to, number.region, category.zones) if category.quiet else ""


def _region(message: Message, to: str, country: str) -> str:
    """Return the country, with the subdivision whose rules hold: the one given, or the area code's."""
    given, _, subdivision = message.region.partition("-")
    if not subdivision:
        subdivision = area_codes.state_of(to) if country == "US" else ""
    elif given != country:
        raise InvalidMessage("region", "another_country", "the number belongs to another country; give a timezone")
    return f"{country}-{subdivision}" if subdivision else country


def _labels(message: Message) -> None:
    for field, label in (("tenant", message.tenant), ("campaign", message.campaign)):
        if label and (not isinstance(label, str) or _LABEL.fullmatch(label) is None or _DIGIT_RUN.search(label)):
            raise InvalidMessage(
                field,
                "bad_label",
                "it travels in clear: a letter, then at most 31 letters, digits, dots, dashes or underscores, "
                "and nothing that could be a phone number",
            )
    for field, key in (
        ("idempotency_key", message.idempotency_key),
        ("supersede_key", message.supersede_key),
    ):
        if key and (not isinstance(key, str) or len(key) > _KEY_LONGEST):
            raise InvalidMessage(field, "too_long", f"it is a string of at most {_KEY_LONGEST} characters")
    if message.metadata and not all(
        isinstance(name, str) and isinstance(value, str) for name, value in message.metadata.items()
    ):
        raise InvalidMessage("metadata", "not_text", "names and values are strings")


def _bucket(message: Message, to: str, keyring: Keyring) -> str:
    return identity.bucket(token(keyring.subject_key(Purpose.BUCKET), message.tenant, to, size=1)[0])


def _name(message: Message, to: str, keyring: Keyring) -> str:
    if not message.idempotency_key:
        return _text(os.urandom(12))
    key = keyring.subject_key(Purpose.IDEMPOTENCY)
    return _text(token(key, message.tenant, to, message.idempotency_key, size=12))


def _fingerprint(message: Message, to: str, region: str, keyring: Keyring) -> str:
    given = (
        to,
        message.text,
        message.category,
        message.sender,
        message.not_before.isoformat() if message.not_before else "",
        message.deadline.isoformat() if message.deadline else "",
        message.event_at.isoformat() if message.event_at else "",
        str(message.validity.total_seconds()) if message.validity else "",
        message.supersede_key,
        message.campaign,
        message.tenant,
        message.timezone,
        region,
        "smart" if message.smart_encoding else "",
        json.dumps(dict(message.metadata), sort_keys=True) if message.metadata else "",
    )
    return _text(token(keyring.subject_key(Purpose.FINGERPRINT), json.dumps(given), size=12))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()
