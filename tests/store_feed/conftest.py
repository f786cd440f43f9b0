"""Fixtures of the tests of store-feed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.store_feed.shop_bench import Store, open_store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A feed beside an empty shop, swept once: what comes now is new."""
    async with open_store(tmp_path / "state") as store:
        await store.swept()
        yield store
