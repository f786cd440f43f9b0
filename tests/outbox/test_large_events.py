"""An event that is larger than its topic takes is measured before it is stored, and holds up no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from contracts.balance import StockChanged
from contracts.reasons import Reason
from contracts.topics import BY_NAME, largest_event
from services.engine.outbox.outcome import Refused
from services.engine.state.tables import events
from tests.outbox.bench import Bench, Script, open_bench, want
from tests.outbox.sample_service import availability_delivery, garbage, handlers, stock

LONG = "x" * 5_000_000


def large(item: str) -> StockChanged:
    """A fact of more than four megabytes."""
    row = stock(item).rows[0]
    return stock(item).model_copy(update={"rows": (row.model_copy(update={"lot": LONG}),)})


async def sizes(bench: Bench) -> list[tuple[str, int]]:
    """The topic of each waiting event, and its bytes."""
    async with bench.database.read() as connection:
        return [(row.topic, len(row.value)) for row in await connection.execute(select(events).order_by(events.c.seq))]


def test_the_bounds_of_the_topics_leave_space_for_headers() -> None:
    assert all(0 < largest_event(name) < topic.largest for name, topic in BY_NAME.items())


async def test_a_large_event_is_one_dead_letter_without_its_body(bench: Bench) -> None:
    for _ in range(2):
        await bench.announce(stock("a"), large("b"), stock("c"))
    (dead_letter,) = await bench.dead_letters()
    assert dead_letter.reason == Reason.EVENT_TOO_LARGE
    assert dead_letter.about == "davtari.StockChanged.v1 of b"
    assert "the topic balance.stock takes" in dead_letter.detail
    assert {topic for topic, size in await sizes(bench) if size > 10_000} == set()
    assert [event.item for event in await bench.events_of(StockChanged)] == ["a", "c", "a", "c"]


async def test_versions_have_no_gap_where_an_event_is_too_large(bench: Bench) -> None:
    await bench.announce(stock("a"), large("a"), stock("a", 2))
    assert [one.sequence for one in await bench.published() if isinstance(one.data, StockChanged)] == [1, 2]


async def test_a_record_of_any_size_that_cannot_be_read_is_a_dead_letter(bench: Bench) -> None:
    poison = replace(garbage(7), value=b"\xff" * 6_500_000)
    await bench.take(poison)
    await bench.take(poison)
    (dead_letter,) = await bench.dead_letters()
    assert (dead_letter.reason, dead_letter.record) == ("record.invalid-data", None)
    assert dead_letter.about.startswith("record davtari.balance.stock/0/7")
    assert "is left out" in dead_letter.detail


async def test_a_large_delivery_that_is_refused_is_one_dead_letter_without_its_payload(tmp_path: Path) -> None:
    script = Script()
    async with open_bench(tmp_path, handlers(script)) as bench:
        delivery = availability_delivery("a")
        large_one = replace(delivery, payload={**delivery.payload, "note": "y" * 9_000_000})
        await want(bench, script, large_one)
        (row,) = await bench.due()
        await bench.settle(row, Refused(Reason.SHOP_REFUSED, "z" * 9_000_000))
        await bench.touch("a")
        (dead_letter,) = await bench.dead_letters()
        assert dead_letter.delivery is not None
        assert (dead_letter.delivery.subject, dead_letter.delivery.payload) == ("a", {})
        assert len(dead_letter.detail) < 3_000
        assert await bench.rows() == {}
