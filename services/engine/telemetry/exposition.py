"""Readings in Prometheus' text format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from services.engine.telemetry.families import Family, Reading
from services.engine.telemetry.meters import REGISTRY

Metric = CounterMetricFamily | GaugeMetricFamily


class _Readings(Collector):
    """Readings as a collector of prometheus-client."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._by_family: dict[Family, list[Reading]] = defaultdict(list)
        for reading in readings:
            self._by_family[reading.family].append(reading)

    def collect(self) -> Iterator[Metric]:
        """One metric for each family."""
        for family, readings in self._by_family.items():
            kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            metric = kind(family.name, family.about, labels=family.labels)
            for reading in readings:
                metric.add_metric(reading.labels, reading.value)
            yield metric


def exposition(readings: Iterable[Reading]) -> bytes:
    """The readings, and all that this process has counted."""
    registry = CollectorRegistry()
    registry.register(_Readings(readings))
    return generate_latest(REGISTRY) + generate_latest(registry)
