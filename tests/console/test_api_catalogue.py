"""Items, products, stock figures, approvals, days and today over the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.catalog import AvailabilityChanged, FigureLine, ProductLinked, ProductPlanned, WrittenProduct
from services.console.access.roles import ConsoleRole
from services.console.api.problems import ProblemCode
from tests.console.api_bench import ApiBench, problem_of, serve_api
from tests.subscribers.story import item, price, stock
from tests.support.exporting import PAID

SKU = "TEA/5 %"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiBench]:
    async with serve_api(tmp_path) as bench:
        await bench.data.take(
            item("Tea", "tea"), price("4.50", uid="tea"), stock("9", uid="tea"), item("Cup", "cup"),
            ProductLinked(
                shop="main", item="tea", product_id=7, sku=SKU, how="created", linked_at=PAID,
                written=WrittenProduct(name="Tea", digest="d1"), written_at=PAID,
            ),
            ProductPlanned(
                shop="main", item="tea", action="update", digest="d2", planned_at=PAID + timedelta(minutes=1), sku=SKU
            ),
            ProductPlanned(
                shop="main", item="cup", action="skip", reason="product.no-price", digest="d3", planned_at=PAID
            ),
            AvailabilityChanged(
                shop="main", item="tea", product_id=7, sku=SKU, quantity=Decimal(8), mode="live", published_at=PAID,
                explanation=(
                    FigureLine(label="on hand", quantity=Decimal(9), source="all warehouses"),
                    FigureLine(label="buffer", quantity=Decimal(-1), source="stock.buffer"),
                ),
            ),
        )  # fmt: skip
        yield bench


async def read(api: ApiBench, path: str, **params: Any) -> Any:
    answer = await (await api.reader(ConsoleRole.VIEWER)).get(path, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.json()["as_of"]["position"] > 0
    return answer.json()


async def test_an_item_is_shown_with_prices_stock_and_what_each_shop_has_of_it(api: ApiBench) -> None:
    (found,) = (await read(api, "/items", text="tea"))["items"]
    assert (found["uid"], found["stock"]["rows"][0]["quantity"]) == ("tea", "9")
    assert Decimal(found["prices"]["prices"][0]["price"]) == Decimal("4.50")
    assert [(one["shop"], one["linked"], one["pending"]) for one in found["products"]] == [("main", True, True)]
    assert (await read(api, "/items/tea"))["item"] == found
    first = await read(api, "/items", limit=1)
    second = await read(api, "/items", limit=1, after=first["next"])
    assert {first["items"][0]["uid"], second["items"][0]["uid"]} == {"tea", "cup"}
    assert second["next"] is None


async def test_plans_are_the_products_with_a_change_that_is_not_written(api: ApiBench) -> None:
    plans = (await read(api, "/products/main", pending=True))["products"]
    assert [(one["item"], one["plan"]["action"]) for one in plans] == [("cup", "skip"), ("tea", "update")]
    (skipped,) = (await read(api, "/products/main", reason="product.no-price"))["products"]
    assert skipped["item"] == "cup"
    assert (await read(api, "/products/second"))["products"] == []


async def test_a_stock_figure_is_explained_line_by_line(api: ApiBench) -> None:
    found = await read(api, "/stock/main/TEA%2F5%20%25")
    assert [(one["label"], one["quantity"]) for one in found["figure"]["explanation"]] == [
        ("on hand", "9"),
        ("buffer", "-1"),
    ]
    assert (found["figure"]["quantity"], found["stock"]["rows"][0]["quantity"]) == ("8", "9")
    assert len(found["history"]) == 1
    (listed,) = (await read(api, "/stock/main"))["figures"]
    assert (listed["figure"], listed["link"]) == (found["figure"], found["link"])


async def test_today_and_what_waits_for_approval_are_the_figures_of_the_queries(api: ApiBench) -> None:
    today = await read(api, "/today")
    assert today["orders"] == sum(today["states"].values()) == sum(today["by_hour"]) > 70
    total = today["in_books"] + today["in_progress"] + today["held"] + today["need_person"] + today["ended"]
    assert total == today["orders"]
    assert today["money"][0]["currency"] == "GEL"
    assert (await read(api, "/today", shop="second"))["orders"] == 0
    (shape,) = (await read(api, "/approvals"))["shapes"]
    assert [one["order_id"] for one in shape["waiting"]] == [2000]
    day = {"first": today["date"], "last": today["date"]}
    (listed,) = (await read(api, "/days/main", **day))["days"]
    assert (listed["date"], listed["close"]) == (today["date"], None)
    assert listed["orders"] > 0


async def test_what_is_not_known_or_makes_no_sense_is_a_problem(api: ApiBench) -> None:
    client = await api.reader()
    for path in ("/items/none", "/stock/main/none", "/stock/second/TEA"):
        problem_of(await client.get(path), 404, ProblemCode.UNKNOWN_RESOURCE)
    cursor = (await client.get("/items", params={"limit": 1})).json()["next"]
    problem_of(await client.get("/products/main", params={"after": cursor}), 400, ProblemCode.CURSOR_INVALID)
    nonsense = [
        "/items?kind=planet", "/items/%00", "/products/main?action=burn", "/days/main", "/days/main?first=x&last=y",
        "/days/main?first=2026-02-01&last=2026-01-01", "/days/main?first=2020-01-01&last=2026-01-01", "/today?shop=A B",
    ]  # fmt: skip
    for path in nonsense:
        problem_of(await client.get(path), 400, ProblemCode.PARAMETER_INVALID)
