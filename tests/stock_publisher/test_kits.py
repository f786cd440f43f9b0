"""Kits from components: what could be put together, and nobody's pieces promised twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.stock_publisher.claims import kit_family
from services.stock_publisher.records import StockWrite
from tests.stock_publisher.stock_bench import after, line, link, order, publisher, row, sale, stock
from tests.support.memory_state import Consumer

KITS = {"box": {"tea": "2", "cup": "1"}, "tray": {"tea": "1", "spoon": "3"}}
PRODUCTS = {"box": 1, "tray": 2, "tea": 3, "cup": 4, "spoon": 5}


def shop(**on_hand: str) -> Consumer:
    """A shop that sells all five, with so many pieces in stock."""
    on = publisher(kits=KITS)
    on.take(*[link(item=item, product_id=id_, sku=item.upper()) for item, id_ in PRODUCTS.items()])
    on.take(*[stock(row(quantity), item=item) for item, quantity in on_hand.items()])
    return on


def figures(on: Consumer) -> dict[str, int]:
    """The stock in the shop for each."""
    found = {}
    for item in PRODUCTS:
        for delivery in on.again(f"main:{item}", on.state.now).deliveries:
            found[item] = int(StockWrite.model_validate(delivery.payload).quantity)
    return found


def bought(number: int, item: str, pieces: str, **more: Any) -> Any:
    return order(number, pieces, lines=(line(PRODUCTS[item], pieces),), **more)


@pytest.mark.claim("S3.18", "S3.19", "S4.23", "S4.24")
def test_a_kit_shows_what_could_be_put_together() -> None:
    on = shop(tea="11", cup="3", spoon="7")
    assert figures(on) == {"box": 3, "tray": 2, "tea": 11, "cup": 3, "spoon": 7}
    write = StockWrite.model_validate(on.again("main:box", on.state.now).deliveries[0].payload)
    assert [(one.label, int(one.quantity)) for one in write.explanation][-1] == ("from components", 3)
    assert "component CUP is the scarcest" in write.explanation[-1].source


@pytest.mark.claim("S3.18")
def test_kits_that_exist_ready_come_on_top() -> None:
    assert figures(shop(box="4", tea="2", cup="9", spoon="0"))["box"] == 5


@pytest.mark.claim("S3.20")
def test_a_component_that_changes_moves_every_kit_that_it_is_in() -> None:
    on = shop(tea="10", cup="10", spoon="30")
    touched = on.take(stock(row("3"), item="tea", at=after(minutes=1)))
    assert {"main:box", "main:tray", "main:tea"} <= set(touched)
    assert (figures(on)["box"], figures(on)["tray"]) == (1, 3)


@pytest.mark.claim("K24", "S3.18")
def test_a_kit_that_was_sold_takes_its_components() -> None:
    on = shop(tea="10", cup="10", spoon="30")
    on.take(bought(1, "box", "4"))
    assert figures(on) == {"box": 1, "tray": 2, "tea": 2, "cup": 6, "spoon": 30}


def test_a_component_that_was_sold_is_missing_in_its_kits() -> None:
    on = shop(tea="10", cup="10", spoon="30")
    on.take(bought(1, "tea", "9"))
    assert figures(on) == {"box": 0, "tray": 1, "tea": 1, "cup": 10, "spoon": 30}


def test_a_kit_whose_components_nobody_has_counted_has_no_figure() -> None:
    assert figures(shop(tea="10")) == {"tea": 10}


def test_a_kits_order_leaves_once_its_components_were_counted_after_the_sale() -> None:
    on = shop(tea="10", cup="10", spoon="30")
    on.take(bought(1, "box", "4"), sale(1, "4", after(minutes=5), item="box"))
    assert figures(on)["tea"] == 2
    on.take(stock(row("2"), item="tea", at=after(minutes=9)), stock(row("6"), item="cup", at=after(minutes=9)))
    assert (figures(on)["tea"], figures(on)["cup"], figures(on)["box"]) == (2, 6, 1)


def test_the_family_of_an_item_is_everything_that_shares_a_component() -> None:
    kits = {"a": {"x": 1, "y": 1}, "b": {"y": 1, "z": 1}, "c": {"w": 1}}
    assert kit_family(kits, "x") == {"a", "b", "x", "y", "z"}  # type: ignore[arg-type]
    assert kit_family(kits, "alone") == {"alone"}  # type: ignore[arg-type]


@pytest.mark.claim("K1", "K24")
@given(
    tea=st.integers(0, 30),
    cup=st.integers(0, 30),
    spoon=st.integers(0, 60),
    orders=st.lists(st.tuples(st.sampled_from(list(PRODUCTS)), st.integers(1, 5)), max_size=6),
)
def test_no_single_figure_promises_more_than_what_is_left(
    tea: int, cup: int, spoon: int, orders: list[tuple[str, int]]
) -> None:
    """Given any orders: what one product shows can be delivered after all of them, or it shows none."""
    on = shop(tea=str(tea), cup=str(cup), spoon=str(spoon))
    on.take(*[bought(n, item, str(pieces)) for n, (item, pieces) in enumerate(orders, 1)])
    for item, figure in figures(on).items():
        left = {"tea": tea, "cup": cup, "spoon": spoon}
        for sold, pieces in [*orders, (item, figure)]:
            for part, each in KITS.get(sold, {sold: "1"}).items():
                left[part] -= pieces * int(each)
        needs = KITS.get(item, {item: "1"})
        assert figure == 0 or min(left[part] for part in needs) >= 0, (item, figure, left)
