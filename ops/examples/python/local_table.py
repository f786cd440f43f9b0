"""A subscriber that keeps items, prices and stock in a SQLite file of its own, from Davtari's compacted topics.

    pip install aiokafka
    python local_table.py --kafka 127.0.0.1:9092 --database items.sqlite          # follow
    python local_table.py --kafka 127.0.0.1:9092 --database items.sqlite --once   # up to the present end, then stop

Three rules make it right, whatever is repeated, replayed or interrupted:

- rows and offsets are written in one transaction, so that a kill at any moment neither loses an event nor counts one
  twice; no consumer group is needed;
- an event is applied only if its version (`ce_sequence`) is newer than the one that the table holds of its subject;
- each event carries the whole record, so that it replaces what was there. Delete the file, and it fills up again.

It needs nothing of Davtari's code: take it as a beginning of your own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

TABLES = """
CREATE TABLE IF NOT EXISTS items (item TEXT PRIMARY KEY, sku TEXT, name TEXT, unit TEXT, kind TEXT, withdrawn INTEGER);
CREATE TABLE IF NOT EXISTS prices
  (item TEXT, price_type TEXT, price TEXT, currency TEXT, valid_from TEXT, valid_to TEXT);
CREATE TABLE IF NOT EXISTS stock (item TEXT, warehouse TEXT, lot TEXT, quantity TEXT, reserve TEXT);
CREATE TABLE IF NOT EXISTS versions (topic TEXT, subject TEXT, version INTEGER, PRIMARY KEY (topic, subject));
CREATE TABLE IF NOT EXISTS offsets (topic TEXT, part INTEGER, next INTEGER, PRIMARY KEY (topic, part));
"""
TOPICS = ("balance.items", "balance.prices", "balance.stock")
Data = dict[str, Any]


def item_changed(db: sqlite3.Connection, data: Data) -> None:
    """The whole item as it is now. Amounts and quantities elsewhere are decimal texts: never make floats of them."""
    fields = [data["item"], data.get("sku"), data["name"], data.get("unit"), data["kind"], 0]
    db.execute("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?)", fields)


def item_withdrawn(db: sqlite3.Connection, data: Data) -> None:
    """The item is gone from Balance: that is an event with a version, not a tombstone."""
    db.execute("UPDATE items SET withdrawn = 1 WHERE item = ?", [data["item"]])


def price_changed(db: sqlite3.Connection, data: Data) -> None:
    """All prices of the item; an empty list means that it has none any more."""
    names = ("price_type", "price", "currency", "valid_from", "valid_to")
    rows = [(data["item"], *[price.get(name) for name in names]) for price in data["prices"]]
    db.execute("DELETE FROM prices WHERE item = ?", [data["item"]])
    db.executemany("INSERT INTO prices VALUES (?, ?, ?, ?, ?, ?)", rows)


def stock_changed(db: sqlite3.Connection, data: Data) -> None:
    """The whole stock of the item over warehouses and lots; an empty list is zero everywhere."""
    names = ("warehouse", "lot", "quantity", "reserve")
    rows = [(data["item"], *[row.get(name) for name in names]) for row in data["rows"]]
    db.execute("DELETE FROM stock WHERE item = ?", [data["item"]])
    db.executemany("INSERT INTO stock VALUES (?, ?, ?, ?, ?)", rows)


MEANING = {
    "davtari.ItemChanged.v1": item_changed,
    "davtari.ItemWithdrawn.v1": item_withdrawn,
    "davtari.PriceChanged.v1": price_changed,
    "davtari.StockChanged.v1": stock_changed,
}


def apply(db: sqlite3.Connection, record: Any) -> None:
    """Apply one record. Types that we do not know are left alone: a topic may gain new ones."""
    headers = {name: raw.decode(errors="replace") for name, raw in record.headers if raw is not None}
    meaning = MEANING.get(headers.get("ce_type", ""))
    if meaning is None or record.value is None:
        return
    if newer(db, record.topic, headers["ce_subject"], int(headers["ce_sequence"])):
        meaning(db, json.loads(record.value))


def newer(db: sqlite3.Connection, topic: str, subject: str, version: int) -> bool:
    """Whether this version is newer than the one that we hold; if so it is the one that we hold from now on."""
    upsert = """
        INSERT INTO versions VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET version = excluded.version WHERE excluded.version > version
    """
    return db.execute(upsert, [topic, subject, version]).rowcount == 1


def keep(db: sqlite3.Connection, batch: dict[TopicPartition, list[Any]]) -> None:
    """Apply a batch and move the offsets, in one transaction."""
    with db:
        for partition, records in batch.items():
            for record in records:
                apply(db, record)
            row = (partition.topic, partition.partition, records[-1].offset + 1)
            db.execute("INSERT OR REPLACE INTO offsets VALUES (?, ?, ?)", row)


def resume(db: sqlite3.Connection, consumer: AIOKafkaConsumer) -> None:
    """Go on behind the last batch that was kept; partitions that the table does not know begin at their start."""
    for topic, part, next_ in db.execute("SELECT * FROM offsets").fetchall():
        if (partition := TopicPartition(topic, part)) in consumer.assignment():
            consumer.seek(partition, next_)


async def left(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    """Whether something that was in the topics at the start is still to be read."""
    return any([await consumer.position(partition) < end for partition, end in ends.items()])


async def follow(kafka: str, topics: Iterable[str], db: sqlite3.Connection, once: bool) -> None:
    """Keep the table up to date until cancelled, or up to the present end of the topics."""
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        resume(db, consumer)
        ends = await consumer.end_offsets(consumer.assignment())
        while not once or await left(consumer, ends):
            keep(db, await consumer.getmany(timeout_ms=500, max_records=1000))
    finally:
        await consumer.stop()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Keep items, prices and stock in a SQLite file.")
    parser.add_argument("--kafka", default="127.0.0.1:9092", help="bootstrap servers")
    parser.add_argument("--prefix", default="davtari.", help="prefix of the topics")
    parser.add_argument("--database", default="items.sqlite")
    parser.add_argument("--once", action="store_true", help="stop at the present end of the topics")
    asked = parser.parse_args()
    db = sqlite3.connect(asked.database)
    db.executescript(TABLES)
    asyncio.run(follow(asked.kafka, [asked.prefix + topic for topic in TOPICS], db, asked.once))


if __name__ == "__main__":
    main()
