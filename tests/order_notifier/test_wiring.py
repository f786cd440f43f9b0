"""The service as it is wired: a lane for each kind and shop, gates for what is live, a guard before a copied shop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts.identity import ShopIdentified
from services.connectors.identity.evidence import compute_key_mark
from services.connectors.woocommerce.client import WooCommerce
from services.demo.kafka import Broker
from services.engine.outbox.outcome import Done, Outcome, Retry
from services.engine.runtime.blueprint import Blueprint
from services.order_notifier import app
from services.settings.kafka import KafkaSettings
from tests.order_notifier.notifier_bench import HOME, MOVES, NOTES, World, sale, settings, world
from tests.outbox.bench import open_bench
from tests.outbox.sample_service import NOW, record

LIVE = {"notes": NOTES, "statuses": MOVES}


@asynccontextmanager
async def wired(on: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Blueprint]:
    """The service's blueprint, with the shop of a world behind it."""

    @asynccontextmanager
    async def shops(*_: Any) -> AsyncIterator[Mapping[str, WooCommerce]]:
        yield {"main": on.client}

    monkeypatch.setattr(app, "open_shops", shops)
    async with app.blueprint(on.using, lambda: NOW) as made:
        yield made


@pytest.mark.parametrize(("rules", "gates"), [({}, 0), ({"notes": NOTES}, 1), (LIVE, 2)], ids=["off", "notes", "both"])
async def test_each_shop_has_two_lanes_and_what_is_live_has_a_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: dict[str, Any], gates: int
) -> None:
    async with world(tmp_path, settings(**rules)) as on, wired(on, monkeypatch) as made:
        assert [lane.name for lane in made.lanes] == ["woocommerce.notes.main", "woocommerce.statuses.main"]
        assert [(lane.batch, lane.concurrency) for lane in made.lanes] == [(1, 2), (1, 2)]
        assert len(made.gates) == gates


@pytest.mark.kafka
async def test_a_key_that_may_only_read_holds_both_back_before_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kafka: Broker
) -> None:
    on_kafka = {"kafka": KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)}
    live = settings(**LIVE).model_copy(update=on_kafka)
    async with world(tmp_path, live) as on, wired(on, monkeypatch) as made:
        assert [(await gate.check()).faults for gate in made.gates] == [(), ()]
    reads = world(tmp_path / "reads", live, key="ck_sandbox_reads")
    async with reads as on, wired(on, monkeypatch) as made:
        event = [(await gate.check()).faults for gate in made.gates]
        assert ["key may write" in str(each) for each in event] == [True, True]


def keyed(folder: Path) -> dict[str, Any]:
    """The same with a key in its file."""
    for name in ("key", "secret"):
        (folder / name).write_text("k", encoding="utf-8")
    return LIVE | {"key_file": folder / "key", "secret_file": folder / "secret"}


def identified(on: World, home: str) -> ShopIdentified:
    """The shop that was met first."""
    mark = compute_key_mark(on.using.shops["main"])
    known = {"shop": "main", "url": "shop.test", "home": home, "key_mark": mark, "at": NOW, "how": "first-contact"}
    return ShopIdentified.model_validate(known)


async def tried(on: World, made: Blueprint, folder: Path, known: str) -> list[Outcome]:
    """The notes and statuses of an order when the shop was known by this address."""
    order = on.sells()
    async with open_bench(folder, made.handlers) as bench:
        for task in made.early_tasks:
            await task(bench.engine)
        await bench.take(record(identified(on, known)))
        on.bench = bench
        await on.reads(order)
        await on.take(sale(order))
        rows = [(lane, row) for lane in made.lanes for row in await bench.engine.claim(lane.name, 10, ())]
        assert len(rows) == 2
        return [outcome for lane, row in rows for outcome in await lane.deliver([row])]


@pytest.mark.claim("K20")
@pytest.mark.parametrize("known", ["elsewhere.test", HOME.removeprefix("https://")], ids=["a copy", "the shop"])
async def test_a_copied_shop_gets_no_note_and_no_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    async with world(tmp_path / "a", settings(**keyed(tmp_path))) as on, wired(on, monkeypatch) as made:
        own = on.bench
        outcomes = await tried(on, made, tmp_path / "b", known)
        on.bench = own
        if known == "elsewhere.test":
            assert all(isinstance(one, Retry) and "is not the shop that is known" in one.why for one in outcomes)
            assert on.writes() == []
        else:
            assert all(isinstance(one, Done) for one in outcomes)
