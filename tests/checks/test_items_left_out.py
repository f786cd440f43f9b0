"""`davtari check` counts what the importer would leave out, and why, before anybody plans, from a few small answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from contracts.balance import ItemChanged, ItemPrice, PriceChanged
from contracts.reasons import Reason
from services.accounting.checks.findings import Finding
from services.catalog_importer.handlers import handlers
from services.cli.check import items as counting
from services.cli.check.items import ItemCounts, count_items, item_findings, product_findings, read_sample
from services.cli.check.systems import gather_findings
from services.cli.plans.catalogue import KnownCatalogue
from services.connectors.woocommerce.product import Product
from services.engine.outbox.upstream_errors import AccessDenied, Unavailable
from services.settings.balance import BalanceSettings
from services.settings.model import Settings
from tests.catalog_importer.catalogue_bench import TOYS, item, plans, price, settings, world
from tests.catalog_importer.shop_products import ListedProducts, cup
from tests.support.memory_state import NOON, Consumer

EURO, LARI = "uid-of-euro", "uid-of-lari"
Stated = Mapping[str, Sequence[ItemPrice]]


def tea(number: int, **more: Any) -> ItemChanged:
    return item(f"tea-{number}", **more)


def priced(items: Sequence[ItemChanged], **more: Any) -> Stated:
    return {one.item: (price("5.00", **more),) for one in items}


def count(items: Sequence[ItemChanged], stated: Stated | None = None, rules: Settings | None = None) -> ItemCounts:
    chosen = rules or settings()
    found = KnownCatalogue("main", chosen.shops["main"], {one.item: one for one in items}, {})
    return count_items(found, priced(items) if stated is None else stated, chosen.balance, NOON)


TEN = [tea(number) for number in range(10)]
OTHERS = [tea(number, group=TOYS, path=()) for number in range(20, 25)]
NO_TYPE = [tea(number, kind="unknown", item_type=None) for number in range(30, 39)]
NO_SKU = [tea(number, sku=None) for number in range(40, 49)]
TWINS = [tea(50, sku="SAME"), tea(51, sku="same")]
SERVICES = [tea(60, kind="service")]
IN_EURO = priced(TEN, currency=EURO)
IN_LARI = priced(TEN, currency=LARI)
KNOWN_LARI = settings().model_copy(
    update={"balance": settings().balance.model_copy(update={"currencies": {"GEL": LARI}})}
)

# items, prices, settings → how many are sold, reason → how many are left out, what is a fault
CASES: dict[str, tuple[list[ItemChanged], Stated | None, Settings | None, int, dict[Reason, int], set[str]]] = {
    "all are fine": (TEN, None, None, 10, {}, set()),
    "some are in groups that are not mapped": (
        TEN + OTHERS, None, None, 10, {Reason.PRODUCT_GROUP_NOT_MAPPED: 5}, set(),
    ),
    "the currency's uid is not in the settings": (
        TEN, IN_LARI, None, 0, {Reason.PRODUCT_PRICE_INVALID: 10}, {"items", "left out: product.price-invalid"},
    ),
    "the currency's uid is in the settings": (TEN, IN_LARI, KNOWN_LARI, 10, {}, set()),
    "one price is in another currency": (
        TEN, {**priced(TEN), "tea-3": IN_EURO["tea-3"]}, None, 9, {Reason.PRODUCT_PRICE_INVALID: 1}, set(),
    ),
    "prices are off": (TEN, IN_LARI, settings({"prices": "off"}), 10, {}, set()),
    "Balance states no item type": (
        [*NO_TYPE, tea(1)], None, None, 1, {Reason.PRODUCT_NOT_GOODS: 9}, {"left out: product.not-goods"},
    ),
    "the SKU is in another field of Balance": (
        [*NO_SKU, tea(1)], None, None, 1, {Reason.PRODUCT_NO_SKU: 9}, {"left out: product.no-sku"},
    ),
    "two items have one SKU": (TEN + TWINS, None, None, 10, {Reason.PRODUCT_SKU_USED_TWICE: 2}, set()),
    "services among goods": (TEN + SERVICES, None, None, 10, {Reason.PRODUCT_NOT_GOODS: 1}, set()),
    "nothing is chosen yet": (OTHERS, None, None, 0, {Reason.PRODUCT_GROUP_NOT_MAPPED: 5}, set()),
    "a price of nothing": (
        TEN, {**priced(TEN), "tea-3": (price("0"),)}, None, 9, {Reason.PRODUCT_PRICE_INVALID: 1}, set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("items", "stated", "rules", "sold", "left_out", "faults"), CASES.values(), ids=CASES.keys())
def test_what_is_left_out_is_counted_by_reason_with_an_example(
    items: list[ItemChanged],
    stated: Stated | None,
    rules: Settings | None,
    sold: int,
    left_out: dict[Reason, int],
    faults: set[str],
) -> None:
    found = count(items, stated, rules)
    assert (found.total, len(found.sold)) == (len(items), sold)
    assert {reason: number for reason, (number, _) in found.left_out.items()} == left_out
    findings = item_findings(found, "in Balance")
    assert f"{sold:,} of {len(items):,} items" in findings[0].message
    assert {one.what for one in findings if one.ok is False} == faults
    for reason, (_, example) in found.left_out.items():
        [finding] = [one for one in findings if one.what == f"left out: {reason}"]
        assert example in finding.message
        assert any(one.name in example for one in items)


def test_the_count_equals_the_importers_decisions() -> None:
    items = [*TEN[:3], *OTHERS[:1], *NO_SKU[:1], *TWINS, *SERVICES]
    stated = {**priced(items), "tea-1": IN_EURO["tea-1"]}
    consumer = Consumer(handlers(settings()))
    prices = [PriceChanged(item=uid, prices=tuple(each), observed_at=NOON) for uid, each in stated.items()]
    decisions = consumer.take(*prices, *items)
    skipped = {event.item: event.reason for one in decisions.values() for event in plans(one.announce)}
    found = count(items, stated)
    assert {one.item for one in found.sold} == {one.item for one in items} - skipped.keys()
    assert {reason: number for reason, (number, _) in found.left_out.items()} == Counter(skipped.values())


def test_items_without_a_price_are_reported_but_not_left_out() -> None:
    findings = item_findings(count(TEN, {}), "in Balance")
    assert [one.ok for one in findings if one.what == "prices"] == [None]
    assert "10 of these items have no regular price" in findings[-1].message


# --- in the shop ----------------------------------------------------------------------------------------------------


class Counting(ListedProducts):
    """A shop of 2,000 products that counts what it is asked."""

    def __init__(self, products: Sequence[Product]) -> None:
        super().__init__(products)
        self.asked: list[str] = []

    async def product_count(self) -> int:
        return 2000

    async def products_by_sku(self, skus: Any) -> dict[str, Sequence[Product]]:
        self.asked += skus
        return await super().products_by_sku(skus)

    def every_product(self) -> AsyncIterator[Product]:
        raise AssertionError("the whole catalogue is read")


async def test_a_sample_of_skus_shows_what_is_there_and_what_is_ambiguous() -> None:
    held = [
        cup(1, sku="TEA-0"),
        cup(2, sku="TEA-1"),
        cup(3, sku="tea-1"),
        cup(4, sku="TEA-2"),
    ]
    shop = Counting(held)
    [found] = await product_findings(shop, TEN[:4], "_balance_uid")
    assert (
        "2,000 in the shop; of 4 SKUs looked up, 2 match one product, 1 would be created, 1 are ambiguous"
        in found.message
    )
    assert "#2, #3" in found.fix
    assert found.ok is None


async def test_only_a_sample_of_a_large_catalogue_is_looked_up() -> None:
    shop = Counting([])
    await product_findings(shop, [tea(number) for number in range(2000)], "_balance_uid")
    assert len(shop.asked) == counting.SKU_SAMPLE
    assert {"TEA-0", "TEA-40"} <= set(shop.asked)


async def test_the_products_of_a_shop_are_counted_by_one_small_answer() -> None:
    async with world() as shop:
        for number in range(7):
            shop.product(name="Tea", sku=f"T-{number}")
        assert await shop.client.product_count() == 7
        assert len(shop.requests()) == 1


# --- one look that fails hides no other ------------------------------------------------------------------------------


async def test_failed_checks_are_findings_next_to_the_others() -> None:
    async def denied() -> list[Finding]:
        raise AccessDenied("may not see taxes", status=401)

    async def down() -> list[Finding]:
        raise Unavailable("HTTP 502")

    async def fine() -> list[Finding]:
        return [Finding("webhooks", True)]

    found = await gather_findings({"taxes": denied, "groups": down, "webhooks": fine})
    assert [(one.what, one.ok) for one in found] == [("taxes", None), ("groups", False), ("webhooks", True)]
    assert "HTTP 502" in found[1].fix


# --- straight from Balance -------------------------------------------------------------------------------------------


class Shown:
    """A Balance with these rows."""

    def __init__(self, items: Sequence[Mapping[str, Any]], prices: Sequence[Mapping[str, Any]]) -> None:
        self._items, self._prices = items, prices

    async def items(self) -> AsyncIterator[Mapping[str, Any]]:
        for row in self._items:
            yield row

    async def current_prices(self) -> AsyncIterator[Mapping[str, Any]]:
        for row in self._prices:
            yield row


def row(number: int, **more: Any) -> dict[str, Any]:
    uid = f"00000000-0000-4000-8000-{number:012}"
    return {"uid": uid, "Name": f"Tea {number}", "InternalArticle": f"TEA-{number}", "IsGroup": "false", **more}


def price_of(number: int, amount: object = "5.00") -> dict[str, Any]:
    return {"Item": row(number)["uid"], "PriceType": row(900)["uid"], "Price": amount, "Currency": row(901)["uid"]}


async def test_unreadable_records_of_balance_are_counted_and_the_rest_is_checked() -> None:
    folder = row(1, IsGroup="true")
    rows = [folder, row(2, Group=folder["uid"]), row(3, Name=""), row(4, Weight="heavy"), {"Name": "no uid"}, row(5)]
    shown: Any = Shown(rows, [price_of(2), price_of(5, "-"), price_of(5)])
    found = await read_sample(shown, BalanceSettings(application_id="1", user_name="u", password_file="p"), NOON)  # type: ignore[arg-type]
    assert [one.sku for one in found.items if one.kind != "folder"] == ["TEA-2", "TEA-5"]
    assert [step.name for step in found.items[1].path] == ["Tea 1"]
    assert [each.price for each in found.prices[row(5)["uid"]]] == [Decimal("5.00")]
    assert (len(found.unreadable), found.complete) == (4, True)


async def test_a_large_catalogue_is_checked_by_its_first_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.cli.check.items.MAX_ITEMS", 3)
    shown: Any = Shown([row(number) for number in range(10)], [])
    found = await read_sample(shown, BalanceSettings(application_id="1", user_name="u", password_file="p"), NOON)  # type: ignore[arg-type]
    assert (len(found.items), found.complete) == (3, False)
