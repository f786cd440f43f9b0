"""The memory of a service that meets a large catalogue for the first time, each in a process of its own.

balance-feed's is found by `test_catalogue.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.model import Event
from services.shared.settings.model import KafkaSettings
from tests.benchmarks import goods
from tests.benchmarks.board import Board
from tests.benchmarks.figure import Figure
from tests.benchmarks.given import stock
from tests.benchmarks.processes import child, outcome
from tests.benchmarks.serving import publish

ITEMS = int(os.environ.get("BENCH_MEMORY_ITEMS", "200000"))
FIRST, GOAL_MB = 500, 250.0


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


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", FACTS)
async def test_the_first_start(
    name: str, two_kafkas: tuple[KafkaSettings, KafkaSettings], tmp_path: Path, board: Board
) -> None:
    kafka, _ = two_kafkas
    assert await publish(kafka, FACTS[name]()) == 2 * ITEMS
    with child("shop", "0", "0") as url:
        where = (kafka.bootstrap_servers, kafka.topic_prefix, str(tmp_path), str(FIRST))
        found = json.loads(outcome("service_run", name, url, *where, seconds=800))
    assert found["waiting"] > 0.9 * ITEMS, "all of it is to be delivered"
    board.show(_figure(name, found["peak_mb"], found["started_mb"]))


def _figure(name: str, found: float, started: float) -> Figure:
    told = (
        f"{ITEMS:,} items, all of them to be delivered; {started:.0f} MB before the first; the goal is for ours, in MB"
    )
    short = f"peak_mb_200k_{name.replace('-', '_')}"
    return Figure(short, "MB", found, GOAL_MB, found, (found, found), GOAL_MB, "less", told)
