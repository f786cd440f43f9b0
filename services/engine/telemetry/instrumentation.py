"""Counts and traces what passes through a service: batches in, attempts to deliver out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from operator import attrgetter

from opentelemetry.trace import Span, SpanKind

from services.engine.kafka.consumer import TakeBatch
from services.engine.kafka.record import Record
from services.engine.outbox import outbox
from services.engine.outbox.lane import Deliver, Lane, Row, load_cause
from services.engine.outbox.log_lines import log_attempts, outcome_name
from services.engine.outbox.outcome import Outcome, Refused, Unknown
from services.engine.state.database import Database
from services.engine.telemetry import metrics
from services.engine.telemetry.tracing import HEADER, Attributes, is_tracing, mark_failed, span, traceparent

Parents = Mapping[str, str]
_topic = attrgetter("topic")


def instrument_take(take: TakeBatch, service: str, prefix: str) -> TakeBatch:
    """`take`, with a span for each batch that links to the traces of its records; durable batches are counted."""

    async def instrumented(records: Sequence[Record]) -> None:
        links = [_trace_header(record) for record in records] if is_tracing() else []
        attributes: Attributes = {"messaging.system": "kafka", "messaging.batch.message_count": len(records)}
        with span(f"process {service}", SpanKind.CONSUMER, attributes, links=links):
            await take(records)
        metrics.BATCHES.labels(service).inc()
        for topic, count in Counter(map(_topic, records)).items():
            metrics.RECORDS.labels(service, topic.removeprefix(prefix)).inc(count)

    return instrumented


def _trace_header(record: Record) -> str | None:
    raw = next((raw for name, raw in record.headers if name == HEADER), None)
    return None if raw is None else raw.decode(errors="replace")


def instrument_lane(lane: Lane, service: str, database: Database) -> Lane:
    """The lane, with its attempts counted by outcome, logged, and traced as children of what caused them."""

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        try:
            outcomes = await (trace_attempts(lane.deliver, rows, database) if is_tracing() else lane.deliver(rows))
        except Exception:
            metrics.ATTEMPTS.labels(service, lane.name, outcome_name(Unknown)).inc(len(rows))
            raise
        types = Counter(map(type, outcomes))
        for type_, count in types.items():
            metrics.ATTEMPTS.labels(service, lane.name, outcome_name(type_)).inc(count)
        log_attempts(lane.name, rows, outcomes, types)
        return outcomes

    return replace(lane, deliver=deliver)


async def trace_attempts(deliver: Deliver, rows: Sequence[Row], database: Database) -> Sequence[Outcome]:
    """Deliver under spans. A call upstream is a child of its row's span; that of a batch is a child of the batch's.

    Each row of a batch has a span of its own, in the trace of its cause, with a link to the batch.
    """
    parents = await _read_parents(rows, database)
    with ExitStack() as stack:
        spans = _start_spans(stack, rows, parents)
        outcomes = await deliver(rows)
        for row, outcome in zip(rows, outcomes, strict=False):
            if row.id in spans:
                _record_outcome(spans[row.id], outcome)
    return outcomes


async def _read_parents(rows: Sequence[Row], database: Database) -> Parents:
    async with database.read() as connection:
        causes = await outbox.read_causes(connection, [row.id for row in rows])
    known = {id_: load_cause(text) for id_, text in causes.items()}
    return {id_: cause.traceparent for id_, cause in known.items() if cause and cause.traceparent}


def _start_spans(stack: ExitStack, rows: Sequence[Row], parents: Parents) -> dict[str, Span]:
    if len(rows) == 1:
        return {row.id: stack.enter_context(_row_span(row, parents.get(row.id))) for row in rows}
    attributes: Attributes = {"davtari.lane": rows[0].lane, "davtari.deliveries": len(rows)}
    stack.enter_context(span(f"deliver {rows[0].lane}", SpanKind.INTERNAL, attributes, links=parents.values()))
    batch = traceparent()
    return {row.id: stack.enter_context(_row_span(row, parents[row.id], batch)) for row in rows if row.id in parents}


def _row_span(row: Row, parent: str | None, batch: str | None = None) -> AbstractContextManager[Span]:
    attributes: Attributes = {
        "davtari.lane": row.lane,
        "davtari.delivery": row.id,
        "davtari.subject": row.subject,
    }
    name, kind = f"deliver {row.kind}", SpanKind.INTERNAL
    return span(name, kind, attributes, parent=parent, links=[batch], current=batch is None)


def _record_outcome(attempt: Span, outcome: Outcome) -> None:
    attempt.set_attribute("davtari.outcome", outcome_name(type(outcome)))
    if isinstance(outcome, Refused):
        mark_failed(attempt, outcome.reason)
    elif isinstance(outcome, Unknown):
        mark_failed(attempt, "unknown")
