"""The facts about orders and refunds are the same whether WooCommerce 9.9 or 10.5 answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled
from contracts.shop import OrderChanged, OrderUnreadable, RefundUnreadable
from services.accounting.documents.vat_rates import split_by_rate
from services.connectors.woocommerce.exact_taxes import NotTheSame, may_be_rounded, with_exact_taxes
from services.sandbox import recorded
from services.sandbox.woocommerce import order_document, placing
from services.sandbox.woocommerce.shop import Release
from tests.store_feed.shop_bench import Store, open_store

VERSIONS: tuple[Release, ...] = ("9.9.5", "10.5.0")
FEE = {
    "id": 91,
    "name": "Discount",
    "tax_class": "",
    "tax_status": "taxable",
    "amount": "-2.35",
    "total": "-2.35",
    "total_tax": "-0.32",
    "taxes": [{"id": 1, "total": "-0.315756", "subtotal": ""}, {"id": 2, "total": "0", "subtotal": ""}],
    "meta_data": [],
}
"""2.67 off 345.00 of goods at 18 % and 100.00 at 0 %: 2.07 and 0.60."""


@asynccontextmanager
async def shop_of(version: Release, directory: Path) -> AsyncIterator[Store]:
    """A feed beside a shop of this version, swept once."""
    async with open_store(directory / version, release=version) as store:
        await store.swept()
        yield store


def stable(events: list[Event]) -> list[dict[str, Any]]:
    """The facts without the times at which they were observed."""
    return [event.model_dump(exclude={"created_at", "modified_at", "paid_at", "completed_at"}) for event in events]


SEVERAL_RATES = [161, 330, 344, 568, 708]
"""Recorded orders with a negative fee over two rates."""
SINGLE_RATE = [121, 127, 131, 208]
TAXED = 217
"""A recorded order with taxed goods and a refund of some."""


@pytest.mark.claim("S4.6")
@pytest.mark.parametrize("order", [*SEVERAL_RATES, *SINGLE_RATE])
async def test_a_recorded_order_and_its_refunds_are_the_same_facts(tmp_path: Path, order: int) -> None:
    published = {}
    for version in VERSIONS:
        async with shop_of(version, tmp_path) as store:
            store.passes(seconds=1)
            placing.place_order(store.shop, order)
            for refund in recorded.get_recording(order).all_refunds():
                placing.issue_refund(store.shop, order, refund)
            published[version] = stable(await store.hinted(order))

    assert published["9.9.5"]
    assert published["10.5.0"] == published["9.9.5"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_negative_fee_over_two_rates_splits_alike(tmp_path: Path, version: Release) -> None:
    async with shop_of(version, tmp_path) as store:
        order = store.places()
        rates = [
            {"id": 95 + id_, "rate_id": id_, "rate_percent": percent, "tax_total": "0", "shipping_tax_total": "0"}
            for id_, percent in ((1, 18), (2, 0))
        ]
        store.shop.orders[order] |= {"fee_lines": [FEE], "tax_lines": rates}
        (fact,) = await store.hinted(order)

    assert isinstance(fact, OrderChanged)
    (fee,) = [line for line in fact.lines if line.kind == "fee"]
    assert [(tax.rate_id, tax.total) for tax in fee.taxes] == [(1, Decimal("-0.315756")), (2, 0)]
    assert (str(fee.total), str(fee.total_tax)) == ("-2.35", "-0.32")
    assert [(share.percent, str(share.gross)) for share in split_by_rate(fee, fact)] == [(18, "-2.07"), (0, "-0.60")]


@pytest.mark.parametrize(("version", "reads"), [("9.9.5", 1), ("10.5.0", 2)])
async def test_a_shop_that_does_not_round_is_asked_once(tmp_path: Path, version: Release, reads: int) -> None:
    async with shop_of(version, tmp_path) as store:
        store.passes(seconds=1)
        placing.place_order(store.shop, TAXED)
        await store.hinted(TAXED)

        assert store.reads(TAXED) == reads


async def test_an_update_of_the_shop_states_no_order_again(tmp_path: Path) -> None:
    async with shop_of("9.9.5", tmp_path) as store:
        store.passes(seconds=1)
        placing.place_order(store.shop, TAXED)
        await store.hinted(TAXED)
        store.shop.settings = replace(store.shop.settings, version="10.5.0")

        assert await store.hinted(TAXED) == []


async def test_an_order_that_is_changed_between_the_two_reads_is_stated_as_it_is_then(tmp_path: Path) -> None:
    async with shop_of("10.5.0", tmp_path) as store:
        store.passes(seconds=1)
        now = order_document.render_order(store.shop, placing.place_order(store.shop, TAXED))
        before = now["line_items"][0] | {"taxes": [{"id": 1, "total": "1.00", "subtotal": "1.00"}], "total_tax": "1.00"}
        body = json.dumps({**now, "line_items": [before, *now["line_items"][1:]]})
        store.trouble("status", rf"GET .*/orders/{TAXED}$", status=200, body=body, times=1)

        (fact,) = [event for event in await store.hinted(TAXED) if isinstance(event, OrderChanged)]

    taxes = [line["total_tax"] for line in now["line_items"]]
    assert [str(line.total_tax) for line in fact.lines if line.kind == "product"] == taxes


async def test_taxes_that_a_cache_answers_as_rounded_as_before_are_reported(tmp_path: Path) -> None:
    async with shop_of("10.5.0", tmp_path) as store:
        store.passes(seconds=1)
        placing.place_order(store.shop, TAXED)
        fault = store.trouble("cache", rf"GET .*/orders/{TAXED}$", past="nothing")

        doubted = await store.hinted(TAXED)
        store.faults.clear(fault)
        store.passes(minutes=1)

        assert [type(event) for event in doubted] == [OrderUnreadable, DeadLettered]
        assert [type(event) for event in await store.looks()] == [OrderChanged, DeadLetterSettled]


async def test_taxes_of_a_refund_that_a_cache_answers_as_rounded_as_before_hold_up_that_refund(tmp_path: Path) -> None:
    async with shop_of("10.5.0", tmp_path) as store:
        store.passes(seconds=1)
        placing.place_order(store.shop, TAXED)
        for refund in recorded.get_recording(TAXED).all_refunds():
            placing.issue_refund(store.shop, TAXED, refund)
        store.trouble("cache", "GET .*/refunds$", past="nothing")

        published = await store.hinted(TAXED)

    assert [type(event) for event in published] == [OrderChanged, RefundUnreadable, DeadLettered]


LINE = {"id": 1, "total": "74.29", "total_tax": "13.37", "taxes": [{"id": 1, "total": "13.37"}]}
FINER = {"id": 1, "total": "74.288136", "total_tax": "13.371864", "taxes": [{"id": 1, "total": "13.371864"}]}


def record(*lines: dict[str, Any]) -> dict[str, Any]:
    """An order or refund of these lines."""
    return {"line_items": list(lines), "shipping_lines": [], "fee_lines": []}


@pytest.mark.parametrize(
    ("line", "rounded"),
    [
        (LINE, True),
        (LINE | {"taxes": [{"id": 1, "total": "13.371864"}]}, False),
        (LINE | {"taxes": [{"id": 1, "total": "13.37"}, {"id": 2, "total": ""}]}, True),
        (LINE | {"taxes": [{"id": 2, "total": "0"}]}, False),
        (LINE | {"taxes": [{"id": 2, "total": "0.00"}]}, True),
        (LINE | {"taxes": []}, False),
        (LINE | {"total_tax": "13", "taxes": [{"id": 1, "total": "13"}]}, True),
        (LINE | {"total_tax": "13.371864", "taxes": [{"id": 1, "total": "13.371864"}]}, False),
        (LINE | {"taxes": None, "total_tax": None}, False),
    ],
)
def test_when_taxes_may_be_rounded(line: dict[str, Any], rounded: bool) -> None:
    assert may_be_rounded(record(line)) is rounded


def test_one_finer_tax_reports_that_none_is_rounded() -> None:
    finer = LINE | {"id": 2, "taxes": [{"id": 1, "total": "0.152542"}]}

    assert not may_be_rounded(record(LINE, finer))


def test_only_the_taxes_by_rate_are_taken_from_the_finer_answer() -> None:
    (line,) = with_exact_taxes(record(LINE), record(FINER))["line_items"]

    assert (line["total"], line["total_tax"], line["taxes"]) == ("74.29", "13.37", [{"id": 1, "total": "13.371864"}])


@pytest.mark.parametrize(
    "finer",
    [
        record(),
        record(FINER | {"id": 2}),
        record(FINER | {"taxes": [{"id": 2, "total": "13.371864"}]}),
        record(FINER | {"taxes": [{"id": 1, "total": "13.381864"}]}),
        record(FINER | {"taxes": []}),
        record(LINE),
        {},
    ],
)
def test_a_finer_answer_about_another_state_is_not_used(finer: dict[str, Any]) -> None:
    with pytest.raises(NotTheSame):
        with_exact_taxes(record(LINE), finer)
