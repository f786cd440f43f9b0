"""Fixtures of the tests of telemetry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.engine.telemetry.tracing import use_tracer
from tests.outbox.conftest import bench, script, scripted
from tests.runtime.conftest import topics

__all__ = ["bench", "script", "scripted", "spans", "topics"]


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Enable tracing; returns the exporter that keeps the finished spans."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with use_tracer(provider.get_tracer("test")):
        yield exporter
