"""Fixtures of the console's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.console.page_bench import PageBench, start_pages


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[PageBench]:
    async with start_pages(tmp_path) as bench:
        yield bench
