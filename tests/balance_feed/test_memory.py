"""Memory does not grow with the catalogue."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.balance_feed import importing, scratch, snapshot
from services.balance_feed.handlers import NAME, handlers
from services.balance_feed.importing import Importer
from services.balance_feed.snapshot import Rows
from services.settings.model import Settings
from tests.balance_feed.feed_bench import settings
from tests.support.engine_bench import Clock, opened


class Wide:
    """A Balance with so many items of a kilobyte each."""

    def __init__(self, count: int) -> None:
        self.count = count

    async def items(self) -> AsyncIterator[dict[str, Any]]:
        for number in range(self.count):
            yield {"uid": f"item-{number:07}", "Name": f"Item {number}", "IsGroup": "false", "ExtCode": "x" * 1000}

    async def warehouse_names(self) -> Mapping[str, str]:
        return {}

    def prices(self) -> Rows:
        raise AssertionError("only items are read here")

    item_pricing = stocks = series = prices


async def peak(directory: Path, count: int) -> int:
    """The most bytes held while a catalogue is imported for the first time, is gone, and that is accepted."""
    known: Settings = settings("http://balance.test")
    async with opened(NAME, handlers(), directory, Clock()) as engine:
        tracemalloc.start()
        first = await Importer(engine, Wide(count), known).run("items")
        gone = await Importer(engine, Wide(0), known).run("items", accept_loss=True)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (first.stated, gone.missing) == (count, count)
    return most


@pytest.fixture
def _short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (scratch, importing, snapshot):
        monkeypatch.setattr(module, "AT_ONCE", 40)


@pytest.mark.usefixtures("_short_stretches")
async def test_five_times_the_catalogue_takes_no_more_memory(tmp_path: Path) -> None:
    few, many = await peak(tmp_path / "few", 200), await peak(tmp_path / "many", 1000)

    assert many < few * 1.3
