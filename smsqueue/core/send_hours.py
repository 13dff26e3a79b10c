"""The hours of the world: rules with their source, and which of them hold for a region.

Rules are data, never code: the package ships a table, an operator overrides or adds rows.
"""

from __future__ import annotations

from datetime import date as Date  # noqa: N812, TC003 - a rule has a field `date`; pydantic reads annotations
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from phonenumbers import SUPPORTED_REGIONS
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from smsqueue.core import schedule
from smsqueue.core.places import ANYWHERE

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT = "default"
"""The id of that row."""

COURTESY = "courtesy"
"""The id of the policy's own courtesy hours."""

_MEANT = {"EL": "GR", "SU": "RU", "FX": "FR"}  # UK is GB, which is the example for all others as well


class Traffic(StrEnum):
    """What a rule is about."""

    PROMOTIONAL = "promotional"
    SERVICE = "service"  # service-explicit, as Indian law calls it


class Confidence(StrEnum):
    """How well a rule is known."""

    PRIMARY = "primary"  # statute, regulator or carrier body
    RETOLD = "retold"  # a law as told by a vendor
    SECONDARY = "secondary"  # a vendor's documentation
    CONTRADICTORY = "contradictory"  # sources differ: the strictest of them
    JUDGEMENT = "judgement"  # nobody's but ours


class Row(BaseModel):
    """One row: in which hours a place's people may get what kind of message, and who says so."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    country: str
    """ISO 3166: two capital letters; `*`: every country without a row."""
    subdivision: str = Field(default="", pattern=r"^([A-Z0-9]{1,3})?$")
    """ISO 3166-2 without the country: `FL`. Its rule holds together with its country's."""
    hours: str
    source: str = Field(min_length=1, max_length=400)
    date: Date
    """When the source was last read."""
    confidence: Confidence
    classes: tuple[Traffic, ...] = Field(default=(Traffic.PROMOTIONAL,), min_length=1)
    cap: int | None = Field(default=None, ge=1, le=1000)
    """Messages of a category to one recipient within 24 hours, at most."""

    @field_validator("country")
    @classmethod
    def _known(cls, country: str) -> str:
        if country != ANYWHERE and country not in SUPPORTED_REGIONS:
            meant = _MEANT.get(country.upper(), country.upper())
            meant = meant if meant in SUPPORTED_REGIONS else "GB"
            raise ValueError(
                f'there is no country "{country}": write two capital letters of ISO 3166, like "{meant}", '
                f'or "{ANYWHERE}" for every country without a row'
            )
        return country

    @field_validator("hours")
    @classmethod
    def _readable(cls, hours: str) -> str:
        schedule.parse_schedule(hours)
        return hours

    @field_validator("subdivision", mode="after")
    @classmethod
    def _of_a_country(cls, subdivision: str, info: ValidationInfo) -> str:
        if subdivision and info.data.get("country") == ANYWHERE:
            raise ValueError(f'a subdivision needs a country: "{ANYWHERE}" has none')
        return subdivision

    @model_validator(mode="after")
    def _once(self) -> Row:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes names one twice")
        return self

    @property
    def place(self) -> str:
        """The region that it is about: `FR`, `US-FL`, or `*`."""
        return f"{self.country}-{self.subdivision}" if self.subdivision else self.country

    @property
    def names_holidays(self) -> bool:
        """Whether somebody has to know the public holidays."""
        return schedule.parse_schedule(self.hours).holiday is not None

    def rule(self) -> Rule:
        """Return what it says."""
        name = DEFAULT if self.country == ANYWHERE else self.place.lower()
        return Rule(name, self.hours, self.source, self.date.isoformat(), self.confidence, self.cap)


class Rule(NamedTuple):
    """Hours that hold for somebody: what `explain` shows."""

    id: str  # fr, us-fl, default, courtesy
    hours: str
    source: str
    date: str  # when the source was last read, ISO 8601; "" for the policy's own
    confidence: Confidence
    cap: int | None = None


def courtesy(hours: str) -> Rule:
    """Return the policy's own courtesy hours as a rule."""
    return Rule(COURTESY, hours, "the policy's quiet.open", "", Confidence.JUDGEMENT)


class Table:
    """All rows, found by region."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = {row.place: row for row in rows}

    def service(self, region: str) -> tuple[Rule, ...]:
        """Return the rules for service messages: the few that laws make, beside courtesy."""
        return tuple(row.rule() for row in self._of(region, Traffic.SERVICE))

    def promotional(self, region: str) -> tuple[Rule, ...]:
        """Return the rules for promotion: all of them hold at once; none means never.

        A country without a row gets the strict default.
        """
        found = self._of(region, Traffic.PROMOTIONAL)
        if not any(not row.subdivision for row in found):
            default = self._rows.get(ANYWHERE)
            if default is None or Traffic.PROMOTIONAL not in default.classes:
                return ()
            found = [default, *found]
        return tuple(row.rule() for row in found)

    def _of(self, region: str, traffic: Traffic) -> list[Row]:
        country, _, subdivision = region.partition("-")
        found = (self._rows.get(place) for place in ((country, region) if subdivision else (country,)))
        return [row for row in found if row is not None and traffic in row.classes]
