"""Whether a plan is complete: the services have read everything with the current settings and looked it up in the shop.

This is read from the state databases on this machine; if there are none, the plan is reported as uncertain.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from aiokafka import TopicPartition

from services.balance_feed.importing import STATING
from services.catalog_importer.decide import product_lane_name
from services.catalog_importer.handlers import rules_fingerprint
from services.engine.kafka.connection import read_last_offsets
from services.engine.state.files import database_path
from services.engine.telemetry.state_readings import COMPLETION_PREFIX
from services.settings.model import Settings

FEED, IMPORTER = "balance-feed", "catalog-importer"
RESOURCES = ("items", "prices")
"""The resources of Balance that a plan depends on."""
ELSEWHERE = f"it is unknown whether {IMPORTER} has finished: its state is not on this machine"
POLL_INTERVAL = 0.5
"""Seconds."""


@dataclass(frozen=True, slots=True)
class MissingWork:
    """Something that a plan does not contain yet. `waiting` is False if only a person can resolve it."""

    why: str
    waiting: bool = True


async def find_missing_work(settings: Settings, shop: str) -> list[MissingWork]:
    """List what a plan of the shop does not contain yet."""
    importer = database_path(settings.state.directory, IMPORTER)
    feed = database_path(settings.state.directory, FEED)
    if not importer.exists():
        return [MissingWork(ELSEWHERE, waiting=False)]
    found = [*_feed(feed), *_importer(importer, settings, shop)]
    behind = await _behind(importer, settings)
    return [*found, *([MissingWork(f"{behind:,} records are not read yet")] if behind else [])]


async def wait_until_complete(
    settings: Settings, shop: str, patience: float, on_wait: Callable[[str], None]
) -> list[str]:
    """Wait until a plan is complete, at most `patience` seconds. Returns what it still lacks.

    `on_wait` is called with the reason whenever it changes.
    """
    loop, shown = asyncio.get_running_loop(), ""
    end = loop.time() + patience
    while True:
        left = await find_missing_work(settings, shop)
        if not any(one.waiting for one in left) or loop.time() >= end:
            return [one.why for one in left]
        if (now := "; ".join(one.why for one in left)) != shown:
            shown = now
            on_wait(shown)
        await asyncio.sleep(POLL_INTERVAL)


def _feed(path: Path) -> Iterator[MissingWork]:
    if not path.exists():
        return
    meta = _meta(path)
    for resource in RESOURCES:
        if meta.get(STATING + resource):
            yield MissingWork(f"{FEED} is publishing changes of Balance's {resource}")
        elif COMPLETION_PREFIX + resource not in meta:
            yield MissingWork(f"Balance's {resource} were never read completely")


def _importer(path: Path, settings: Settings, shop: str) -> Iterator[MissingWork]:
    if _meta(path).get("settings") not in (None, rules_fingerprint(settings)):
        why = f"{IMPORTER} runs with other settings: restart it (davtari up, davtari run {IMPORTER})"
        yield MissingWork(why, waiting=False)
    with closing(_open(path)) as db:
        dirty = _count(db, "SELECT count(*) FROM subjects WHERE dirty = 1 AND subject LIKE ?", f"{shop}:%")
        rows = _count(
            db, "SELECT count(*) FROM outbox_deliveries WHERE lane = ? AND state = 'pending'", product_lane_name(shop)
        )
        news = _count(db, "SELECT count(*) FROM outbox_events WHERE key LIKE ?", f"{shop}:%")
    for count, what in (
        (dirty, "items have to be decided again"),
        (rows, "items are not looked up in the shop yet"),
        (news, "decisions are not published yet"),
    ):
        if count:
            yield MissingWork(f"{count:,} {what}")


async def _behind(path: Path, settings: Settings) -> int:
    """The number of records that the importer has not read yet."""
    with closing(_open(path)) as db:
        rows = db.execute("SELECT topic, partition, next_offset FROM positions").fetchall()
    read = {TopicPartition(topic, partition): offset for topic, partition, offset in rows}
    ends = await read_last_offsets(settings.kafka, list(read)) if read else {}
    return sum(max(0, end - read[partition]) for partition, end in ends.items())


def _meta(path: Path) -> dict[str, str]:
    with closing(_open(path)) as db:
        return dict(db.execute("SELECT name, value FROM meta").fetchall())


def _count(db: sqlite3.Connection, query: str, value: str) -> int:
    return int(db.execute(query, (value,)).fetchone()[0])


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)
