"""Commands, checks and services that meet one odd record of the shop: the rest is done, and the odd one is named."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from contracts.reasons import Reason
from services.accounting.checks import taxes
from services.cli.clients import transfer
from services.cli.drift import compare_product
from services.cli.links.rebuild import rebuild_links
from services.cli.links.table import LinkLine
from services.cli.links.verdicts import KnownLinks, judge_lines
from services.cli.opening_stock import read_stock_rows
from services.cli.plans.shop_only import find_shop_only
from services.cli.screen import report_unreadable
from services.connectors.http.listing import UnreadableRecord, collect_listing, skip_unreadable
from services.connectors.woocommerce.webhooks import WebhookRepair, repair_webhooks
from services.engine.outbox.outcome import Refused
from services.sandbox.faults import InjectedFault
from services.sandbox.woocommerce.products import Products
from tests.bad_input.odd_shop import rewrite
from tests.catalog_importer.catalogue_bench import World, item, links, price, priced, settings, world
from tests.cli.clients_bench import RULES, both
from tests.cli.sample_catalogue import known
from tests.stock_publisher.drift_bench import open_drift_bench
from tests.support.exporting import SHOP
from tests.support.exporting import settings as order_settings

META = "_balance_uid"
PEOPLE = (("nino", "99001012345"), ("lali", "99001012346"))


@dataclass
class ShopProducts:
    """A shop with a product that is odd and a sound one."""

    w: World
    odd: int
    good: int

    def is_odd_in(self, **fields: Any) -> None:
        """The odd product is shown with these values, in lists and alone."""
        for route in ("/products", f"/products/{self.odd}"):
            self.w.faults.add(rewrite(route, self.odd, fields))


async def add_products(w: World) -> ShopProducts:
    odd = w.product(name="ODD", sku="ODD", manage_stock=True, stock_quantity=5, regular_price="3.00")
    return ShopProducts(w, odd, w.product(name="GOOD", sku="GOOD", manage_stock=True, stock_quantity=5))


@pytest.mark.claim("K29")
async def test_shop_only_lists_a_product_whose_price_is_a_dash() -> None:
    async with world() as w:
        shop = await add_products(w)
        shop.is_odd_in(price="-", regular_price="-")
        left_out: list[UnreadableRecord] = []
        found = await find_shop_only(known(), frozenset(), skip_unreadable(w.client.every_product(), left_out))
        assert [(one.sku, one.price) for one in found] == [("ODD", "-"), ("GOOD", "")]
        assert left_out == []


@pytest.mark.claim("K29")
async def test_shop_only_names_what_it_cannot_read_and_lists_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    async with world() as w:
        shop = await add_products(w)
        shop.is_odd_in(type=["simple"])
        left_out: list[UnreadableRecord] = []
        found = await find_shop_only(known(), frozenset(), skip_unreadable(w.client.every_product(), left_out))
        assert [one.sku for one in found] == ["GOOD"]
        report_unreadable(left_out)
        output = capsys.readouterr().err
        assert "1 record was left out" in output
        assert f"product {shop.odd}: field `type` is a list, which is not a text" in output


@pytest.mark.claim("K29")
async def test_opening_stock_counts_a_product_with_an_odd_price_and_leaves_out_one_with_odd_stock() -> None:
    async with world() as w:
        shop = await add_products(w)
        shop.is_odd_in(price="-", regular_price="-")
        rows, left_out = await read_stock_rows(w.client, META)
        assert ([row[0] for row in rows], left_out) == (["GOOD", "ODD"], [])
        w.faults.clear()
        shop.is_odd_in(stock_quantity="many")
        rows, left_out = await read_stock_rows(w.client, META)
        assert [row[0] for row in rows] == ["GOOD"]
        assert [f'product {shop.odd} with SKU ODD: its stock is "many"' in one.detail for one in left_out] == [True]


@pytest.mark.claim("K29")
@pytest.mark.parametrize("oddity", [{"price": "-", "regular_price": "-"}, {"type": ["simple"]}], ids=["price", "type"])
async def test_links_are_rebuilt_despite_an_invalid_product(oddity: dict[str, Any]) -> None:
    async with world() as w:
        shop = await add_products(w)
        shop.is_odd_in(**oddity)
        verdicts = await rebuild_links(w.client, KnownLinks({"odd": item("odd"), "good": item("good")}, {}, META))
        asked = [one.link.product_id for one in verdicts if one.link]
        refused = [one.why for one in verdicts if one.refused]
        if "type" in oddity:
            assert asked == [shop.good]
            assert len(refused) == 1
            assert f"product {shop.odd}: field `type`" in refused[0]
        else:
            assert (sorted(asked), refused) == ([shop.odd, shop.good], [])


async def test_a_table_of_links_is_checked_despite_an_invalid_product() -> None:
    async with world() as w:
        shop = await add_products(w)
        shop.is_odd_in(type=["simple"])
        lines = [LinkLine(1, "odd", "ODD"), LinkLine(2, "good", "GOOD")]
        odd, good = await judge_lines(lines, KnownLinks({"odd": item("odd"), "good": item("good")}, {}, META), w.client)
        assert odd.refused
        assert f"product {shop.odd}: field `type`" in odd.why
        assert good.link is not None


@pytest.mark.claim("K29")
async def test_an_item_whose_product_cannot_be_read_waits_and_no_second_product_is_made() -> None:
    async with world() as w:
        shop = await add_products(w)
        shop.is_odd_in(type=["simple"])
        items = [item("odd"), item("good")]
        made = links(await w.take(*items, *[priced(one.item, price("5")) for one in items]))
        assert [link.product_id for link in made] == [shop.good]
        [refused] = [outcome for outcome in w.outcomes if isinstance(outcome, Refused)]
        assert refused.reason == Reason.SHOP_BAD_ANSWER
        assert f"product {shop.odd}: field `type`" in refused.detail
        assert len(w.shop.products) == 2


@pytest.mark.claim("K30")
async def test_a_product_with_an_invalid_price_is_adopted_and_repriced() -> None:
    async with world(settings(fields={"regular_price": "always"})) as w:
        shop = await add_products(w)
        shop.is_odd_in(price="-", regular_price="-", date_on_sale_from_gmt="soon")
        [link] = links(await w.take(item("odd"), priced("odd", price("5"))))
        assert link.product_id == shop.odd
        assert w.held(shop.odd)["regular_price"] == "5.00"


@pytest.mark.claim("K30")
async def test_an_invalid_price_counts_as_edited_by_hand() -> None:
    async with world() as w:
        [link] = links(await w.take(item(), priced("tea-100", price("12.50"))))
        w.faults.add(rewrite("/products", link.product_id, {"price": "-", "regular_price": "-", "sale_price": "-"}))
        [held] = (await collect_listing(w.client.every_product())).records
        differences = {one.field: one.theirs for one in compare_product(link, held, None, settings().shops["main"])}
        assert differences["regular_price"] == "-"


@pytest.mark.claim("K29")
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": ["simple"]}, "field `type` is a list"),
        ({"stock_quantity": "many"}, 'stock_quantity is "many"'),
        ({"date_modified_gmt": "soon"}, 'date_modified_gmt is "soon"'),
        ({"price": "-"}, ""),
    ],
    ids=["type", "stock", "moment", "price"],
)
async def test_the_drift_watch_logs_the_invalid_product_and_checks_the_others(
    fields: dict[str, Any], words: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_drift_bench(tmp_path) as on:
        odd = int(Products(on.shop).create({"name": "Odd", "sku": "ODD"}, strict=False)["id"])
        on.faults.add(rewrite("/products", odd, fields))
        on.edited(25)
        with caplog.at_level(logging.WARNING):
            [difference] = await on.looked()
    assert (difference.ours, difference.theirs) == (Decimal(10), Decimal(25))
    reasons = [vars(record)["why"] for record in caplog.records if record.getMessage() == "products left out"]
    assert [words in why for why in reasons] == ([True] if words else [])


@pytest.mark.claim("K29")
async def test_taxes_are_checked_despite_an_unreadable_rate() -> None:
    async with world() as w:
        w.faults.add(rewrite("/taxes", 2, {"rate": "0 %"}))
        using = order_settings(vat_rates={"18": "18%"})
        shop_taxes = await taxes.read_taxes(w.client, using, SHOP)
        findings = [str(one) for one in taxes.list_taxes(shop_taxes)]
        assert any(one.startswith("rate 1 ") and "is 18%" in one for one in findings)
        assert any('tax rate 2: field `rate` is "0 %"' in one for one in findings)
        assert any("tax rate 2" in str(one) for one in await taxes.summarize_taxes(w.client, using, SHOP))


@pytest.mark.claim("K29")
async def test_no_webhook_is_created_while_one_is_unreadable() -> None:
    url, secret = "https://davtari.example/webhooks/main", SecretStr("secret")
    async with world() as w:
        assert len((await repair_webhooks(w.client, url, secret)).created) == 4
        own = next(iter(w.shop.webhooks))
        w.faults.add(rewrite("/webhooks", own, {"id": "x"}))
        assert await repair_webhooks(w.client, url, secret) == WebhookRepair()
        w.faults.clear()
        del w.shop.webhooks[own]
        assert len((await repair_webhooks(w.client, url, secret)).created) == 1


@pytest.mark.claim("K29")
async def test_clients_of_balance_are_read_despite_an_unreadable_one() -> None:
    async with both() as world_:
        odd, known_ = (world_.client(Name=name, ID=number) for name, number in PEOPLE)
        fault = {"kind": "rewrite", "match": "GET .*/Clients$", "record": odd, "fields": {"uid": ["?"]}}
        world_.office_faults.add(InjectedFault.model_validate(fault))
        left_out: list[UnreadableRecord] = []
        found = await transfer.index_by_number(skip_unreadable(world_.balance.every_client(), left_out))
        assert [ref.uid for ref in found.values()] == [known_]
        assert ["Balance Clients, a row without uid: uid is empty" in one.detail for one in left_out] == [True]


@pytest.mark.claim("K29")
async def test_accounts_are_read_despite_an_unreadable_one() -> None:
    async with both() as world_:
        known_, odd = (world_.account(f"{name}@example.test", meta={"billing_personal_id": n}) for name, n in PEOPLE)
        world_.faults.add(rewrite("/customers", odd, {"id": "x"}))
        left_out: list[UnreadableRecord] = []
        found = await transfer.plan_import(skip_unreadable(world_.shop.every_customer(), left_out), {}, RULES)
        assert [(one.customer_id, one.outcome) for one in found] == [(known_, "new")]
        assert ["customer x: field `id`" in one.detail for one in left_out] == [True]
