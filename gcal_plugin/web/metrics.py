"""The figures in Prometheus' words.

Nothing is counted in this process: the values are the database's and the queue server's, so any
process answers for all of them, and a restart loses nothing. A registry is made for each answer;
the host's own default registry is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from ..domain import buckets
from ..services.signals import Load, Signals
from ..services.tallying import Histogram
from ..store.queries_signals import AGES
from ..version import __version__

MOST_TENANTS = 50
"""With more tenants than this, all are told together as `all`: a label must stay bounded."""

Family = (
    GaugeMetricFamily | HistogramMetricFamily | GaugeHistogramMetricFamily | CounterMetricFamily
)


def exposition(seen: Signals | Load, tenants: Collection[str]) -> bytes:
    """The text of `/metrics`; of a mere `Load` it says that the database is away."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Outage(seen) if isinstance(seen, Load) else _Collector(seen, tenants))
    return generate_latest(registry)


class _Outage(Collector):
    """Nothing of the database is guessed, nor told as it was: those series end."""

    def __init__(self, load: Load) -> None:
        self._load = load

    def describe(self) -> Iterable[Family]:
        """Nothing ahead of time."""
        return ()

    def collect(self) -> Iterator[Family]:
        """What is known without the database."""
        yield from _ourselves(database=False)
        yield from _load(self._load)


class _Collector(Collector):
    def __init__(self, signals: Signals, tenants: Collection[str]) -> None:
        self._signals = signals
        self._known = frozenset(tenants) if len(tenants) <= MOST_TENANTS else frozenset()

    def describe(self) -> Iterable[Family]:
        """Nothing ahead of time: the figures are read once, when asked."""
        return ()

    def collect(self) -> Iterator[Family]:
        """Every figure."""
        yield from _ourselves(database=True)
        yield from self._lines()
        yield from self._calendars()
        yield from self._desk()
        yield from self._machinery()
        yield self._histogram(
            "gcal_switch_lateness_seconds",
            "How long after an event's edge the exchange had confirmed the forward.",
            self._signals.late_ever,
        )
        yield self._histogram(
            "gcal_push_duration_seconds",
            "How long an exchange took to answer a write.",
            self._signals.push_ever,
        )

    def _tenant(self, tenant_id: str) -> str:
        return tenant_id if tenant_id in self._known else "all"

    def _lines(self) -> Iterator[Family]:
        seen = self._signals
        names = (
            "lines", "forwarding", "refused", "unverified", "quarantined", "contested", "overdue",
        )  # fmt: skip
        sums: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in names}
        for row in seen.lines:
            key = (self._tenant(row.tenant_id), row.pbx)
            for name in names:
                sums[name][key] = sums[name].get(key, 0) + getattr(row, name)
        labels = ["tenant", "pbx"]
        help_of = {
            "lines": "Lines that have ever been linked.",
            "forwarding": "Lines that are forwarded now.",
            "refused": "Lines whose last push failed or was refused.",
            "unverified": "Those of them that got no answer, so that it may have landed.",
            "quarantined": "Lines set apart because they could not be worked out.",
            "contested": "Lines where somebody's change on the exchange was left standing.",
            "overdue": "Lines that should have been switched a minute ago, and did not fail.",
        }
        for name in names:
            full = "gcal_lines" if name == "lines" else f"gcal_lines_{name}"
            yield _gauge(full, help_of[name], sums[name], labels)
        links: dict[tuple[str, ...], float] = {}
        for tenant, state, count in seen.links:
            _add(links, (self._tenant(tenant), state), count)
        yield _gauge("gcal_links", "Live links by state.", links, ["tenant", "state"])
        broken: dict[tuple[str, ...], float] = {}
        for tenant, pbx, reason, count in seen.broken:
            _add(broken, (self._tenant(tenant), pbx, reason), count)
        yield _gauge(
            "gcal_links_broken",
            "Links that cannot do their work.",
            broken,
            ["tenant", "pbx", "reason"],
        )
        lost: dict[tuple[str, ...], float] = {}
        for tenant, pbx, count in seen.lost_holders:
            _add(lost, (self._tenant(tenant), pbx), count)
        yield _gauge(
            "gcal_links_without_account",
            "Links whose account the portal closed or no longer has.",
            lost,
            ["tenant", "pbx"],
        )

    def _calendars(self) -> Iterator[Family]:
        seen = self._signals
        stale: dict[tuple[str, ...], float] = {}
        for tenant, pbx, count in seen.stale:
            _add(stale, (self._tenant(tenant), pbx), count)
        yield _gauge(
            "gcal_links_stale",
            "Links whose calendar could not be fetched for 15 minutes.",
            stale,
            ["tenant", "pbx"],
        )
        ages = GaugeHistogramMetricFamily(
            "gcal_sync_age_seconds", "How long ago the followed calendars were fetched."
        )
        for bound, count in zip(
            [*map(str, AGES), "+Inf"], buckets.cumulative(seen.sync_ages), strict=True
        ):
            ages.add_sample("gcal_sync_age_seconds_bucket", {"le": bound}, count)
        ages.add_sample("gcal_sync_age_seconds_gcount", {}, sum(seen.sync_ages))
        yield ages
        yield _gauge(
            "gcal_calendars_never_synced",
            "Followed calendars that were never fetched.",
            {(): seen.never_synced},
        )
        yield _gauge(
            "gcal_calendars_failing",
            "Followed calendars whose last fetch failed, by what Google, or we, call it.",
            {(code,): count for code, count in seen.failing},
            ["reason"],
        )
        yield _gauge(
            "gcal_calendars",
            "Followed calendars by how changes are noticed.",
            {(state,): count for state, count in seen.push_states.items()},
            ["push"],
        )
        yield _gauge(
            "gcal_grants",
            "Consents by state.",
            {(state,): count for state, count in seen.grants.items()},
            ["state"],
        )

    def _desk(self) -> Iterator[Family]:
        seen = self._signals
        yield _gauge(
            "gcal_requests",
            "Open requests by state.",
            {(state,): count for state, count in seen.requests.items()},
            ["state"],
        )
        yield _gauge(
            "gcal_requests_stuck", "Requests forgotten for days.", {(): seen.stuck_requests}
        )
        yield _gauge(
            "gcal_mails",
            "Letters that are not out.",
            {(state,): count for state, count in seen.mails.items()},
            ["state"],
        )

    def _machinery(self) -> Iterator[Family]:
        seen = self._signals
        yield _gauge(
            "gcal_overdue_seconds",
            "How long the longest waiting line has waited to be switched.",
            {(): seen.overdue_seconds},
        )
        if seen.beat_age is not None:
            yield _gauge(
                "gcal_clock_beat_age_seconds", "Since the last heartbeat.", {(): seen.beat_age}
            )
        yield from _load(seen)

    def _histogram(
        self, name: str, words: str, histograms: Iterable[Histogram]
    ) -> HistogramMetricFamily:
        family = HistogramMetricFamily(name, words, labels=["tenant", "pbx"])
        sums: dict[tuple[str, str], tuple[buckets.Counts, float]] = {}
        for one in histograms:
            key = (self._tenant(one.tenant_id), one.pbx)
            counts, total = sums.get(key, (buckets.empty(), 0.0))
            sums[key] = (buckets.added(counts, one.counts), total + one.total)
        bounds = [*map(str, buckets.BOUNDS), "+Inf"]
        for key, (counts, total) in sorted(sums.items()):
            steps = zip(bounds, map(float, buckets.cumulative(counts)), strict=True)
            family.add_metric(list(key), buckets=list(steps), sum_value=total)
        return family


def _ourselves(*, database: bool) -> Iterator[Family]:
    yield _gauge("gcal_build_info", "The version that runs.", {(__version__,): 1}, ["version"])
    yield _gauge("gcal_database_up", "Whether the database answers.", {(): int(database)})


def _load(seen: Signals | Load) -> Iterator[Family]:
    if seen.quota is not None:
        yield _gauge(
            "gcal_google_quota_used_ratio",
            "What part of the Google quota is used up now.",
            {(): round(seen.quota, 4)},
        )
    up = seen.queues is not None
    yield _gauge("gcal_queue_up", "Whether the queue's server answers.", {(): int(up)})
    queues = seen.queues or ()
    for name, words, values in (
        ("depth", "Jobs that wait.", [one.depth for one in queues]),
        ("lag_seconds", "How long the oldest job has waited.", [one.lag for one in queues]),
        ("failed", "Failed jobs that are kept.", [one.failed for one in queues]),
        ("workers", "Workers that serve the queue.", [one.workers for one in queues]),
    ):
        named = zip((one.name for one in queues), values, strict=True)
        yield _gauge(
            f"gcal_queue_{name}", words, {(queue,): value for queue, value in named}, ["queue"]
        )


def _add(sums: dict[tuple[str, ...], float], key: tuple[str, ...], count: float) -> None:
    sums[key] = sums.get(key, 0) + count


def _gauge(
    name: str,
    words: str,
    values: Mapping[Any, float],
    labels: Collection[str] = (),
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=list(labels))
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
