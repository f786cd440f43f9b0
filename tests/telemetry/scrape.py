"""Metrics as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families

from services.engine.telemetry.families import MetricReading
from services.engine.telemetry.metrics import render_metrics


class Scrape:
    """One answer of /metrics."""

    def __init__(self, text: str) -> None:
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float | None:
        """One value; None if it is missing."""
        return self._samples.get((name, frozenset(labels.items())))

    @property
    def names(self) -> set[str]:
        """The names of all samples."""
        return {name for name, _ in self._samples}


def scrape(readings: Iterable[MetricReading] = ()) -> Scrape:
    """The answer of /metrics with these readings."""
    return Scrape(render_metrics(readings).decode())
