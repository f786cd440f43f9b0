"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.outbox.bench import Bench, Script, open_bench
from tests.outbox.sample_service import handlers


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """The sample service with its own rules."""
    async with open_bench(tmp_path) as found:
        yield found


@pytest.fixture
def script() -> Script:
    """The decisions of the scripted service, as a test sets them."""
    return Script()


@pytest.fixture
async def scripted(tmp_path: Path, script: Script) -> AsyncIterator[Bench]:
    """The sample service with the decisions of `script`."""
    async with open_bench(tmp_path, handlers(script)) as found:
        yield found
