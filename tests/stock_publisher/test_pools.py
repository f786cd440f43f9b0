"""Several shops that sell from one pool, and one shop with several locations."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.settings.model import Settings
from services.stock_publisher.handlers import handlers
from services.stock_publisher.records import StockWrite
from tests.stock_publisher.stock_bench import (
    ITEM,
    SUBJECT,
    VAKE,
    after,
    given,
    link,
    order,
    row,
    settings,
    stock,
    written,
)
from tests.support.memory_state import NOON, Consumer


def shops(**rules: dict[str, Any]) -> Consumer:
    """Shops that all sell the item, under their own rules, with ten pieces in the main warehouse."""
    base = settings().model_dump(by_alias=True)
    main = base["shops"]["main"]
    shops = {
        name: main | {"stock": {"policy": "single", "warehouses": ["Main"]} | rule} for name, rule in rules.items()
    }
    on = Consumer(handlers(Settings.model_validate(base | {"shops": shops})))
    on.take(*[link(shop=name) for name in rules], stock(row("10"), row("5", warehouse=VAKE)))
    return on


def figure(on: Consumer, shop: str) -> int:
    [delivery] = on.again(f"{shop}:{ITEM}", on.state.now).deliveries
    return int(StockWrite.model_validate(delivery.payload).quantity)


@pytest.mark.claim("K25", "I13")
def test_what_one_shop_sells_is_gone_in_the_others_of_its_pool() -> None:
    on = shops(main={}, outlet={}, elsewhere={"warehouses": ["Vake"]})
    touched = on.take(order(7, "4", shop="outlet"))
    assert {"main:tea-100", "outlet:tea-100"} <= set(touched)
    assert {name: figure(on, name) for name in ("main", "outlet", "elsewhere")} == {
        "main": 6,
        "outlet": 6,
        "elsewhere": 5,
    }
    write = StockWrite.model_validate(on.again(SUBJECT, on.state.now).deliveries[0].payload)
    assert write.explanation[-1].source == "order 7 of shop outlet, processing"


@pytest.mark.claim("K25")
def test_equal_order_numbers_of_two_shops_are_two_orders() -> None:
    on = shops(main={}, outlet={})
    on.take(order(7, "4", shop="outlet"), order(7, "3", shop="main"))
    assert (figure(on, "main"), figure(on, "outlet")) == (3, 3)


@pytest.mark.claim("I13", "K25")
def test_shops_share_a_pool_as_they_are_reported() -> None:
    on = shops(main={"share": "0.7"}, outlet={"share": "0.3", "last-units": "3"})
    assert (figure(on, "main"), figure(on, "outlet")) == (7, 3)
    on.take(stock(row("3"), at=after(minutes=1)))
    assert (figure(on, "main"), figure(on, "outlet")) == (2, 0)


def there(write: StockWrite) -> dict[str, Decimal]:
    return {one.place: one.quantity for one in write.locations}


LOCATIONS = {"policy": "per-store", "warehouses": [], "locations": {"12": ["Main"], "15": ["Vake"]}}


@pytest.mark.claim("S0.9", "S4.22")
def test_each_location_of_a_shop_has_its_own_figure() -> None:
    write = written(given(stock(row("10", "3"), row("5", warehouse=VAKE)), **LOCATIONS).again(SUBJECT, NOON))
    assert (write.quantity, there(write)) == (12, {"12": Decimal(7), "15": Decimal(5)})
    assert write.meta == {"_stock_at_location_12": "7", "_stock_at_location_15": "5"}


@pytest.mark.claim("S0.9")
def test_no_location_shows_more_than_is_free_altogether() -> None:
    on = given(stock(row("10"), row("5", warehouse=VAKE)), order(1, "9"), **LOCATIONS)
    write = written(on.again(SUBJECT, NOON))
    assert (write.quantity, there(write)) == (6, {"12": Decimal(6), "15": Decimal(5)})


def test_a_location_that_changes_alone_is_written_again() -> None:
    on = given(stock(row("10"), row("5", warehouse=VAKE)), **LOCATIONS)
    on.take(written(on.again(SUBJECT, NOON)).published("live", NOON))
    assert on.again(SUBJECT, NOON).deliveries == ()
    on.take(stock(row("9"), row("6", warehouse=VAKE), at=after(minutes=1)))
    assert there(written(on.again(SUBJECT, NOON))) == {"12": Decimal(9), "15": Decimal(6)}


@pytest.mark.claim("I13")
def test_lots_that_expire_soon_are_held_back_and_say_so() -> None:
    def lot(name: str, quantity: str, days: int) -> Any:
        return row(quantity, lot=name, valid_until=NOON + timedelta(days=days))

    on = given(stock(lot("old", "4", 5), lot("new", "6", 40)), expiring_days=10)
    decision = on.again(SUBJECT, NOON)
    write = written(decision)
    assert write.quantity == 6
    assert (write.explanation[-1].label, write.explanation[-1].quantity) == ("expiring", -4)
    # and the next one is noticed by itself
    assert decision.again_at == NOON + timedelta(days=30)
    assert on.again(SUBJECT, NOON + timedelta(days=30)).deliveries[0].payload["quantity"] == "0"
