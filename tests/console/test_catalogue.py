"""Items, products, plans, mappings and stock figures in the query database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.balance import GroupRef, ItemChanged, ItemWithdrawn
from contracts.catalog import (
    AvailabilityChanged,
    FigureLine,
    GroupRule,
    MappingChanged,
    ProductLinked,
    ProductPlanned,
    ProductUnlinked,
    WrittenProduct,
)
from contracts.drift import StockDrifted
from services.console.model.catalogue import STOCK_HISTORY
from services.console.queries.catalogue import (
    ItemQuery,
    count_plans,
    list_groups_of_items,
    list_items,
    list_links,
    list_mappings,
    list_plans,
    read_item,
)
from services.console.queries.stock import list_stock, read_stock
from tests.console.console_bench import ConsoleBench, open_console
from tests.subscribers.story import item, price, stock, withdrawn

AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
DRINKS = "drinks"


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[ConsoleBench]:
    async with open_console(tmp_path) as found:
        yield found


def linked(uid: str = "tea", sku: str = "TEA", digest: str = "d1", **more: Any) -> ProductLinked:
    written = WrittenProduct(name="Tea", digest=digest)
    content = {"product_id": 7, "sku": sku, "how": "created", "linked_at": AT, "written": written, "written_at": AT}
    return ProductLinked(shop="main", item=uid, **(content | more))


def planned(uid: str = "tea", digest: str = "d2", action: str = "update", **more: Any) -> ProductPlanned:
    content = {"action": action, "digest": digest, "planned_at": AT + timedelta(minutes=1), "sku": uid.upper()}
    return ProductPlanned.model_validate({"shop": "main", "item": uid} | content | more)


def figure(quantity: str, minutes: int = 0) -> AvailabilityChanged:
    return AvailabilityChanged(
        shop="main", item="tea", product_id=7, sku="TEA", quantity=Decimal(quantity),
        explanation=(FigureLine(label="on hand", quantity=Decimal(quantity), source="w1"),), mode="live",
        published_at=AT + timedelta(minutes=minutes),
    )  # fmt: skip


def drift(minutes: int) -> StockDrifted:
    return StockDrifted(
        shop="main", item="tea", product_id=7, sku="TEA", ours=Decimal(5), theirs=Decimal(9), policy="correct",
        seen_at=AT + timedelta(minutes=minutes),
    )  # fmt: skip


async def test_an_item_is_shown_with_its_prices_its_stock_and_what_each_shop_has_of_it(console: ConsoleBench) -> None:
    await console.take(stock("3", "4"), price("5.50"))
    await console.take(item(), linked())
    found = await console.ask(read_item, "tea")
    assert (found.row.item, found.row.prices, found.row.stock) == (item(), price("5.50"), stock("3", "4"))
    assert (found.row.on_hand, found.row.withdrawn) == (Decimal(7), False)
    assert found.products["main"].link == linked()
    await console.take(withdrawn())
    assert (await console.ask(read_item, "tea")).row.withdrawn
    await console.take(item(name="Tea again"))
    assert not (await console.ask(read_item, "tea")).row.withdrawn
    assert await console.ask(read_item, "absent") is None


async def test_items_are_found_by_sku_and_name_and_paged_by_name(console: ConsoleBench) -> None:
    await console.take(*[item(name=f"Tea {n:02}", uid=f"tea{n}") for n in range(12)], item(name="Coffee", uid="cof"))
    assert [one.uid for one in (await console.ask(list_items, ItemQuery(text="COF"))).items] == ["cof"]
    assert [one.uid for one in (await console.ask(list_items, ItemQuery(text="offe"))).items] == ["cof"]
    seen: list[str] = []
    after: str | None = None
    while True:
        page = await console.ask(list_items, ItemQuery(text="tea "), after, 5)
        seen += [one.uid for one in page.items]
        if (after := page.next) is None:
            break
    assert seen == [f"tea{n}" for n in range(12)]
    await console.take(ItemWithdrawn(item="cof", observed_at=AT))
    assert (await console.ask(list_items, ItemQuery(text="COF"))).items == ()
    assert len((await console.ask(list_items, ItemQuery(text="COF", withdrawn=None))).items) == 1


async def test_groups_have_the_number_of_goods_in_them_and_mappings_are_those_of_people(console: ConsoleBench) -> None:
    folder = ItemChanged(item=DRINKS, kind="folder", name="Drinks", observed_at=AT)
    inside = item().model_copy(update={"group": DRINKS, "path": (GroupRef(uid=DRINKS, name="Drinks"),)})
    await console.take(folder, inside, item(uid="cup"))
    ((group, count),) = await console.ask(list_groups_of_items)
    assert (group.uid, count) == (DRINKS, 1)
    mapping = MappingChanged(
        shop="main", group=DRINKS, rule=GroupRule(category_id=4), command_id="c", changed_by="nino", changed_at=AT
    )
    await console.take(mapping)
    assert await console.ask(list_mappings, "main") == [mapping]
    assert await console.ask(list_mappings, "second") == []
    await console.take(mapping.model_copy(update={"rule": None}))
    assert await console.ask(list_mappings, "main") == []


async def test_a_plan_is_listed_until_it_was_written(console: ConsoleBench) -> None:
    skipped = planned("cup", action="skip", reason="product.no-sku")
    await console.take(item(), linked(), planned(), skipped)
    assert [one.plan for one in (await console.ask(list_plans, "main")).items] == [skipped, planned()]
    assert [(one.action, one.reason, one.count) for one in await console.ask(count_plans, "main")] == [
        ("skip", "product.no-sku", 1), ("update", "", 1),
    ]  # fmt: skip
    await console.take(linked(digest="d2", written_at=AT + timedelta(minutes=2)))
    assert [one.item for one in (await console.ask(list_plans, "main")).items] == ["cup"]
    assert [one.item for one in (await console.ask(list_plans, "main", "update")).items] == []
    assert [one.item for one in (await console.ask(list_links, "main")).items] == ["tea"]
    await console.take(ProductUnlinked(shop="main", item="tea", product_id=7, reason="gone", unlinked_at=AT))
    assert (await console.ask(list_links, "main")).items == ()


async def test_a_stock_figure_is_explained_with_those_before_it_and_a_drift_after_it(console: ConsoleBench) -> None:
    await console.take(item(), stock("5"), linked(), figure("4"))
    await console.take(figure("5", 1))
    found = await console.ask(read_stock, "main", "tea")
    assert (found.name, found.figure, found.stock, found.drift) == ("Tea", figure("5", 1), stock("5"), None)
    assert found.history == (figure("5", 1), figure("4"))
    await console.take(drift(2))
    assert (await console.ask(read_stock, "main", "TEA")).drift == drift(2)
    assert [one.drift for one in (await console.ask(list_stock, "main", drifted=True)).items] == [drift(2)]
    await console.take(figure("5", 3))
    assert (await console.ask(read_stock, "main", "TEA")).drift is None
    assert (await console.ask(list_stock, "main", drifted=True)).items == ()
    assert [one.name for one in (await console.ask(list_stock, "main")).items] == ["Tea"]
    assert await console.ask(read_stock, "second", "TEA") is None


async def test_only_the_last_figures_of_a_product_are_kept(console: ConsoleBench) -> None:
    await console.take(item(), linked())
    for n in range(STOCK_HISTORY + 7):
        await console.take(figure(str(n), n))
    history = (await console.ask(read_stock, "main", "TEA")).history
    assert [int(one.quantity) for one in history] == list(range(STOCK_HISTORY + 6, 6, -1))
