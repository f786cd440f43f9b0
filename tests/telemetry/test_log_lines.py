"""The log lines of an exported order name the order and the event, never the buyer."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.trace import SpanKind
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from contracts.ledger import SaleRecorded
from contracts.model import Event
from contracts.reasons import Reason
from services.engine.outbox.breaker import Breaker
from services.engine.outbox.lane import Lane
from services.engine.outbox.relay import Relay
from services.engine.outbox.upstream_errors import Rejected
from services.engine.telemetry.instrumentation import instrument_lane
from services.engine.telemetry.logs import JsonFormatter, TextFormatter, in_service
from services.engine.telemetry.tracing import span, trace_id
from services.order_exporter.deliveries import deliveries
from services.order_exporter.handlers import handlers
from services.settings.balance import Dialect
from tests.outbox.bench import Bench, open_bench
from tests.outbox.fake_upstream import eventually
from tests.outbox.sample_service import record
from tests.support.exporting import KEY, PERSONAL_ID, buyer, line, link, order, settings
from tests.support.fake_books import FakeBooks
from tests.support.memory_state import NOON

BOUGHT = order(line(1, "60.00"), person=buyer(personal_id=PERSONAL_ID))
FACTS: list[Event] = [link(311), BOUGHT]
PERSONAL = (PERSONAL_ID, "ნინო", "სატესტო", "nino@example.test", "+995599000001", "ნიმუშის")


@contextmanager
def capture_log(level: int) -> Iterator[io.StringIO]:
    """The log of the block, as lines of JSON."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, before = logging.StreamHandler(stream), root.level
    handler.setFormatter(JsonFormatter())
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def lines(log: io.StringIO, message: str) -> list[dict[str, Any]]:
    """The lines with a message."""
    line_ = [orjson.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in line_ if line["message"] == message]


@asynccontextmanager
async def exporter(folder: Path, books: FakeBooks) -> AsyncIterator[Bench]:
    """Run order-exporter with its rules, lanes and relays."""
    with in_service("order-exporter"):
        async with open_bench(folder, handlers(settings())) as bench:
            lanes = [
                instrument_lane(Lane(name, deliver, Breaker(lambda _: 0.01)), "order-exporter", bench.database)
                for name, deliver in deliveries(books, Dialect(), lambda: NOON).items()
            ]
            engine = bench.engine
            relays = [Relay(lane, engine.claim, engine.settle, engine.wait_due) for lane in lanes]
            engine.on_change += [relay.wake for relay in relays]
            running = [asyncio.create_task(relay.run()) for relay in relays]
            yield bench
            for task in running:
                task.cancel()
            await asyncio.wait(running)


async def is_exported(bench: Bench) -> bool:
    return bool(await bench.events_of(SaleRecorded))


def assert_nobody_named(log: io.StringIO) -> None:
    """Check that no line names the buyer."""
    assert log.getvalue() != ""
    assert [word for word in PERSONAL if word in log.getvalue()] == []


async def test_the_log_line_of_a_document_names_order_event_and_cause_but_not_the_buyer(tmp_path: Path) -> None:
    with capture_log(logging.INFO) as log:
        async with exporter(tmp_path, FakeBooks()) as bench:
            await bench.take(*map(record, FACTS))
            await eventually(lambda: is_exported(bench), "the order is in the books")
            [sale] = [line_ for line_ in await bench.published() if isinstance(line_.data, SaleRecorded)]
    has_line = {line["type"]: line for line in lines(log, "document announced")}
    assert set(has_line) == {"ClientRecorded", "SaleRecorded"}
    line_ = has_line["SaleRecorded"]
    assert (line_["service"], line_["order"], line_["level"]) == ("order-exporter", KEY, "INFO")
    assert (line_["event"], line_["cause"]) == (sale.id, sale.causationid)
    assert_nobody_named(log)


async def test_a_refusal_is_logged_with_its_reason_and_its_dead_letter(tmp_path: Path) -> None:
    refusal = Rejected(f"Balance refuses {PERSONAL_ID} ნინო", reason=Reason.BALANCE_REFUSED, status=400)
    with capture_log(logging.INFO) as log:
        async with exporter(tmp_path, FakeBooks(fail_before={1: refusal})) as bench:
            await bench.take(*map(record, FACTS))
            await eventually(bench.dead_letters, "a dead letter")
            [dead_letter] = await bench.dead_letters()
    [missed] = lines(log, "not delivered")
    assert (missed["delivery"], missed["subject"], missed["reason"]) == (dead_letter.about, KEY, dead_letter.reason)
    [opened] = lines(log, "dead letter opened")
    assert (opened["dead_letter"], opened["reason"]) == (dead_letter.dead_letter, dead_letter.reason)
    assert opened["cause"] is not None
    assert_nobody_named(log)


async def test_an_exception_in_a_delivery_is_logged_with_its_traceback_and_without_the_data(tmp_path: Path) -> None:
    with capture_log(logging.INFO) as log:
        async with exporter(tmp_path, FakeBooks()) as bench:
            async with bench.database.write() as connection:
                await connection.execute(
                    text("CREATE TRIGGER spoil AFTER INSERT ON outbox_deliveries BEGIN " + CORRUPT)
                )
            await bench.take(*map(record, FACTS))
            await eventually(lambda: has_line(log, "delivery failed"), "the mistake is logged")
    line_ = lines(log, "delivery failed")[0]
    assert line_["deliveries"] == [f"client:{KEY}"]
    assert "ValidationError" in line_["exception"]
    assert_nobody_named(log)


CORRUPT = "UPDATE outbox_deliveries SET payload = json_set(payload, '$.create', payload ->> '$.person.ID'); END"
"""Replaces a flag of the payload with the personal number of the buyer, so that the validation error contains it."""


async def has_line(log: io.StringIO, message: str) -> bool:
    return bool(lines(log, message))


async def test_a_batch_that_cannot_be_written_fails_without_logging_the_values(tmp_path: Path) -> None:
    # the consumer logs this error before each retry
    async with open_bench(tmp_path, handlers(settings())) as bench:
        async with bench.database.write() as connection:
            await connection.execute(
                text("CREATE TRIGGER full BEFORE INSERT ON outbox_deliveries BEGIN SELECT RAISE(ABORT, 'full'); END")
            )
        with pytest.raises(IntegrityError) as failed:
            await bench.take(*map(record, FACTS))
    assert "outbox_deliveries" in str(failed.value)
    assert [word for word in PERSONAL if word in str(failed.value)] == []


async def test_an_outcome_that_cannot_be_written_is_logged_without_the_values(tmp_path: Path) -> None:
    with capture_log(logging.INFO) as log:
        async with exporter(tmp_path, FakeBooks()) as bench:
            async with bench.database.write() as connection:
                await connection.execute(
                    text("CREATE TRIGGER full BEFORE INSERT ON outbox_events BEGIN SELECT RAISE(ABORT, 'full'); END")
                )
            await bench.take(*map(record, FACTS))
            await eventually(lambda: has_line(log, "an outcome cannot be written"), "the failure is logged")
    assert "IntegrityError" in lines(log, "outcomes could not be written together")[0]["exception"]
    assert_nobody_named(log)


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_a_line_names_its_service_and_its_trace(formatter: logging.Formatter, spans: object) -> None:
    made = logging.makeLogRecord({"msg": "lane waits", "levelname": "INFO", "name": "services.x", "lane": "stock"})
    with in_service("stock-publisher"), span("work", SpanKind.INTERNAL, {}):
        line_, trace = formatter.format(made), trace_id()
    for word in ("lane waits", "stock-publisher", "stock", str(trace)):
        assert word in line_
    assert "stock-publisher" not in formatter.format(made)
