"""Whether the parts of a policy fit together: each is valid by itself, and yet they may contradict each other."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from smsqueue.core import public_holidays, schedule, send_hours
from smsqueue.core.places import ANYWHERE
from smsqueue.core.send_hours import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smsqueue.core.policy import Category, Policy

_KEPT_BY = {"legal": Traffic.PROMOTIONAL, "courtesy": Traffic.SERVICE}
"""The table's rows that a category's quiet hours are made of."""


def mistakes(policy: Policy) -> Iterator[str]:
    """List what contradicts what: the key to look at, and what would be right."""
    yield from _names(policy)
    yield from _senders(policy)
    yield from _rows(policy)
    if not public_holidays.installed():
        yield from holidays_unknown(policy)
    for name, category in policy.categories.items():
        yield from _never(policy, name, category)


def _names(policy: Policy) -> Iterator[str]:
    for name, category in policy.categories.items():
        if category.lane not in policy.lanes:
            yield f"categories.{name}.lane: there is no lane {category.lane}{_known(policy.lanes)}"
        for route in category.routes:
            if route not in policy.providers:
                yield f"categories.{name}.routes: there is no provider {route}{_known(policy.providers)}"
    for alias, name in policy.aliases.items():
        if name not in policy.categories:
            yield f"aliases.{alias}: there is no category {name}{_known(policy.categories)}"
        elif alias in policy.categories:
            yield f"aliases.{alias}: that is a category itself"


def _senders(policy: Policy) -> Iterator[str]:
    for name, ids in policy.senders.items():
        for provider in ids:
            if provider not in policy.providers:
                yield f"senders.{name}.{provider}: there is no provider {provider}{_known(policy.providers)}"


def _known(names: Iterable[str]) -> str:
    return f", only {', '.join(sorted(names))}"


def _rows(policy: Policy) -> Iterator[str]:
    places = [row.place for row in policy.hours]
    if twice := sorted({place for place in places if places.count(place) > 1}):
        yield f"hours: more than one row is about {', '.join(twice)}: leave one"
    default = next((row for row in policy.hours if row.country == ANYWHERE), None)
    legal = any(category.quiet == "legal" for category in policy.categories.values())
    if legal and (default is None or Traffic.PROMOTIONAL not in default.classes):
        yield f'hours: a row of promotional hours for country "{ANYWHERE}" is missing: somebody is anywhere'


def holidays_unknown(policy: Policy) -> Iterator[str]:
    """Where nobody knows any holidays, no hours that a category keeps may name them."""
    kinds = {category.quiet for category in policy.categories.values()}
    wanted = {_KEPT_BY[kind] for kind in kinds if kind in _KEPT_BY}
    need = [row.rule().id for row in policy.hours if row.names_holidays and wanted.intersection(row.classes)]
    if "courtesy" in kinds and schedule.parse_schedule(policy.quiet.open).holiday is not None:
        need.insert(0, send_hours.COURTESY)
    if need:
        yield f"hours: {', '.join(need)} name public holidays (PH), and {public_holidays.INSTALL}"


def _never(policy: Policy, name: str, category: Category) -> Iterator[str]:
    """Find hours that are never open as long as a category needs: its messages would all expire there."""
    if not category.quiet:
        return
    needs = category.min_validity + 2 * policy.quiet.guard
    hours = {row.rule().id: row.hours for row in policy.hours if _KEPT_BY[category.quiet] in row.classes}
    if category.quiet == "courtesy":
        hours[send_hours.COURTESY] = policy.quiet.open
    for rule, text in hours.items():
        longest = timedelta(minutes=schedule.parse_schedule(text).longest)
        if longest < needs:
            yield (
                f"categories.{name}.min_validity: with the guard at both ends it needs {needs}, "
                f"and the hours of {rule} are never open for longer than {longest}"
            )
