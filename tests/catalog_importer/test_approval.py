"""Plan, approve, apply: what a person has seen is written, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest
import pytest_asyncio

from contracts.catalog import ProductLinked, ProductPlanned
from contracts.operations import ApplyRequested, PlannedChange
from contracts.reasons import Reason
from services.cli.plans.plan import build_plan
from tests.catalog_importer.catalogue_bench import DRY, LIVE, World, item, price, priced, settings, world
from tests.support.memory_state import NOON


def approval(*published: ProductPlanned, at: float = 1.0) -> ApplyRequested:
    """A person's word on exactly these changes."""
    changes = tuple(PlannedChange(item=one.item, digest=one.digest) for one in published)
    asked_at = NOON + timedelta(minutes=at)
    return ApplyRequested(command_id="c", asked_by="me", asked_at=asked_at, shop="main", plan="7f3a", changes=changes)


@pytest_asyncio.fixture(name="dry")
async def _dry() -> AsyncIterator[World]:
    async with world(settings(DRY)) as found:
        yield found


@pytest_asyncio.fixture(name="live")
async def _live() -> AsyncIterator[World]:
    async with world(settings(LIVE)) as found:
        yield found


async def planned(on: World, *events: object) -> ProductPlanned:
    """The plan of the tea after these events."""
    [published] = [event for event in await on.take(*events) if isinstance(event, ProductPlanned)]  # type: ignore[arg-type]
    return published


@pytest.mark.claim("I3", "S1.10")
async def test_what_was_approved_is_written_although_the_flow_is_dry(dry: World) -> None:
    published = await planned(dry, item(), priced("tea-100", price("14.75")))
    assert (published.action, dry.shop.products) == ("create", {})
    # when a person approves the plan
    [linked] = await dry.take(approval(published))
    # then the product is there, as planned, and nothing more is asked for
    assert isinstance(linked, ProductLinked)
    assert (linked.how, linked.written and linked.written.digest) == ("created", published.digest)
    assert await dry.take(approval(published)) == []


@pytest.mark.claim("I3")
async def test_a_change_since_the_approved_plan_is_not_written(dry: World) -> None:
    published = await planned(dry, item(), priced("tea-100", price("14.75")))
    planned_again = await planned(dry, priced("tea-100", price("19.99")))
    assert await dry.take(approval(published)) == []
    assert dry.shop.products == {}
    [linked] = await dry.take(approval(planned_again))
    assert isinstance(linked, ProductLinked)


@pytest.mark.claim("I3")
async def test_an_approval_counts_once(dry: World) -> None:
    """A product that was written under it and then changed here and back is planned, not written."""
    published = await planned(dry, item(), priced("tea-100", price("14.75")))
    dry.consumer.state.now = NOON + timedelta(minutes=5)
    await dry.take(approval(published))
    second = await planned(dry, priced("tea-100", price("16.00")))
    dry.consumer.state.now = NOON + timedelta(minutes=9)
    await dry.take(approval(second, at=8))
    assert (await planned(dry, priced("tea-100", price("14.75")))).action == "update"


@pytest.mark.claim("I3", "S1.10")
async def test_a_price_that_collapses_waits_for_a_person(live: World) -> None:
    await live.take(item(), priced("tea-100", price("100.00")))
    held = await planned(live, priced("tea-100", price("10.00")))
    assert (held.action, held.reason) == ("update", Reason.PRODUCT_PRICE_FELL)
    assert "from 100.00 to 10.00, by 90 %" in held.detail
    [product] = live.shop.products.values()
    assert Decimal(product["regular_price"]) == 100
    # when it is approved
    live.consumer.state.now = NOON + timedelta(minutes=5)
    await live.take(approval(held, at=4))
    [product] = live.shop.products.values()
    assert Decimal(product["regular_price"]) == 10
    # a rise, and a fall within the limit, go by themselves
    for amount in ("60.00", "35.00"):
        live.consumer.state.now += timedelta(minutes=1)
        await live.take(priced("tea-100", price(amount)))
        [product] = live.shop.products.values()
        assert Decimal(product["regular_price"]) == Decimal(amount)


def test_a_plan_is_what_is_pending() -> None:
    assert build_plan("main", []).counts == {"create": 0, "adopt": 0, "update": 0, "skip": 0}


@pytest.mark.claim("S4.13", "S4.18")
async def test_prices_of_roles_travel_with_the_product() -> None:
    rules = settings(LIVE, prices={"roles": {"trade_price": "type-trade"}})
    async with world(rules) as shop:
        await shop.take(item(), priced("tea-100", price("20.00"), price("15.00", "type-trade")))
        [product_id] = shop.shop.products
        assert shop.meta(product_id) == {"trade_price": "15.00", "_balance_uid": "tea-100"}
        # when Balance states it no more, it is gone
        await shop.take(priced("tea-100", price("20.00")))
        assert shop.meta(product_id) == {"_balance_uid": "tea-100"}
        # and a second run writes nothing
        writes = len(shop.writes())
        await shop.take(priced("tea-100", price("20.00")))
        assert len(shop.writes()) == writes
