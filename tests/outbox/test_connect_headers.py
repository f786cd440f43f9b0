"""Ordinary Kafka tools show what is wrong with a dead letter: it carries the headers that Kafka Connect gives one."""

from __future__ import annotations

import orjson
import pytest
from sqlalchemy import select

from contracts.connect_headers import ABOUT, PREFIX
from services.engine.state.tables import events
from tests.outbox.bench import Bench
from tests.outbox.letters import refused_letter
from tests.outbox.shelf import garbage

pytestmark = pytest.mark.claim("K18")


async def connect_headers(bench: Bench) -> dict[str, str]:
    """What the dead letter in the outbox tells such a tool."""
    async with bench.database.read() as connection:
        rows = (await connection.execute(select(events).order_by(events.c.seq))).all()
    (row,) = [row for row in rows if row.topic == "dead-letters"]
    return {name: text for name, text in orjson.loads(row.headers) if name.startswith(PREFIX)}


async def test_a_record_that_cannot_be_read_names_its_place_and_what_is_wrong(bench: Bench) -> None:
    await bench.take(garbage(7))
    told = await connect_headers(bench)
    assert told.keys() == {PREFIX + name for name in ABOUT}
    assert [told[PREFIX + name] for name in ("topic", "partition", "offset")] == ["davtari.balance.stock", "0", "7"]
    assert [told[PREFIX + name] for name in ("stage", "connector.name")] == ["VALUE_CONVERTER", "shelf-filler"]
    assert told[PREFIX + "exception.class.name"] == "record.invalid-data"
    assert "JSON" in told[PREFIX + "exception.message"]


async def test_a_refused_delivery_names_no_record_that_a_tool_could_write_again(bench: Bench) -> None:
    await refused_letter(bench)
    assert await connect_headers(bench) == {
        f"{PREFIX}connector.name": "shelf-filler",
        f"{PREFIX}task.id": "0",
        f"{PREFIX}stage": "TASK_PUT",
        f"{PREFIX}class.name": "shelf",
        f"{PREFIX}exception.class.name": "shop.refused",
        f"{PREFIX}exception.message": "no",
    }
