"""What is counted as it passes, for the whole process. A call costs microseconds: one per batch, never per record."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from services.engine.telemetry import families
from services.engine.telemetry.families import Family

REGISTRY = CollectorRegistry()
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Buckets from a local answer to a shop's time-out."""
MINUTES = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
"""Buckets of what is promised in minutes."""


def _counter(family: Family) -> Counter:
    return Counter(family.name, family.about, family.labels, registry=REGISTRY)


ProcessCollector(registry=REGISTRY)
RESTARTS = _counter(families.STARTED)
LOOP_LAG = Gauge(families.LOOP_LAG.name, families.LOOP_LAG.about, registry=REGISTRY)
RECORDS = _counter(families.RECORDS)
BATCHES = _counter(families.BATCHES)
ATTEMPTS = _counter(families.ATTEMPTS)
WEBHOOKS = _counter(families.WEBHOOKS)
SWEPT_LATE = _counter(families.SWEPT_LATE)
UPSTREAM = Histogram(
    families.UPSTREAM.name, families.UPSTREAM.about, families.UPSTREAM.labels, buckets=SECONDS, registry=REGISTRY
)
STOCK_FRESHNESS = Histogram(
    families.STOCK_FRESHNESS.name,
    families.STOCK_FRESHNESS.about,
    families.STOCK_FRESHNESS.labels,
    buckets=MINUTES,
    registry=REGISTRY,
)
