"""The disk is full: webhooks are refused, not lost in silence, and accepted again as soon as there is space."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from sqlalchemy import text

from services.engine.outbox.engine import Engine
from services.store_feed.handlers import handlers
from services.store_feed.records import NAME
from tests.store_feed.posting import ORDER, post, signed, stored
from tests.store_feed.shop_bench import MAIN, SECRET, intake
from tests.support.engine_bench import Clock, opened

MANY = 500
"""More than fits into the page that is open."""


@pytest.mark.claim("K3")
async def test_a_webhook_is_refused_while_the_disk_is_full(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with opened(NAME, handlers([MAIN]), tmp_path / "state", Clock()) as engine:
        receiver = intake(engine, SECRET).receiver
        # given a full disk, simulated by SQLite's limit on pages: the error is the same
        await _allow_pages(engine, 0)
        # when webhooks come, then the one that does not fit any more is not acknowledged, and one line says why
        taken = 0
        while (status := (await post(receiver, ORDER, signed(ORDER))).status_code) == 200 and taken < MANY:
            taken += 1
        assert status == 503
        (published,) = [record for record in caplog.records if record.message == "webhook could not be stored"]
        assert "free some space" in vars(published)["why"]
        assert published.exc_info is None
        assert "disk is full" in engine.database.failure
        assert await stored(engine) == taken
        # and the next one is accepted when there is space again
        await _allow_pages(engine, 100_000)
        assert (await post(receiver, ORDER, signed(ORDER))).status_code == 200
        assert (await stored(engine), engine.database.failure) == (taken + 1, "")


async def _allow_pages(engine: Engine, pages: int) -> None:
    """Let the database grow by at most that many pages."""
    async with engine.database.write() as connection:
        used = int(await connection.scalar(text("PRAGMA page_count")) or 0)
        await connection.execute(text(f"PRAGMA max_page_count={used + pages}"))
