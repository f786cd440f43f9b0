"""`davtari check taxes` over a sandbox shop: every rate, class and charge, and the setting that maps it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.accounting.checks import taxes
from services.accounting.checks.findings import Finding, list_obstacles
from services.connectors.woocommerce.client import WooCommerce
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.shop import SandboxShop
from services.settings.model import Settings
from tests.support.exporting import SHOP, settings

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
LIVE = frozenset({"orders", "refunds"})
Change = Callable[[SandboxShop], None]


async def found(change: Change, using: Settings) -> tuple[list[Finding], list[Finding]]:
    """What `check taxes` and what `check` say of a shop that was set up so."""
    app = create_shop(now=lambda: NOW)
    change(app.state.shop)
    rules = using.shops[SHOP]
    key, secret = SecretStr("ck_sandbox"), SecretStr("cs_sandbox")
    transport = httpx.ASGITransport(app)
    async with WooCommerce(SHOP, rules, key, secret, clock=lambda: NOW, transport=transport) as client:
        shop_taxes = await taxes.read_taxes(client, using, SHOP)
        return taxes.list_taxes(shop_taxes), await taxes.summarize_taxes(client, using, SHOP)


def with_rate(percent: str, tax_class: str = "standard", **more: Any) -> Change:
    def change(shop: SandboxShop) -> None:
        shop.taxes[9] = {**shop.taxes[1], "id": 9, "rate": percent, "class": tax_class, "name": "New", **more}

    return change


def setting(name: str, value: str) -> Change:
    def change(shop: SandboxShop) -> None:
        groups = shop.store["settings"]
        tax = [{**each, "value": value} if each["id"] == name else each for each in groups["tax"]]
        shop.store = {**shop.store, "settings": {**groups, "tax": tax}}

    return change


def with_class(slug: str) -> Change:
    def change(shop: SandboxShop) -> None:
        shop.store = {**shop.store, "tax_classes": [*shop.store["tax_classes"], {"slug": slug, "name": slug}]}

    return change


@pytest.mark.claim("S3.52")
async def test_each_tax_of_a_shop_is_listed_when_all_are_mapped() -> None:
    findings, short = await found(lambda shop: None, settings())
    assert list_obstacles(findings, LIVE) == list_obstacles(short, LIVE) == []
    assert [(one.what, one.message) for one in findings if one.what.startswith("rate")] == [
        ("rate 1 VAT 18 %, class standard, GE, shipping too", "is ჩვეულებრივი"),
        ("rate 2 VAT 0 0 %, class zero-rate, GE, shipping too", "is ნულოვანი"),
    ]
    fine = {one.what for one in findings if one.ok}
    assert fine >= {"shipping", "fees", "untaxed lines", "prices"}


@pytest.mark.claim("S2.18", "S3.52")
@pytest.mark.parametrize(
    ("change", "orders", "what", "fix"),
    [
        (with_rate("19.0000"), {}, "rate 9 New 19 %", 'vat-rates = { "19" = '),
        (with_rate("18.0000", compound=True), {}, "rate 9 New 18 %", "a rate of its own"),
        (with_class("books"), {}, "tax class books", "shops.main.orders.tax-classes"),
        (with_rate("7.0000"), {}, "shipping", "vat-rates"),
        (with_rate("7.0000", shipping=False), {}, "fees", "vat-rates"),
        (lambda shop: None, {"vat_rates": {"18": "a", "0": "b"}}, "untaxed lines", "{ none = "),
    ],
)
async def test_a_rate_class_or_charge_without_its_vat_rate_is_named_and_keeps_orders_from_going_live(
    change: Change, orders: dict[str, Any], what: str, fix: str
) -> None:
    findings, _ = await found(change, settings(**orders))
    wrong = [one for one in findings if one.ok is False and one.what.startswith(what)]
    assert len(wrong) == 1
    assert fix in wrong[0].fix
    assert list_obstacles(wrong, LIVE)


@pytest.mark.claim("S3.52")
@pytest.mark.parametrize(("item", "what"), [("shipping_item", "shipping"), ("fee_item", "fees")])
async def test_a_charge_without_a_service_in_balance_is_reported(item: str, what: str) -> None:
    findings, _ = await found(lambda shop: None, settings(**{item: None}))
    [one] = [each for each in findings if each.what == what]
    assert (one.ok, item.replace("_", "-") in one.fix) == (None, True)


@pytest.mark.claim("S3.52")
async def test_shipping_with_its_own_tax_class_is_checked_in_that_class() -> None:
    shipping = setting("woocommerce_shipping_tax_class", "zero-rate")
    findings, _ = await found(shipping, settings(vat_rates={"0": "zero", "none": "without"}))
    assert [one.what for one in findings if one.ok is False] == [
        "rate 1 VAT 18 %, class standard, GE, shipping too",
        "fees",
    ]


@pytest.mark.claim("S3.10")
async def test_prices_entered_without_tax_are_reported_by_both_checks() -> None:
    both = await found(setting("woocommerce_prices_include_tax", "no"), settings())
    for findings in both:
        [one] = [each for each in findings if each.what == "prices"]
        assert (one.ok, "Prices entered with tax: Yes" in one.fix) == (None, True)


async def test_a_tax_class_without_rates_is_reported_as_untaxed() -> None:
    findings, short = await found(
        with_class("books"), settings(tax_classes=("standard", "zero-rate", "reduced-rate", "books"))
    )
    assert [(one.what, one.ok) for one in short if one.what != "tax rates"] == [("tax class books", None)]
    assert list_obstacles(findings, LIVE) == []


@pytest.mark.parametrize(
    ("tax_class", "mapped", "reported"),
    [("standard", {}, True), ("reduced-rate", {}, True), ("standard", {"standard:0": "zero"}, False)],
)
async def test_a_rate_of_0_percent_among_goods_that_bear_vat_is_reported_by_both_checks(
    tax_class: str, mapped: dict[str, str], reported: bool
) -> None:
    rates = {"18": "a", "0": "b", "none": "c"} | mapped
    for one in await found(with_rate("0.0000", tax_class), settings(vat_rates=rates)):
        named = [each for each in one if each.what.startswith("rate 9") and each.ok is None]
        assert [f'"{tax_class}:0" = "…"' in each.fix for each in named] == ([True] if reported else [])


async def test_fees_that_are_not_taxable_are_reported_as_untaxed() -> None:
    findings, _ = await found(lambda shop: None, settings())
    [one] = [each for each in findings if each.what == "fees"]
    assert "those that are not taxable are untaxed" in one.message
