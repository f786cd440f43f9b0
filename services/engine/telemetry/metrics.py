"""Metrics that are counted as things happen, for the whole process, and the text that Prometheus reads.

A call costs microseconds: count once per batch, never per record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import httpx
from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from services.engine.telemetry import families
from services.engine.telemetry.families import MetricFamily, MetricReading
from services.engine.telemetry.tracing import mark_failed, span

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Buckets from a local answer to the time-out of a shop."""
MINUTES = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
"""Buckets of objectives in minutes."""


class Readings(Collector):
    """The readings of the state databases, which are read before each scrape, as a collector."""

    def __init__(self) -> None:
        self._readings: tuple[MetricReading, ...] = ()

    def replace(self, readings: Iterable[MetricReading]) -> None:
        """Show these from now on."""
        self._readings = tuple(readings)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """One metric for each family."""
        by_family: defaultdict[MetricFamily, list[MetricReading]] = defaultdict(list)
        for reading in self._readings:
            by_family[reading.family].append(reading)
        for family, readings in by_family.items():
            kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            metric = kind(family.name, family.about, labels=family.labels)
            for reading in readings:
                metric.add_metric(reading.labels, reading.value)
            yield metric


def _counter(family: MetricFamily) -> Counter:
    return Counter(family.name, family.about, family.labels, registry=REGISTRY)


REGISTRY = CollectorRegistry()
READINGS = Readings()
REGISTRY.register(READINGS)
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


def render_metrics(readings: Iterable[MetricReading]) -> bytes:
    """All metrics of the process in Prometheus' text format, with these readings."""
    READINGS.replace(readings)
    return generate_latest(REGISTRY)


FIRST_ERROR_STATUS = 400


@dataclass(slots=True)
class UpstreamCall:
    """One call in progress; `answered` sets its status."""

    status: int | None = None

    def answered(self, response: httpx.Response) -> httpx.Response:
        """Note the status of the upstream's response, and return it."""
        self.status = response.status_code
        return response


@contextmanager
def measure_call(upstream: str, request: httpx.Request) -> Iterator[UpstreamCall]:
    """Measure and trace the call in the block. Only host and path are recorded: the query may contain keys or personal
    data."""
    attributes = {
        "http.request.method": request.method,
        "url.path": request.url.path,
        "server.address": request.url.host,
        "peer.service": upstream,
    }
    call, started, result = UpstreamCall(), perf_counter(), "cancelled"
    with span(request.method, SpanKind.CLIENT, attributes) as current:
        try:
            yield call
            result = str(call.status)
        except httpx.HTTPError as error:
            result = type(error).__name__
            raise
        finally:
            UPSTREAM.labels(upstream, request.method, result).observe(perf_counter() - started)
        if call.status is not None:
            current.set_attribute("http.response.status_code", call.status)
            if call.status >= FIRST_ERROR_STATUS:
                mark_failed(current, result)
