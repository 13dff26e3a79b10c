"""The policy: what an operator decides about categories, providers, senders and hours, in one validated document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from smsqueue.core import consistency, duration, schedule, send_hours, timing, zones
from smsqueue.core.national import Language  # noqa: TC001 - pydantic reads annotations
from smsqueue.core.places import ANYWHERE, Strategy
from smsqueue.errors import InvalidPolicy

Duration = Annotated[timedelta, BeforeValidator(duration.parse), PlainSerializer(duration.text)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,23}$")]
"""Names travel in clear through keys, queues, logs and metrics: short, plain, and never a customer's."""
Rate = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A number and nothing that could be read as one: whatever came out as 0 would mean that there is no limit."""

UPKEEP = "upkeep"
"""The lane of looks that submit nothing: expiring, watching for receipts. Nobody's category."""

REMEMBERED = timedelta(minutes=1)
"""The shortest retention: producers repeat what they were not sure of."""

DEFAULT_SENDER = "default"
"""The sender of messages that name none."""


class Doubt(StrEnum):
    """What to do with a message that the provider may or may not have."""

    WAIT = "wait"  # for a receipt, then give up: never twice
    AGAIN = "again"  # submit again: for what is better twice than never


class Conflict(StrEnum):
    """What to do with a message for a chosen instant that is quiet, when waiting would be too late."""

    EXPIRE = "expire"  # refuse it at the door
    ADVANCE = "advance"  # send it in the last allowed instant before: the evening before a morning


class QuietKind(StrEnum):
    """Which quiet hours a category respects. It is false when it respects none."""

    LEGAL = "legal"  # those of the table of send hours, by country and subdivision
    COURTESY = "courtesy"  # the policy's own; and the table's, where a law speaks of service messages too
    OFF = "off"  # none: at any hour

    def __bool__(self) -> bool:
        return self is not QuietKind.OFF


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Category(_Part):
    """A kind of traffic, and how it is treated."""

    lane: Name
    quiet: QuietKind
    """Which quiet hours are respected."""
    zones: Strategy = Strategy.COUNTRY
    """Which time zones count for a number when the producer names none."""
    validity: Duration
    """How long it is worth sending when the producer does not say."""
    longest: Duration
    """The longest validity a producer may ask for, and the farthest an instant may lie ahead."""
    min_validity: Duration
    """The shortest remaining time in which a submit still makes sense."""
    needs_deadline: bool = False
    """Whether the producer has to say until when it is of use: by `deadline`, `validity` or `event_at`."""
    lead: Duration = timedelta(0)
    """How long before `event_at` it ends to be of use."""
    on_conflict: Conflict = Conflict.EXPIRE
    late_cutoff: Duration = timedelta(0)
    """How long before quiet hours submits end at providers whose validity ends in their own queue."""
    tenants: tuple[str, ...] | None = None
    """Who may use it; None: everybody."""
    spread: Duration = timedelta(0)
    """What quiet hours held is let go over this long after they end, so that the morning is no herd."""
    attempts: int = Field(ge=1, le=10)
    """Submits of one message, at most; throttled answers and holds do not count."""
    backoff: Duration
    """The first retry comes within this; the range doubles with each attempt (full jitter)."""
    backoff_cap: Duration
    doubt: Doubt = Doubt.WAIT
    resend: bool = False
    """Whether it is submitted again when a receipt proves that it was not delivered, for a cause that passes."""
    cap: int | None = Field(default=None, ge=1, le=1000)
    """Messages of this category to one recipient within 24 hours, at most; None: as many as its hours' rules allow."""
    max_segments: int = Field(default=6, ge=1, le=10)
    smart_encoding: bool = False
    """Whether typographic quotes, dashes and spaces are replaced where that keeps a text in the alphabet of GSM."""
    retention: Duration = timedelta(days=3)
    """How long the envelope stays after the end: as long is its idempotency key remembered."""
    routes: tuple[Name, ...] = Field(min_length=1)
    """Providers, in order of preference; each attempt takes the next."""

    @model_validator(mode="after")
    def _consistent(self) -> Category:
        if not timedelta(seconds=30) <= self.min_validity <= self.validity <= self.longest:
            raise ValueError("must hold: 30s <= min_validity <= validity <= longest")
        if self.longest > timedelta(days=32):
            raise ValueError("longest is at most 32d: a calendar looks 40 days ahead")
        if not timedelta(0) < self.backoff <= self.backoff_cap:
            raise ValueError("must hold: 0s < backoff <= backoff_cap, or a refused message is tried again at once")
        if self.retention < REMEMBERED:
            raise ValueError("retention is at least 1m: so long must a request that is repeated be remembered")
        if not self.quiet and (self.spread or self.late_cutoff or self.on_conflict is not Conflict.EXPIRE):
            raise ValueError("spread, late_cutoff and on_conflict are about quiet hours, which it does not respect")
        if len(set(self.routes)) != len(self.routes):
            raise ValueError("routes names a provider twice")
        return self


class Provider(_Part):
    """A provider's account: which adapter, how much at a time, what its API can express."""

    kind: Name
    """The adapter: a module in `workers/providers`."""
    window: int = Field(default=3000, ge=1, le=100_000)
    """Messages handed out for it at any time, over all processes: so many it can delay, no more."""
    rate: Rate | None = None
    """Segments per second that it takes, over all processes; None: as many as come."""
    burst: Rate | None = None
    """Segments at once after a pause; None: a tenth of a second's rate, at least one."""
    shortest: Duration
    longest: Duration
    reaches_carrier: bool = False
    deduplicates: bool = False
    national: tuple[Language, ...] = ()
    """Languages whose shift tables it uses, says the provider: their letters then cost two units instead of UCS-2."""

    @model_validator(mode="before")
    @classmethod
    def _above_zero(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            for name in ("window", "rate", "burst"):
                value = given.get(name)
                if isinstance(value, int | float) and value <= 0:
                    raise ValueError(f"{name} is above 0; to stop a provider use `smsqueue pause provider <name>`")
            rate = given.get("rate")
            if isinstance(rate, int | float) and given.get("burst") is None:
                return {**given, "burst": max(1.0, rate / 10)}
        return given

    @model_validator(mode="after")
    def _expressible(self) -> Provider:
        if not timedelta(seconds=1) <= self.shortest <= self.longest:
            raise ValueError("must hold: 1s <= shortest <= longest, the validities that its API can express")
        return self


class Lane(_Part):
    """A queue of its own, with a guaranteed part of each provider's window."""

    share: float = Field(ge=0, le=0.9)
    window: int = Field(default=2000, ge=1, le=100_000)
    """Messages handed out to dispatch workers at any time."""


class Numbers(_Part):
    """Which numbers are accepted."""

    accept_fiction: bool = False
    """Accept ranges reserved for fiction, which no phone has: for demonstrations and tests."""


class Quiet(_Part):
    """When a message may be submitted out of courtesy, by the clocks where the recipient may be; and the guard."""

    open: str
    """The hours of categories with `quiet = "courtesy"`."""
    guard: Duration
    """Cut off at both ends: the server's clock error, the call's time limit and the carrier's minutes."""

    min_window: Duration = timedelta(hours=2)
    """The least time that the zones of a recipient must have in common, on their best day."""
    instead: Mapping[str, str] = {}
    """Country -> the zones to go by when its own share too little; `*`: when nobody knows where a number is."""

    @model_validator(mode="after")
    def _readable(self) -> Quiet:
        schedule.parse_schedule(self.open)
        for country, names in self.instead.items():
            if country != ANYWHERE and not zones.of_country(country):
                raise ValueError(f'instead: there is no country "{country}": write two capital letters, or "*"')
            if not zones.named(names):
                raise ValueError(f"instead.{country}: write IANA names like Europe/London, joined by commas")
        if not timedelta(0) <= self.min_window <= timedelta(hours=12):
            raise ValueError("min_window lies between 0s and 12h")
        if not timedelta(seconds=30) <= self.guard <= timedelta(hours=2):
            raise ValueError("guard lies between 30s and 2h: it has to cover clock errors and the provider's call")
        return self


class Policy(_Part):
    """The whole document. `version` is given by the store when it is published, 0 before."""

    format: Literal[1] = 1
    version: int = 0
    numbers: Numbers = Numbers()
    quiet: Quiet
    hours: tuple[send_hours.Row, ...] = ()
    """The table of send hours: what laws and carriers say, by country and subdivision."""
    lanes: Mapping[Name, Lane] = Field(min_length=1)
    categories: Mapping[Name, Category] = Field(min_length=1)
    providers: Mapping[Name, Provider] = Field(min_length=1)
    aliases: Mapping[Name, Name] = {}
    """Other words for categories: `transactional` -> `service`."""
    senders: Mapping[Name, Mapping[Name, Annotated[str, Field(min_length=1, max_length=34)]]]
    """Sender name -> provider -> sender ID (or the provider's name for a pool of numbers)."""

    @model_validator(mode="after")
    def _consistent(self) -> Policy:
        if found := list(consistency.mistakes(self)):
            raise ValueError(_AND.join(found))
        return self

    @model_validator(mode="after")
    def _lanes_fit(self) -> Policy:
        if UPKEEP in self.lanes:
            raise ValueError("lanes: upkeep is ours, choose another name")
        if sum(lane.share for lane in self.lanes.values()) > 0.9:  # noqa: PLR2004 - some must stay free to all
            raise ValueError("lanes: the shares add up to more than 0.9, which leaves nothing for whoever needs more")
        return self

    def sender_id(self, sender: str, provider: str) -> str | None:
        """Return what a provider calls a sender name; None: it does not serve that sender."""
        return self.senders.get(sender or DEFAULT_SENDER, {}).get(provider)

    def name_of(self, category: str) -> str:
        """Return a category's own name for what a producer calls it."""
        return self.aliases.get(category, category)

    def category(self, name: str) -> Category:
        """Return a category; one that the policy no longer knows is treated as the strictest lane's."""
        return self.categories.get(name) or self.strictest

    @cached_property
    def first_lane(self) -> str:
        """The lane of one-time codes, that everything else makes way for."""
        return next(iter(self.lanes))

    def with_another_way(self, provider: str) -> tuple[str, ...]:
        """Return the categories that may go by a provider, or by another."""
        return tuple(
            name
            for name, category in self.categories.items()
            if provider in category.routes and len(category.routes) > 1
        )

    @cached_property
    def retention(self) -> timedelta:
        """The longest that any category's messages are kept after their end."""
        return max(category.retention for category in self.categories.values())

    @cached_property
    def strictest(self) -> Category:
        """How a stored message is treated whose category was removed: quiet, and never twice."""
        quiet = [category for category in self.categories.values() if category.quiet]
        chosen = self.categories.get("promotional") or (quiet or list(self.categories.values()))[0]
        kind = QuietKind.LEGAL if self.hours else QuietKind.COURTESY
        return chosen.model_copy(update={"quiet": kind, "doubt": Doubt.WAIT, "resend": False})

    @cached_property
    def languages(self) -> dict[str, tuple[Language, ...]]:
        """Of each category: whose shift tables all its providers use, since any of them may get a message."""
        found = {}
        for name, category in self.categories.items():
            used = [self.providers[route].national for route in category.routes]
            found[name] = tuple(language for language in used[0] if all(language in others for others in used))
        return found

    @cached_property
    def table(self) -> send_hours.Table:
        """The table, found by region."""
        return send_hours.Table(self.hours)

    @cached_property
    def caps(self) -> dict[tuple[str, str], int | None]:
        """What was found for region and category: kept by `rules.cap`, and gone with the policy."""
        return {}

    @cached_property
    def terms(self) -> dict[tuple[str, str, str], timing.Terms | None]:
        """What was found for region, zones and category: kept by `rules.hours`, and gone with the policy."""
        return {}


class Mistake(NamedTuple):
    """One thing that is wrong with a document: where, and what would be right."""

    place: tuple[str | int, ...]  # keys from the top; none: of the whole
    sentence: str

    def __str__(self) -> str:
        """Place first."""
        return f"{'.'.join(map(str, self.place)) or 'policy'}: {self.sentence}"


def read(document: Mapping[str, Any]) -> Policy:
    """Validate a policy document. Raises InvalidPolicy with every mistake, place and key first."""
    found = mistakes(document)
    if isinstance(found, Policy):
        return found
    raise InvalidPolicy("; ".join(map(str, found)))


def mistakes(document: Mapping[str, Any]) -> Policy | list[Mistake]:
    """Return the policy, or all that is wrong with it."""
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        return [
            _mistake(item["type"], item["loc"], said)
            for item in error.errors(include_url=False, include_context=False, include_input=False)
            for said in item["msg"].removeprefix("Value error, ").split(_AND)
        ]


def _mistake(kind: str, place: tuple[str | int, ...], said: str) -> Mistake:
    if kind == "extra_forbidden":
        part = _PARTS.get(str(place[0]), Policy)
        keys = list(part.model_fields)
        meant = get_close_matches(str(place[-1]), keys, n=1, cutoff=0.7)
        likely = f'you probably mean "{meant[0]}"' if meant else "there is no such key"
        return Mistake(place, f"{likely}; known here are {', '.join(keys)}")
    if kind == "missing":
        return Mistake(place, "it is missing")
    if not place and (named := _NAMED.match(said)):  # a rule about several keys names the one to look at
        return Mistake(tuple(named[1].split(".")), said[named.end() :])
    return Mistake(place, said)


_AND = "; and "
_NAMED = re.compile(r"([a-z_]+(?:\.[A-Za-z0-9_]+)*): ")
_PARTS: dict[str, type[BaseModel]] = {
    "numbers": Numbers,
    "quiet": Quiet,
    "hours": send_hours.Row,
    "lanes": Lane,
    "categories": Category,
    "providers": Provider,
}
