"""What balance-feed says about prices, from `Prices` or from price-setting documents."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from contracts.balance import PriceChanged
from services.sandbox.balance.stock_and_prices import REGULAR, SALE
from tests.balance_feed.feed_bench import FIRST, Feed, named, opened_feed


def of_first(stated: list[object]) -> PriceChanged:
    """The prices of the first item."""
    return next(event for event in stated if isinstance(event, PriceChanged) and event.item == FIRST)


def amounts(event: PriceChanged) -> dict[str, Decimal]:
    """The prices by price type."""
    return {price.price_type: price.price for price in event.prices}


async def test_all_price_types_of_an_item_are_one_fact(feed: Feed) -> None:
    feed.books.prices.put(SALE, [(FIRST, Decimal("0.75"))], feed.books.now())

    event = of_first(list(await feed.imports("prices")))

    assert amounts(event) == {REGULAR: Decimal("0.95"), SALE: Decimal("0.75")}
    assert {price.source for price in event.prices} == {"Prices"}
    assert await feed.is_quiet("prices")


async def test_a_new_price_is_stated_for_its_item_alone(feed: Feed) -> None:
    await feed.imports("prices")
    feed.books.prices.put(REGULAR, [(FIRST, Decimal("1.20"))], feed.books.now())

    (event,) = await feed.imports("prices")

    assert isinstance(event, PriceChanged)
    assert amounts(event) == {REGULAR: Decimal("1.20")}


async def test_an_item_without_any_price_says_so_once(feed: Feed) -> None:
    await feed.imports("prices")
    feed.books.prices.delete(FIRST, feed.books.now())

    (event,) = await feed.imports("prices")

    assert isinstance(event, PriceChanged)
    assert (event.item, event.prices) == (FIRST, ())
    assert await feed.is_quiet("prices")


async def test_of_several_price_documents_the_newest_counts(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, item_pricing=True) as feed:
        earlier = feed.books.now() - timedelta(days=1)
        feed.books.prices.put(REGULAR, [(FIRST, Decimal("1.10"))], earlier)
        feed.books.prices.put(REGULAR, [(FIRST, Decimal("9.99"))], earlier - timedelta(days=300))

        event = of_first(list(await feed.imports("prices")))

        (price,) = event.prices
        assert (price.price, price.source) == (Decimal("1.10"), "ItemPricing")
        assert price.valid_from == feed.clock() - timedelta(days=1, minutes=1)
        assert feed.asked("Prices") == 0
        assert await feed.is_quiet("prices")


async def test_a_price_document_of_tomorrow_counts_from_tomorrow_on(tmp_path: Path) -> None:
    async with opened_feed(tmp_path, item_pricing=True) as feed:
        tomorrow = feed.books.now() + timedelta(days=1)
        feed.books.prices.put(REGULAR, [(FIRST, Decimal("1.10"))], tomorrow)

        today = of_first(list(await feed.imports("prices")))
        quiet = await feed.is_quiet("prices")
        feed.clock.forward(days=1)
        after = named(await feed.imports("prices"), PriceChanged)

        assert amounts(today) == {REGULAR: Decimal("0.95")}
        assert quiet
        assert [amounts(event) for event in after] == [{REGULAR: Decimal("1.10")}]
