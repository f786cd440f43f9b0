"""The spans of attempts to deliver: each a child of what caused its delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack

from opentelemetry.trace import Span, SpanKind

from services.engine.outbox import outbox
from services.engine.outbox.lane import Deliver
from services.engine.outbox.outcome import Outcome, Refused, Unknown
from services.engine.outbox.row import Row, load_cause
from services.engine.state.database import Database
from services.engine.telemetry.lines import name_of
from services.engine.telemetry.tracing import Attributes, failed, span, traceparent

Parents = Mapping[str, str]


async def traced(deliver: Deliver, rows: Sequence[Row], database: Database) -> Sequence[Outcome]:
    """Deliver under spans. A call upstream is a child of its row's span; that of a batch, of the batch's.

    Rows of a batch have spans of their own beside it, each where it belongs, with a link to the batch.
    """
    parents = await _parents(rows, database)
    with ExitStack() as stack:
        spans = _opened(stack, rows, parents)
        outcomes = await deliver(rows)
        for row, outcome in zip(rows, outcomes, strict=False):
            if row.id in spans:
                _settled(spans[row.id], outcome)
    return outcomes


async def _parents(rows: Sequence[Row], database: Database) -> Parents:
    async with database.read() as connection:
        causes = await outbox.read_causes(connection, [row.id for row in rows])
    known = {id_: load_cause(text) for id_, text in causes.items()}
    return {id_: cause.traceparent for id_, cause in known.items() if cause and cause.traceparent}


def _opened(stack: ExitStack, rows: Sequence[Row], parents: Parents) -> dict[str, Span]:
    if len(rows) == 1:
        return {row.id: stack.enter_context(_span(row, parents.get(row.id))) for row in rows}
    about: Attributes = {"davtari.lane": rows[0].lane, "davtari.deliveries": len(rows)}
    stack.enter_context(span(f"deliver {rows[0].lane}", SpanKind.INTERNAL, about, links=parents.values()))
    batch = traceparent()
    return {row.id: stack.enter_context(_span(row, parents[row.id], batch)) for row in rows if row.id in parents}


def _span(row: Row, parent: str | None, batch: str | None = None) -> AbstractContextManager[Span]:
    name, kind = f"deliver {row.kind}", SpanKind.INTERNAL
    return span(name, kind, _about(row), parent=parent, links=[batch], current=batch is None)


def _about(row: Row) -> Attributes:
    return {"davtari.lane": row.lane, "davtari.delivery": row.id, "davtari.subject": row.subject}


def _settled(attempt: Span, outcome: Outcome) -> None:
    attempt.set_attribute("davtari.outcome", name_of(type(outcome)))
    if isinstance(outcome, Refused):
        failed(attempt, outcome.reason)
    elif isinstance(outcome, Unknown):
        failed(attempt, "unknown")
