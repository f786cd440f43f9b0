"""One trace from the webhook of the shop through topic and outbox to the upstream call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from services.engine.kafka.record import Record
from services.engine.outbox.breaker import Breaker
from services.engine.outbox.lane import Lane, Row
from services.engine.outbox.outcome import Outcome, Unknown
from services.engine.telemetry.instrumentation import instrument_lane, instrument_take
from services.engine.telemetry.tracing import export_spans, is_tracing, span, traceparent
from services.settings.model import TelemetrySettings
from services.settings.shop import ShopSettings
from services.store_feed.deliveries import OrderReadDeliveries
from services.store_feed.handlers import order_lane_name
from services.store_feed.records import NAME
from tests.outbox.bench import Bench
from tests.outbox.fake_upstream import done
from tests.outbox.sample_service import LANE, record, stock
from tests.store_feed.conftest import store
from tests.store_feed.shop_bench import MAIN, Store, intake

__all__ = ["store"]
PERSONAL = ("ნინო", "nino@example.test")
ONE, TWO = (f"00-{digit * 32}-{digit * 16}-01" for digit in "12")


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    """The finished spans with a name, in the order of their ends."""
    return [each for each in spans.get_finished_spans() if each.name == name]


def trace_of(one: ReadableSpan) -> str:
    assert one.context is not None
    return f"{one.context.trace_id:032x}"


def is_child(child: ReadableSpan, parent: ReadableSpan) -> bool:
    assert parent.context is not None
    return child.parent is not None and child.parent.span_id == parent.context.span_id


async def read_order(store: Store, order: int) -> list[Record]:
    """Report an order by webhook and have it read; returns the records then in the topics."""
    store.subscribes()
    store.changes(order, status="completed", billing={"first_name": PERSONAL[0], "email": PERSONAL[1]})
    taken = intake(store.engine)
    assert set(await store.delivers(taken.receiver)) == {200}
    await taken.hints(store.engine)
    looks = OrderReadDeliveries(store.woocommerce, ShopSettings.model_fields["orders"].default, store.clock)
    reading = instrument_lane(Lane(order_lane_name(MAIN), looks.deliver, Breaker()), NAME, store.engine.database)
    [row] = await store.engine.claim(order_lane_name(MAIN), 50, ())
    await store.engine.settle(list(zip([row], await reading.deliver([row]), strict=True)))
    return await store.ledger.records()


async def test_a_webhook_the_read_it_causes_and_the_call_to_the_shop_share_a_trace(
    store: Store, spans: InMemorySpanExporter
) -> None:
    order = store.places()

    records = await read_order(store, order)

    *_, webhook = named(spans, "POST /webhooks/")
    [attempt] = named(spans, "deliver order.read")
    call, *_ = [each for each in named(spans, "GET") if is_child(each, attempt)]
    assert is_child(attempt, webhook)
    assert (webhook.attributes or {})["davtari.shop"] == MAIN
    assert (attempt.attributes or {})["davtari.outcome"] == "done"
    assert (call.attributes or {})["http.response.status_code"] == 200
    assert str((call.attributes or {})["url.path"]).endswith(f"/orders/{order}")
    assert {trace_of(each) for each in (webhook, attempt, call)} == {trace_of(webhook)}
    header = dict(records[-1].headers)["traceparent"] or b""
    assert header.decode().split("-")[1] == trace_of(webhook)


async def test_the_batch_that_reads_the_order_from_the_topic_links_to_its_trace(
    store: Store, spans: InMemorySpanExporter
) -> None:
    records = await read_order(store, store.places())

    async def take(_: Sequence[Record]) -> None:
        await asyncio.sleep(0)

    await instrument_take(take, "order-exporter", "davtari.")(records)

    [batch] = named(spans, "process order-exporter")
    *_, webhook = named(spans, "POST /webhooks/")
    assert batch.kind is SpanKind.CONSUMER
    assert trace_of(webhook) in {f"{link.context.trace_id:032x}" for link in batch.links}


async def test_no_span_names_a_person_or_a_query(store: Store, spans: InMemorySpanExporter) -> None:
    await read_order(store, store.places())
    exported = " ".join(each.to_json() for each in spans.get_finished_spans())
    assert "/orders/" in exported
    assert [word for word in (*PERSONAL, "consumer_key", "?") if word in exported] == []


def traced_record(item: str, parent: str | None, offset: int) -> Record:
    """A fact that belongs to a trace."""
    fact = record(stock(item), offset=offset)
    headers = list(fact.headers) + ([("traceparent", parent.encode())] if parent else [])
    return Record(fact.topic, 0, offset, 0, fact.key, fact.value, headers)


async def test_each_row_of_a_batch_is_a_child_of_its_own_cause_beside_the_batch(
    bench: Bench, spans: InMemorySpanExporter
) -> None:
    await bench.take(traced_record("a", ONE, 0), traced_record("b", TWO, 1), traced_record("c", None, 2))

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        with span("GET", SpanKind.CLIENT, {}):
            return [done(rows[0]), Unknown("no answer"), done(rows[2])]

    await instrument_lane(Lane(LANE, deliver, Breaker()), "x", bench.database).deliver(await bench.due())

    [call], *delivered = named(spans, "GET"), *named(spans, "deliver availability")
    rows = {(each.attributes or {}).get("davtari.delivery"): each for each in delivered}
    batch = rows.pop(None)
    assert {id_: trace_of(each) for id_, each in rows.items()} == {
        "availability:a": "1" * 32,
        "availability:b": "2" * 32,
    }
    assert is_child(call, batch)
    assert [link.context.span_id for link in rows["availability:a"].links] == [batch.context and batch.context.span_id]
    assert rows["availability:a"].status.is_ok
    assert not rows["availability:b"].status.is_ok


async def test_a_failure_is_marked_by_its_type_without_its_message(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match=PERSONAL[0]), span("work", SpanKind.INTERNAL, {}):
        raise ValueError(PERSONAL[0])
    [failed] = named(spans, "work")
    assert (failed.attributes or {})["error.type"] == "ValueError"
    assert PERSONAL[0] not in failed.to_json()


async def test_an_invalid_traceparent_starts_a_new_trace(bench: Bench, spans: InMemorySpanExporter) -> None:
    await bench.take(traced_record("a", "nonsense", 0))

    async def deliver(rows: Sequence[Row]) -> Sequence[Outcome]:
        return [done(row) for row in rows]

    await instrument_lane(Lane(LANE, deliver, Breaker()), "x", bench.database).deliver(await bench.due())
    [attempt] = named(spans, "deliver availability")
    assert attempt.parent is None


async def test_nothing_is_traced_without_an_endpoint() -> None:
    async with export_spans(TelemetrySettings(), "davtari"):
        with span("work", SpanKind.INTERNAL, {}) as nothing:
            assert not is_tracing()
            assert not nothing.is_recording()
            assert traceparent() is None


@asynccontextmanager
async def run_collector() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A collector of OTLP over HTTP; yields its address and the received bodies."""
    bodies: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        bodies.append(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"http://127.0.0.1:{port}/v1/traces", bodies


async def test_spans_reach_a_collector_over_otlp_before_the_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    async with run_collector() as (address, bodies):
        async with export_spans(TelemetrySettings(otlp_endpoint=address), "davtari-order-exporter"):
            with span("work", SpanKind.INTERNAL, {"davtari.lane": "balance.documents"}):
                assert is_tracing()
        assert not is_tracing()
    [sent] = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    [resource] = sent.resource_spans
    assert "davtari-order-exporter" in str(resource.resource)
    assert [each.name for each in resource.scope_spans[0].spans] == ["work"]
