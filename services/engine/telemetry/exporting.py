"""Sending spans to a collector over OTLP/HTTP. The SDK is loaded only when that is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.engine.telemetry.tracing import tracing_with
from services.settings.model import TelemetrySettings

TIMEOUT = 5.0
"""Seconds for one call to the collector: a collector that is away must not hold up the end of a process."""


@asynccontextmanager
async def exporting(settings: TelemetrySettings, name: str) -> AsyncIterator[None]:
    """Export the spans of the block under a service name, if the settings say where to; the last ones at its end.

    The SDK's own environment variables hold too (`OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS` …).
    """
    if settings.otlp_endpoint is None:
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": name}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.otlp_endpoint, timeout=TIMEOUT)))
    try:
        with tracing_with(provider.get_tracer("davtari")):
            yield
    finally:
        await asyncio.to_thread(provider.shutdown)
