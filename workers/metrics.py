"""`/metrics`: the store's gauges and counters as Prometheus reads them.

Read at the moment of the scrape, so the answer is the same whichever process is asked. A label's value is a
name of the policy or of a closed list of ours; any other is shown as `other`. No number, text, id or host.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from smsqueue.core import zones
from smsqueue.errors import SmsQueueError, StoreBehind
from smsqueue.store import gauges
from workers.counted import calls, counted
from workers.labels import home
from workers.readiness import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client import Metric

    from smsqueue.core.policy import Policy
    from smsqueue.store.gauges import Gauges
    from smsqueue.store.store import Store

DAY = timedelta(days=1)
BEHIND = "Whether the store knows less than was seen of it."
ROLES = ("dispatch", "submit", "web")
SCOPES = ("all", "lane", "category", "provider", "tenant", "campaign", "withdrawn")


def exposition(store: Store) -> bytes:
    """Return one scrape. A store that does not answer is `smsqueue_store_up 0` and little else."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StoreCollector(store))
    return generate_latest(registry)


class StoreCollector(Collector):
    """Reads the store when it is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterable[Metric]:
        """Yield all metrics."""
        up = GaugeMetricFamily("smsqueue_store_up", "Whether the store answers and has a policy.")
        try:
            seen = gauges.look(self._store)
            policy = self._store.policies.current
            windows = gauges.windows(self._store, seen.sizes)
        except SmsQueueError as error:
            up.add_metric((), 0)
            return [up, _one("smsqueue_store_behind", BEHIND, isinstance(error, StoreBehind))]
        up.add_metric((), 1)
        here = (
            *_shards(self._store, seen),
            *_places(seen),
            *_providers(seen, windows),
            *_processes(seen),
            *_server(seen, policy),
        )
        behind = _one("smsqueue_store_behind", BEHIND, bool(seen.behind))
        return [up, behind, *here, *counted(seen.counters, policy), *calls(seen.counters, policy)]


def _shards(store: Store, seen: Gauges) -> Iterator[Metric]:
    """Yield how many parts the store has; what is shown is of those that answer."""
    yield _one("smsqueue_shards", "Shards of the store.", len(store.shards))
    yield _one("smsqueue_shards_away", "Shards that do not answer: theirs is missing from the rest.", seen.away)


def _places(seen: Gauges) -> Iterator[Metric]:
    """Yield what is open where, and for how long."""
    homes = _gauge("smsqueue_home_size", "Messages in a home.", "home", "provider", "lane")
    for name, size in seen.sizes.items():
        homes.add_metric(home(name), size)
    yield homes
    waiting = _gauge("smsqueue_ready_age_seconds", "How long the oldest of a queue has waited.", "provider", "lane")
    for name in seen.sizes:
        if name.startswith("ready:"):
            age = seen.waiting.get(name.removeprefix("ready:"), timedelta(0))
            waiting.add_metric(home(name)[1:], age.total_seconds())
    yield waiting
    yield _one("smsqueue_overdue_seconds", "How long ago the pump should have woken the first.", seen.overdue)


def _providers(seen: Gauges, windows: Mapping[str, tuple[int, int]]) -> Iterator[Metric]:
    """Yield how far windows and rates of providers are used."""
    used = _gauge("smsqueue_window_used", "Places of a provider's window in use.", "provider")
    limit = _gauge("smsqueue_window_limit", "Places of a provider's window.", "provider")
    for provider, (taken, places) in windows.items():
        used.add_metric((provider,), taken)
        limit.add_metric((provider,), places)
    waits = CounterMetricFamily("smsqueue_rate_waits", "How often ids waited for the rate.", labels=("provider",))
    patience = _gauge("smsqueue_provider_patience_seconds", "How long it still asks to be spared.", "provider")
    ailing = _gauge("smsqueue_provider_ailing", "Whether its calls end badly and it is only probed.", "provider")
    for provider, rate in seen.rates.items():
        ailing.add_metric((provider,), rate.ailing)
        waits.add_metric((provider,), rate.waits)
        patience.add_metric((provider,), rate.patience.total_seconds())
    yield from (used, limit, waits, patience, ailing)


def _processes(seen: Gauges) -> Iterator[Metric]:
    """Yield who is alive."""
    alive = _gauge("smsqueue_processes", "Processes seen within 20 s.", "role")
    newest = _gauge("smsqueue_beat_age_seconds", "Since the last sign of life of the role's liveliest.", "role")
    silent = _gauge("smsqueue_processes_silent", "Processes that went silent without ending as asked.", "role")
    for role in ROLES:
        ages = seen.beats.get(role, [])
        alive.add_metric((role,), sum(age < SILENT for age in ages))
        silent.add_metric((role,), sum(SILENT <= age < DAY for age in ages))
        if ages:
            newest.add_metric((role,), max(min(ages).total_seconds(), 0))
    yield from (alive, newest, silent)


def _server(seen: Gauges, policy: Policy) -> Iterator[Metric]:
    """Yield what is in force, and the state of the server."""
    closed = _gauge("smsqueue_lane_closed", "Whether a lane accepts nothing while memory is short.", "lane")
    for lane in policy.lanes:
        closed.add_metric((lane,), lane in seen.closed)
    yield closed
    pauses = _gauge("smsqueue_pauses", "Pauses and withdrawn campaigns in force.", "scope")
    for scope in SCOPES:
        pauses.add_metric((scope,), seen.pauses.get(scope, 0))
    yield pauses
    yield _one("smsqueue_store_memory_bytes", "Memory of the store's server.", seen.memory)
    yield _one("smsqueue_store_memory_limit_bytes", "Its maxmemory, 0: none.", seen.memory_limit)
    yield _one("smsqueue_policy_version", "Version of the policy in force.", policy.version)
    released = datetime(int(zones.IANA_VERSION[:4]), 1, 1, tzinfo=UTC)
    yield _one(
        "smsqueue_tzdata_age_days", "Since the start of the time zone database's year.", (seen.now - released) / DAY
    )
    if made := seen.counters.get("key|made"):
        age = seen.now - datetime.fromtimestamp(made, UTC)
        yield _one("smsqueue_payload_key_age_days", "Age of the active payload key.", age / DAY)


def _gauge(name: str, about: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, labels=labels)


def _one(name: str, about: str, value: float | timedelta) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value.total_seconds() if isinstance(value, timedelta) else value)
