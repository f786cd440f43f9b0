"""Orders that the topics have lost: Kafka was restored from an older copy, or a topic was deleted and created again.

The state database that was set aside then still contains what was published, and in which version. Whatever the topics
lack, or have in an older version, is read again, and so published again.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from contracts.shop import OrderChanged, RefundIssued
from services.engine.outbox.engine import Engine
from services.engine.outbox.work import Work
from services.engine.state.database import read_meta, write_meta
from services.engine.state.files import find_set_aside
from services.engine.state.store import chunks, load_versions
from services.store_feed.records import NAME, SWEPT, HintSource, SweepCursor, request_refreshes

log = logging.getLogger(__name__)
Stated = tuple[str, str, int]
"""Topic, subject and version of a published event."""
AT_ONCE = 200
_STATED = "SELECT topic, subject, version FROM versions WHERE topic IN (?, ?)"
_SWEPT = "SELECT key, body FROM records WHERE kind = ?"


class LostOrderSearch:
    """Compares the databases set aside in a folder with the one in use."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def keep_cursors(self, engine: Engine) -> None:
        """Continue the sweeps where the newest of these databases ended: the topics may no longer show it."""
        files = find_set_aside(self._directory, NAME, "outdated")
        cursors = await asyncio.to_thread(_cursors, files[-1]) if files else {}
        async with engine.work() as work:
            known = await work.get_many(SWEPT, cursors)
            for shop, swept in cursors.items():
                if shop not in known:
                    work.put(SWEPT, shop, swept)

    async def read_lost_orders(self, engine: Engine) -> None:
        """Request a read of every order that the topics have lost, once for each database."""
        for file in find_set_aside(self._directory, NAME, "outdated"):
            async with engine.database.read() as connection:
                done = await read_meta(connection, _mark(file))
            if done is None:
                await self._compare(engine, file)

    async def _compare(self, engine: Engine, file: Path) -> None:
        lost = 0
        for stated in chunks(await asyncio.to_thread(_stated, file), AT_ONCE):
            async with engine.work() as work:
                lost += await _hint(work, stated)
        async with engine.database.write() as connection:
            await write_meta(connection, _mark(file), str(lost))
        if lost:
            log.warning("orders lost by the topics are read again", extra={"file": str(file), "made": lost})


async def _hint(work: Work, stated: list[Stated]) -> int:
    held = await load_versions(work.connection, [(topic, subject) for topic, subject, _ in stated])
    lost = {
        _order_of(subject): HintSource()
        for topic, subject, version in stated
        if (topic, subject) not in held or held[topic, subject].version < version
    }
    await request_refreshes(work, lost)
    return len(lost)


def _order_of(subject: str) -> str:
    """The `shop:order` of `shop:order` or `shop:order:refund`."""
    return ":".join(subject.split(":")[:2])


def _mark(file: Path) -> str:
    return f"compared:{file.name}"


def _stated(file: Path) -> list[Stated]:
    with closing(_open(file)) as database:
        return list(database.execute(_STATED, (OrderChanged.TOPIC, RefundIssued.TOPIC)))


def _cursors(file: Path) -> dict[str, SweepCursor]:
    with closing(_open(file)) as database:
        rows: Iterator[tuple[str, str]] = database.execute(_SWEPT, (SWEPT.name,))
        return {shop: SweepCursor.model_validate_json(body) for shop, body in rows}


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{file}?mode=ro", uri=True)
