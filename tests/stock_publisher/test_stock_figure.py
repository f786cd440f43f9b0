"""The figure for sale and the lines that it is the sum of."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.balance import StockRow
from services.settings.stock import StockSettings
from services.stock_publisher.availability import Figure, ItemPosition, compute_figure
from services.stock_publisher.claims import HeldPieces
from services.stock_publisher.position import ShopWarehouse
from tests.stock_publisher.stock_bench import MAIN, NAMES, SHOWROOM, VAKE, after, row, settings
from tests.support.memory_state import NOON


def rules(**more: Any) -> StockSettings:
    return StockSettings.model_validate({"policy": "single", "warehouses": ("Main",)} | more)


def held(order_id: int, pieces: str) -> HeldPieces:
    return HeldPieces(order_id, f"A-{order_id}", "processing", Decimal(pieces), after(days=14))


def of(
    *rows: StockRow, warehouses: tuple[str, ...] = (MAIN,), orders: tuple[HeldPieces, ...] = (), **more: Any
) -> Figure:
    sold_from = [ShopWarehouse(uid=uid, name=NAMES[uid]) for uid in warehouses]
    return compute_figure(ItemPosition(rows, sold_from, orders, NOON), rules(**more))


def lines(found: Figure) -> list[tuple[str, Decimal]]:
    return [(line.label, line.quantity) for line in found.explanation]


@pytest.mark.claim("I1")
def test_every_figure_says_how_it_came_about() -> None:
    found = of(row("52", "6"), orders=(held(1042, "4"), held(1047, "3")), buffer="2")
    assert found.quantity == 37
    assert [(line.label, int(line.quantity), line.source) for line in found.explanation] == [
        ("on hand", 52, "Balance, warehouse Main"),
        ("reserved", -6, "Balance, warehouse Main"),
        ("in flight", -4, "order A-1042, processing"),
        ("in flight", -3, "order A-1047, processing"),
        ("buffer", -2, "setting stock.buffer"),
    ]
    assert [line.orders for line in found.explanation] == [(), (), ("1042",), ("1047",), ()]


@pytest.mark.claim("S0.7", "S0.8", "S4.21")
@pytest.mark.parametrize(
    ("warehouses", "quantity"), [((MAIN,), 5), ((VAKE,), 7), ((MAIN, VAKE), 12), ((MAIN, VAKE, SHOWROOM), 12)]
)
def test_only_the_named_warehouses_count(warehouses: tuple[str, ...], quantity: int) -> None:
    found = of(row("5"), row("4", warehouse=VAKE), row("3", warehouse=VAKE, lot="L2"), warehouses=warehouses)
    assert found.quantity == quantity
    assert len([label for label, _ in lines(found) if label == "on hand"]) == len(warehouses)


@pytest.mark.parametrize(
    ("rows", "orders", "more", "quantity", "tail"),
    [
        ((), (), {}, 0, [("on hand", 0)]),
        ((row("10", "4"),), (), {}, 6, [("reserved", -4)]),
        ((row("10", "4"),), (), {"subtract_reserve": False}, 10, [("on hand", 10)]),
        ((row("10", "-4"),), (), {}, 10, [("on hand", 10)]),
        ((row("3"),), (held(1, "5"),), {}, 0, [("in flight", -5), ("floor", 2)]),
        ((row("-3"),), (), {}, 0, [("on hand", -3), ("floor", 3)]),
        ((row("2.75"),), (), {}, 2, [("on hand", Decimal("2.75")), ("rounding", Decimal("-0.75"))]),
        ((row("0.5"),), (), {}, 0, [("rounding", Decimal("-0.5"))]),
        ((row("1.5"),), (), {"buffer": "0.5"}, 1, [("buffer", Decimal("-0.5"))]),
        ((row("1"),), (), {"buffer": "2"}, 0, [("buffer", -2), ("floor", 1)]),
        ((row("1e6"),), (), {}, 1_000_000, [("on hand", 1_000_000)]),
    ],
)
def test_figures(
    rows: tuple[StockRow, ...], orders: tuple[HeldPieces, ...], more: Any, quantity: int, tail: Any
) -> None:
    found = of(*rows, orders=orders, **more)
    assert (found.quantity, lines(found)[-len(tail) :]) == (quantity, tail)


QUANTITIES = st.decimals("-1000", "1000", places=3)
ROWS = st.lists(st.builds(row, QUANTITIES.map(str), QUANTITIES.map(str), st.sampled_from([MAIN, VAKE, SHOWROOM])))
ORDERS = st.lists(st.builds(held, st.integers(1, 9), st.integers(1, 50).map(str)), max_size=5)


@pytest.mark.claim("I1", "K1")
@given(
    rows=ROWS,
    orders=ORDERS,
    buffer=st.decimals("0", "20", places=2),
    warehouses=st.sampled_from([(MAIN,), (MAIN, VAKE)]),
    subtract_reserve=st.booleans(),
)
def test_the_lines_add_up_and_the_figure_never_exceeds_what_is_free(
    rows: list[StockRow], orders: list[HeldPieces], buffer: Decimal, warehouses: tuple[str, ...], subtract_reserve: bool
) -> None:
    found = of(
        *rows, warehouses=warehouses, orders=tuple(orders), buffer=str(buffer), subtract_reserve=subtract_reserve
    )
    on_hand = sum((one.quantity for one in rows if one.warehouse in warehouses), Decimal(0))
    free = on_hand - sum((order.quantity for order in orders), Decimal(0)) - buffer
    assert found.quantity == sum(line.quantity for line in found.explanation)
    assert 0 <= found.quantity <= max(free, Decimal(0))
    if not subtract_reserve:
        assert found.quantity > free - 1


@pytest.mark.claim("S1.4")
@pytest.mark.parametrize(
    ("stock", "words"),
    [
        ({"policy": "single", "warehouses": []}, "exactly one warehouse"),
        ({"policy": "single", "warehouses": ["Main", "Vake"]}, "exactly one warehouse"),
        ({"policy": "aggregate", "warehouses": []}, "list of warehouses"),
        ({"policy": "all"}, "policy"),
        ({"buffer": "-1"}, "buffer"),
        ({"buffer": 0.5}, "float"),
        ({"buffer": "NaN"}, "buffer"),
        ({"in-flight-days": 0}, "in-flight-days"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(stock: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        settings(**stock)
