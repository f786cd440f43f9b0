"""The Node example: orders and documents as they come, CloudEvents out of Kafka's headers."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.kafka.topics import Topics
from tests.subscribers.node import EXAMPLE, MISSING, install
from tests.subscribers.story import item, order, wrap_event

PATIENCE = 30.0
Lines = asyncio.StreamReader
pytestmark = [pytest.mark.kafka, pytest.mark.skipif(MISSING is not None, reason=str(MISSING))]


@pytest.fixture(scope="module")
def example() -> Path:
    """The example with its packages."""
    return install()


@asynccontextmanager
async def subscribed(topics: Topics, example: Path) -> AsyncIterator[Lines]:
    """The example at work in the group `printer`; it is asked to end at the end, and must do so in order."""
    kafka = topics.settings
    chosen = {"KAFKA": kafka.bootstrap_servers, "PREFIX": kafka.topic_prefix, "GROUP": f"{kafka.topic_prefix}printer"}
    process = await asyncio.create_subprocess_exec(
        "node", "subscribe.js", cwd=example, env=os.environ | chosen, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        yield process.stdout
        process.terminate()
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def lines(reader: Lines, count: int) -> list[str]:
    """The next lines, sorted: topics have no order among each other."""
    async with asyncio.timeout(PATIENCE):
        return sorted([(await reader.readline()).decode().rstrip() for _ in range(count)])


def test_the_packages_are_pinned_and_no_registry_is_named() -> None:
    lock = json.loads((EXAMPLE / "package-lock.json").read_text(encoding="utf-8"))
    asked = json.loads((EXAMPLE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    packages = {name.removeprefix("node_modules/"): package for name, package in lock["packages"].items() if name}
    assert {name: packages[name]["version"] for name in asked} == asked
    assert [name for name, package in packages.items() if "resolved" in package or "integrity" not in package] == []


async def test_orders_and_documents_are_printed_once_and_go_on_after_a_restart(town: Topics, example: Path) -> None:
    async with subscribed(town, example) as reader:
        assert await lines(reader, 7) == [
            "main:1031:sale-diverged v1: the order is 48.10 now, its Sale was recorded over 44.20",
            "main:1039 v5: the order is gone from the shop",
            "main:1042 v3: order 1042 is processing: 53.69 GEL, 3 lines",
            "main:1042:client v1: client created in Balance",
            "main:1042:credit-note:1051 v1: credit note 000000092 over 21.24 GEL",
            "main:1042:sale v1: Sale 000001733 over 53.69 GEL",
            "main:1051 v1: the order cannot be read now (shop.order-invalid): order 1051: total is no amount",
        ]
        await town.send(
            wrap_event(order(1042, "completed"), 4), wrap_event(order(1042), 3), wrap_event(order(1042, "completed"), 4)
        )
        await town.send(wrap_event(item()), wrap_event(order(1042, "refunded"), 5))
        assert await lines(reader, 2) == [
            "main:1042 v4: order 1042 is completed: 53.69 GEL, 3 lines",
            "main:1042 v5: order 1042 is refunded: 53.69 GEL, 3 lines",
        ]
    await town.put("shop.orders", b"main:1", b"{", [("ce_type", b"davtari.OrderChanged.v1"), ("odd", None)])
    await town.put("shop.orders", b"main:1", None)
    await town.send(wrap_event(order(1043, "pending")))
    async with subscribed(town, example) as reader:
        assert await lines(reader, 1) == ["main:1043 v1: order 1043 is pending: 53.69 GEL, 3 lines"]
