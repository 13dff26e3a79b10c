"""The counters of `m` as metrics: what became of messages, and of calls to providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from smsqueue.core.states import FINAL, Reason, State
from smsqueue.core.submission import SendStatus
from smsqueue.privacy.log import EventName
from smsqueue.store.gauges import BOUNDS
from workers.labels import Labels, home

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from prometheus_client import Metric

    from smsqueue.core.policy import Policy

ALARMING = (Reason.POISON, Reason.BAD_SEAL, Reason.NO_PAYLOAD)
"""Ends that must be seen at the first: their counters exist before anything happened."""
TOLD = 4
"""Parts of a counter of transitions: state, reason, category, provider."""


def counted(counters: Mapping[str, int], policy: Policy) -> Iterator[Metric]:
    """Yield what became of messages."""
    of = ("lane", "category")
    families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {
        "accepted": _counter("smsqueue_accepted", "Messages accepted.", *of),
        "submitted": _counter("smsqueue_submitted", "Messages that a provider took.", *of, "provider"),
        "final": _counter("smsqueue_final", "Messages that ended.", "state", "reason", *of, "provider"),
        "entered": _counter("smsqueue_doubts", "Messages that came in doubt.", "reason", *of, "provider"),
        "doubt": GaugeMetricFamily("smsqueue_in_doubt", "Messages in doubt now.", labels=of),
        "held": _counter("smsqueue_holds", "Decisions to hold a message.", "reason", *of),
        "lost": _counter("smsqueue_settles_refused", "Writes refused since somebody was faster.", *of),
        "lease": _counter("smsqueue_leases_ended", "Leases that ran out.", "home", "provider", "lane"),
        "late": _counter("smsqueue_delivered_late", "Messages delivered too late.", "how", "provider", "country"),
        "event": _counter("smsqueue_worker_events", "Events of workers, as in their logs.", "event"),
    }
    labels = Labels(policy)
    totals = dict.fromkeys(_from_zero(policy, labels), 0)
    for field, n in counters.items():
        kind, *rest = field.split("|")
        if key := _told(rest, labels) if kind == "told" and len(rest) == TOLD else _other(kind, rest, labels):
            totals[key] = totals.get(key, 0) + n  # what the policy no longer knows shares one label
    for (name, values), n in totals.items():
        families[name].add_metric(values, max(n, 0))
    yield from families.values()


def _from_zero(policy: Policy, labels: Labels) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name the series that exist before anything happened: Prometheus does not see a counter's first rise."""
    for category in policy.categories:
        where = labels.category(category)
        yield from ((kind, where) for kind in ("accepted", "doubt"))
        yield from (("submitted", (*where, provider)) for provider in policy.categories[category].routes)
        yield from (("final", (State.FAILED, reason, *where, "")) for reason in ALARMING)
    yield from (("event", (name,)) for name in EventName)


def _told(rest: Sequence[str], labels: Labels) -> tuple[str, tuple[str, ...]] | None:
    """Read a transition that the outside is told: which metric counts it, under which labels."""
    state, reason, category, provider = rest
    where = (*labels.category(category), labels.provider(provider))
    if state == State.SUBMITTED:
        return "submitted", where
    if state == State.UNKNOWN:
        return "entered", (labels.reason(reason), *where)
    return ("final", (state, labels.reason(reason), *where)) if state in FINAL else None


def _other(kind: str, rest: Sequence[str], labels: Labels) -> tuple[str, tuple[str, ...]] | None:
    """Read any other counter."""
    match kind, rest:
        case "held", [reason, category]:
            return kind, (labels.reason(reason), *labels.category(category))
        case (("accepted" | "doubt" | "lost"), [category]):
            return kind, labels.category(category)
        case "lease", [place] if place in labels.places:
            return kind, home(place if place.startswith("wire:") else f"out:{place}")
        case "late", [how, provider, country] if how in labels.lateness:
            return kind, (how, labels.provider(provider), labels.country(country))
        case "event", [event] if event in labels.events:
            return kind, (event,)
        case _:
            return None


def calls(counters: Mapping[str, int], policy: Policy) -> Iterator[Metric]:
    """Yield what came of calls to providers, and how long they took."""
    results = _counter("smsqueue_provider_results", "Ends of calls to a provider.", "provider", "status")
    took = HistogramMetricFamily("smsqueue_provider_seconds", "Duration of calls to a provider.", labels=("provider",))
    for provider in policy.providers:
        for status in SendStatus:
            results.add_metric((provider, status), counters.get(f"call|{provider}|{status}", 0))
        buckets, below = [], 0
        for place, bound in enumerate([*map(str, BOUNDS), "+Inf"]):
            below += counters.get(f"took|{provider}|{place}", 0)
            buckets.append((bound, below))
        took.add_metric((provider,), buckets, counters.get(f"tookms|{provider}", 0) / 1000)
    yield from (results, took)


def _counter(name: str, about: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(name, about, labels=labels)
