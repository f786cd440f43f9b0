"""The memory of a service that meets a large catalogue for the first time, each in a process of its own.

200,000 items take several minutes, so that fewer are read, and what the second half of them added is carried on to
200,000 in a straight line: the state is in SQLite, whose caches have a size, and a straight line is the worst that
can come of it. balance-feed's memory is measured with all 200,000 (`test_catalogue.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from contracts.model import Event
from services.settings.model import KafkaSettings
from tests.benchmarks import goods
from tests.benchmarks.board import Board
from tests.benchmarks.figure import Figure
from tests.benchmarks.given import stock
from tests.benchmarks.processes import child, outcome
from tests.benchmarks.serving import publish
from tests.benchmarks.size import sized

ITEMS, WHOLE, GOAL_MB = sized(40_000, 2_000), 200_000, 250.0


def of_importer() -> Iterator[Event]:
    """Items and their prices: every item is to be made in the shop."""
    for number in range(ITEMS):
        yield goods.item_changed(number)
        yield goods.price_changed(number)


def of_publisher() -> Iterator[Event]:
    """Links and stock: every product is to get its figure."""
    rules = goods.RULES
    for number in range(ITEMS):
        yield goods.linked(rules, number)
        yield stock(number)


FACTS = {"catalog-importer": of_importer, "stock-publisher": of_publisher}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", FACTS)
async def test_the_first_start(
    name: str, two_kafkas: tuple[KafkaSettings, KafkaSettings], tmp_path: Path, board: Board
) -> None:
    kafka, _ = two_kafkas
    passed = goods.lookups_read(goods.settings(tmp_path))
    count = await publish(kafka, chain([passed], FACTS[name]()))
    with child("shop", "0", "0") as url:
        where = (kafka.bootstrap_servers, kafka.topic_prefix, str(tmp_path), str(count))
        found = json.loads(outcome("service_run", name, url, *where, seconds=200))
    assert found["waiting"] > 0.5 * ITEMS, "most of it is still to be delivered"
    board.show(_figure(name, found))


def _figure(name: str, found: dict[str, float]) -> Figure:
    grown = found["read_mb"] - found["half_mb"]
    whole = found["peak_mb"] + grown * (WHOLE - ITEMS) / (ITEMS / 2)
    note = (
        f"{found['peak_mb']:.0f} MB at {ITEMS:,} items ({found['started_mb']:.0f} before the first), the second half "
        f"added {grown:.1f}; carried on to {WHOLE:,}; the goal is for ours, in MB"
    )
    short = f"peak_mb_200k_{name.replace('-', '_')}"
    return Figure(short, "MB", whole, GOAL_MB, whole, (found["peak_mb"], whole), GOAL_MB, "less", note)
