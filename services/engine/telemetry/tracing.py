"""Spans of OpenTelemetry. While nothing is exported (`exporting.py`) there is no tracer, and a span costs nothing.

No span carries a query, a payload or anything else that may name a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from random import Random

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Link, Span, SpanKind, StatusCode, Tracer, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.settings.model import TelemetrySettings

# W3C trace context: a new `traceparent` where a story begins.


def new_traceparent(rng: Random) -> str:
    """A sampled trace with a new trace id and span id."""
    return f"00-{rng.getrandbits(128) or 1:032x}-{rng.getrandbits(64) or 1:016x}-01"


W3C = TraceContextTextMapPropagator()
HEADER = "traceparent"
MOST_LINKS = 100
"""Links of one span: a batch of a rebuild may hold hundreds of traces."""
Attributes = Mapping[str, str | int]


@dataclass(slots=True)
class _Now:
    """The tracer in use."""

    tracer: Tracer | None = None


_NOW = _Now()


def is_tracing() -> bool:
    """Whether spans are recorded."""
    return _NOW.tracer is not None


@contextmanager
def use_tracer(tracer: Tracer) -> Iterator[None]:
    """Record spans with this tracer as long as the block runs."""
    before, _NOW.tracer = _NOW.tracer, tracer
    try:
        yield
    finally:
        _NOW.tracer = before


@contextmanager
def span(
    name: str,
    kind: SpanKind,
    attributes: Attributes,
    *,
    parent: str | None = None,
    links: Iterable[str | None] = (),
    current: bool = True,
) -> Iterator[Span]:
    """A span around the block: a child of the current one, or of the `traceparent` given.

    `links` are traceparents of what it is about too. One that is not `current` gets no children.
    """
    if _NOW.tracer is None:
        yield INVALID_SPAN
        return
    start = _NOW.tracer.start_as_current_span if current else _NOW.tracer.start_span
    context = context_of(parent) if parent else None
    # The SDK would keep the message of an exception, which may name a person: only its type is kept.
    quiet = {"record_exception": False, "set_status_on_exception": False}
    with start(name, context=context, kind=kind, attributes=attributes, links=_links(links), **quiet) as started:
        try:
            yield started
        except BaseException as error:
            mark_failed(started, type(error).__name__)
            raise


def mark_failed(span_: Span, type_: str) -> None:
    """The work of a span failed."""
    span_.set_attribute("error.type", type_)
    span_.set_status(StatusCode.ERROR)


def traceparent() -> str | None:
    """The current span as a W3C header; None while nothing is traced."""
    carrier: dict[str, str] = {}
    if is_tracing():
        W3C.inject(carrier)
    return carrier.get(HEADER)


def trace_id() -> str | None:
    """The id of the current trace; None while nothing is traced."""
    header = traceparent()
    return header.split("-")[1] if header else None


def context_of(header: str) -> Context:
    """The span that a W3C header names, as a parent; an unreadable header gives none, and a new trace begins."""
    return W3C.extract({HEADER: header}, context=Context())


def _links(headers: Iterable[str | None]) -> list[Link]:
    distinct = list(dict.fromkeys(header for header in headers if header))[:MOST_LINKS]
    spans = [get_current_span(context_of(header)).get_span_context() for header in distinct]
    return [Link(found) for found in spans if found.is_valid]


# Sending spans to a collector over OTLP/HTTP. The SDK is loaded only when that is wanted.

TIMEOUT = 5.0
"""Seconds for one call to the collector: a collector that is away must not hold up the end of a process."""


@asynccontextmanager
async def export_spans(settings: TelemetrySettings, name: str) -> AsyncIterator[None]:
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
        with use_tracer(provider.get_tracer("davtari")):
            yield
    finally:
        await asyncio.to_thread(provider.shutdown)
