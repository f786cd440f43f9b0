"""What a shop keeps back of that which is free, and the steps in which it sells."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.settings.stock import StockSettings
from services.stock_publisher.availability import limit_lines


def rules(**more: Any) -> StockSettings:
    return StockSettings.model_validate({"policy": "single", "warehouses": ("Main",)} | more)


def shown(free: str, **more: Any) -> Decimal:
    return Decimal(free) + sum(line.quantity for line in limit_lines(Decimal(free), rules(**more)))


@pytest.mark.claim("S3.16", "I13")
@pytest.mark.parametrize(
    ("free", "more", "quantity"),
    [
        ("100", {}, "100"),
        ("100", {"buffer": "10"}, "90"),
        ("100", {"cap": "25"}, "25"),
        ("20", {"cap": "25"}, "20"),
        ("100", {"share": "0.3"}, "30"),
        ("5", {"share": "0.3"}, "1"),
        ("100", {"share": "0.5", "buffer": "10", "cap": "40"}, "40"),
        ("3", {"last-units": "3"}, "0"),
        ("4", {"last-units": "3"}, "4"),
        ("-4", {"share": "0.5", "last-units": "3", "cap": "1"}, "0"),
    ],
)
def test_what_is_kept_back(free: str, more: dict[str, Any], quantity: str) -> None:
    assert shown(free, **more) == Decimal(quantity)


@pytest.mark.claim("S3.25", "K24")
@pytest.mark.parametrize(
    ("free", "step", "quantity"),
    [
        ("2.75", "1", "2"),
        ("2.75", "0.5", "2.5"),
        ("2.75", "0.25", "2.75"),
        ("2.75", "0.001", "2.75"),
        ("14", "6", "12"),
    ],
)
def test_a_figure_is_a_number_of_steps_that_the_shop_sells(free: str, step: str, quantity: str) -> None:
    assert shown(free, step=step) == Decimal(quantity)
    published = [line.source for line in limit_lines(Decimal(free), rules(step=step))]
    assert published == (
        [] if free == quantity else ["WooCommerce sells whole pieces" if step == "1" else f"setting stock.step, {step}"]
    )


@pytest.mark.claim("I1", "K25")
@given(
    free=st.decimals("-1000", "1000", places=3),
    buffer=st.decimals("0", "50", places=1),
    share=st.decimals("0.01", "1", places=2),
    cap=st.none() | st.decimals("0", "500", places=1),
    last=st.decimals("0", "20", places=0),
    step=st.sampled_from(["1", "0.5", "0.001", "6"]),
)
def test_no_limit_ever_raises_a_figure(
    free: Decimal, buffer: Decimal, share: Decimal, cap: Decimal | None, last: Decimal, step: str
) -> None:
    more = {"buffer": str(buffer), "share": str(share), "last-units": str(last), "step": step}
    found = shown(str(free), **more, **({} if cap is None else {"cap": str(cap)}))
    assert 0 <= found <= max(free, Decimal(0))
    assert found % Decimal(step) == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"share": "0"}, "share"),
        ({"share": "1.5"}, "share"),
        ({"step": "0"}, "step"),
        ({"cap": "-1"}, "cap"),
        ({"locations": {"12": ["Main"]}}, "locations go with policy per-store"),
        ({"policy": "per-store", "warehouses": []}, "per-store needs"),
        ({"kits": {"kit": {}}}, "needs components"),
        ({"kits": {"kit": {"part": "0"}}}, "more than 0 pieces"),
        ({"kits": {"kit": {"other": "1"}, "other": {"part": "1"}}}, "holds another kit"),
        ({"policy": "per-store", "location-meta-key": "_stock"}, "location-meta-key"),
    ],
)
def test_what_cannot_be_meant_is_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        rules(**more)
