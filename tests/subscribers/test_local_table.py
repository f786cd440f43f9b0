"""The Python example: a table of items, prices and stock that survives kills, duplicates and late arrivals."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from tests.kafka.topics import Topics, eventually
from tests.subscribers.story import item, price, stock, withdrawn, wrap_event

pytestmark = pytest.mark.kafka
PROGRAM = Path(__file__).parents[2] / "ops" / "examples" / "python" / "local_table.py"
PATIENCE = 30.0


class Table:
    """The example with its file."""

    def __init__(self, topics: Topics, file: Path) -> None:
        kafka = topics.settings
        self.file = file
        self.command = [sys.executable, str(PROGRAM), "--database", str(file)]
        self.command += ["--kafka", kafka.bootstrap_servers, "--prefix", kafka.topic_prefix]

    async def up_to_date(self) -> None:
        """Run it up to the present end of the topics."""
        process = await asyncio.create_subprocess_exec(*self.command, "--once")
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0

    @asynccontextmanager
    async def following(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The example at work, killed at the end as a power cut would."""
        process = await asyncio.create_subprocess_exec(*self.command)
        try:
            yield process
        finally:
            process.kill()
            await process.wait()

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What the table holds; nothing while there is none."""
        if not self.file.exists():
            return []
        with closing(sqlite3.connect(self.file, timeout=10)) as db:
            try:
                return db.execute(query).fetchall()
            except sqlite3.OperationalError:  # the tables are being made
                return []

    def everything(self) -> dict[str, list[tuple[object, ...]]]:
        """All that it holds of items, prices and stock."""
        return {name: sorted(self.rows(f"SELECT * FROM {name}"), key=repr) for name in ("items", "prices", "stock")}


@pytest.fixture
def table(topics: Topics, tmp_path: Path) -> Table:
    """The example over this test's topics."""
    return Table(topics, tmp_path / "items.sqlite")


async def test_the_newest_state_of_every_item_is_there(topics: Topics, table: Table) -> None:
    await topics.send(wrap_event(item("Tea"), 1), wrap_event(item("Green tea"), 2), wrap_event(withdrawn("jam"), 4))
    await topics.send(
        wrap_event(price("10.50", "9.00"), 1), wrap_event(price("11.00"), 2), wrap_event(stock("5", "2.500"), 1)
    )
    await table.up_to_date()
    assert table.rows("SELECT item, name, withdrawn FROM items") == [("tea", "Green tea", 0)]
    assert table.rows("SELECT price_type, price, currency FROM prices") == [("type-1", "11.00", "GEL")]
    assert table.rows("SELECT warehouse, quantity FROM stock ORDER BY warehouse") == [("w1", "5"), ("w2", "2.500")]


async def test_what_is_gone_says_so(topics: Topics, table: Table) -> None:
    await topics.send(wrap_event(item(), 1), wrap_event(price("1"), 1), wrap_event(stock("1"), 1))
    await topics.send(wrap_event(withdrawn(), 2), wrap_event(price(), 2), wrap_event(stock(), 2))
    await table.up_to_date()
    assert table.rows("SELECT item, withdrawn FROM items") == [("tea", 1)]
    assert table.rows("SELECT * FROM prices") == table.rows("SELECT * FROM stock") == []


async def test_duplicates_replays_and_late_arrivals_change_nothing(topics: Topics, table: Table) -> None:
    await topics.send(wrap_event(stock("5"), 3), wrap_event(item("Tea"), 2))
    await table.up_to_date()
    before = table.everything()
    await topics.send(
        wrap_event(stock("5"), 3),
        wrap_event(stock("4"), 2),
        wrap_event(item("Tea"), 2),
        wrap_event(item("Older tea"), 1),
    )
    await table.up_to_date()
    assert table.everything() == before
    await topics.send(wrap_event(stock("7"), 4))
    await table.up_to_date()
    assert table.rows("SELECT quantity FROM stock") == [("7",)]


async def test_what_is_not_understood_stops_nothing(topics: Topics, table: Table) -> None:
    await topics.put("balance.stock", b"tea", None)
    await topics.put("balance.stock", b"tea", b"\xff", [("ce_type", b"davtari.StockCounted.v9"), ("n", None)])
    await topics.send(wrap_event(stock("5")))
    await table.up_to_date()
    assert table.rows("SELECT quantity FROM stock") == [("5",)]


async def test_a_kill_at_any_moment_loses_nothing_and_counts_nothing_twice(topics: Topics, table: Table) -> None:
    uids = [f"item-{n}" for n in range(300)]
    await topics.send(*[wrap_event(stock(str(n), uid=uid), n) for n in range(1, 8) for uid in uids])
    for share in (1, 100):
        async with table.following():
            await eventually(lambda at_least=share: _holds(table, at_least), f"{share} items are in the table")
    await table.up_to_date()
    assert sorted(table.rows("SELECT item, quantity FROM stock")) == sorted((uid, "7") for uid in uids)


async def _holds(table: Table, at_least: int) -> bool:
    return len(table.rows("SELECT 1 FROM stock")) >= at_least


async def test_the_topics_are_enough_to_fill_a_lost_table_again(topics: Topics, table: Table) -> None:
    await topics.send(wrap_event(item()), wrap_event(price("1", "2")), wrap_event(stock("3")))
    await table.up_to_date()
    before = table.everything()
    table.file.unlink()
    await table.up_to_date()
    assert table.everything() == before
    assert all(before.values())
