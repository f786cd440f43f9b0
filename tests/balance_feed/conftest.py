"""Fixtures of the tests of balance-feed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.balance_feed.feed_bench import Feed, opened_feed


@pytest.fixture
async def feed(tmp_path: Path) -> AsyncIterator[Feed]:
    """A feed beside a Balance with a small catalogue."""
    async with opened_feed(tmp_path / "state") as feed:
        yield feed
