"""Ordinary Kafka tools show the cause of a dead letter: it carries the headers of Kafka Connect."""

from __future__ import annotations

import orjson
import pytest
from sqlalchemy import select

from contracts.connect_headers import ABOUT, PREFIX
from services.engine.state.tables import events
from tests.outbox.bench import Bench
from tests.outbox.dead_letter_commands import refuse_delivery
from tests.outbox.sample_service import garbage

pytestmark = pytest.mark.claim("K18")


async def connect_headers(bench: Bench) -> dict[str, str]:
    """The headers for such a tool on the dead letter in the outbox."""
    async with bench.database.read() as connection:
        rows = (await connection.execute(select(events).order_by(events.c.seq))).all()
    (row,) = [row for row in rows if row.topic == "dead-letters"]
    return {name: text for name, text in orjson.loads(row.headers) if name.startswith(PREFIX)}


async def test_a_dead_letter_of_an_unreadable_record_names_its_offset_and_the_error(bench: Bench) -> None:
    await bench.take(garbage(7))
    found = await connect_headers(bench)
    assert found.keys() == {PREFIX + name for name in ABOUT}
    assert [found[PREFIX + name] for name in ("topic", "partition", "offset")] == ["davtari.balance.stock", "0", "7"]
    assert [found[PREFIX + name] for name in ("stage", "connector.name")] == ["VALUE_CONVERTER", "sample-service"]
    assert found[PREFIX + "exception.class.name"] == "record.invalid-data"
    assert "JSON" in found[PREFIX + "exception.message"]


async def test_a_dead_letter_of_a_refused_delivery_names_no_record_to_republish(bench: Bench) -> None:
    await refuse_delivery(bench)
    assert await connect_headers(bench) == {
        f"{PREFIX}connector.name": "sample-service",
        f"{PREFIX}task.id": "0",
        f"{PREFIX}stage": "TASK_PUT",
        f"{PREFIX}class.name": "availability",
        f"{PREFIX}exception.class.name": "shop.refused",
        f"{PREFIX}exception.message": "no",
    }
