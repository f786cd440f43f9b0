"""What passes through a service, counted and traced: batches in, attempts to deliver out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from operator import attrgetter

from opentelemetry.trace import SpanKind

from services.engine.kafka.record import Record
from services.engine.outbox.lane import Lane
from services.engine.outbox.outcome import Outcome, Unknown
from services.engine.outbox.row import Row
from services.engine.state.database import Database
from services.engine.telemetry import lines, meters
from services.engine.telemetry.attempts import traced
from services.engine.telemetry.tracing import HEADER, Attributes, is_tracing, span

Take = Callable[[Sequence[Record]], Awaitable[None]]
TOPIC = attrgetter("topic")


def observed_take(take: Take, service: str, prefix: str) -> Take:
    """`take`, with a span for each batch that links to what its records belong to; a durable batch is counted."""

    async def observed(records: Sequence[Record]) -> None:
        links = [_header(record) for record in records] if is_tracing() else []
        about: Attributes = {"messaging.system": "kafka", "messaging.batch.message_count": len(records)}
        with span(f"process {service}", SpanKind.CONSUMER, about, links=links):
            await take(records)
        meters.BATCHES.labels(service).inc()
        for topic, count in Counter(map(TOPIC, records)).items():
            meters.RECORDS.labels(service, topic.removeprefix(prefix)).inc(count)

    return observed


def _header(record: Record) -> str | None:
    raw = next((raw for name, raw in record.headers if name == HEADER), None)
    return None if raw is None else raw.decode(errors="replace")


def observed_lane(lane: Lane, service: str, database: Database) -> Lane:
    """The lane, with its attempts counted by outcome, told in the log, and traced as children of what caused them."""

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        try:
            outcomes = await (traced(lane.deliver, rows, database) if is_tracing() else lane.deliver(rows))
        except Exception:
            meters.ATTEMPTS.labels(service, lane.name, lines.name_of(Unknown)).inc(len(rows))
            raise
        types = Counter(map(type, outcomes))
        for type_, count in types.items():
            meters.ATTEMPTS.labels(service, lane.name, lines.name_of(type_)).inc(count)
        lines.attempted(lane.name, rows, outcomes, types)
        return outcomes

    return replace(lane, deliver=deliver)
