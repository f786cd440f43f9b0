"""`davtari stock SHOP SKU`: the figure and why."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.catalog import ProductUnlinked
from contracts.envelope import Envelope, wrap
from contracts.model import Event
from services.commands import stock
from services.commands.screen import console
from tests.stock_publisher.stock_bench import given as publisher_given
from tests.stock_publisher.stock_bench import link, order, publish, row
from tests.stock_publisher.stock_bench import stock as reading
from tests.support.memory_state import NOON


def told(*events: Event) -> list[Envelope[Event]]:
    return [wrap(event, version=n, source="t", time=NOON) for n, event in enumerate(events, 1)]


def published() -> Any:
    return publish(publisher_given(reading(row("52", "6")), order(1042, "4"), order(1047, "3"), buffer="2"))


@pytest.mark.claim("I1")
def test_every_line_of_a_figure_is_shown() -> None:
    found = stock.explained("main", "TEA-100", told(link(), published()))
    assert found is not None
    with console.capture() as shown:
        stock.show(found)
    text = " ".join(shown.get().split())
    for part in ("TEA-100", "published 37", "52 on hand", "− 6 reserved", "− 4 in flight order 1042", "= 37 for sale"):
        assert part in text, text


def test_a_product_without_a_figure_says_what_is_missing() -> None:
    found = stock.explained("main", "TEA-100", told(link()))
    assert found is not None
    with console.capture() as shown:
        stock.show(found)
    assert "No figure yet" in shown.get()


def test_what_the_shop_does_not_sell_is_unknown() -> None:
    gone = ProductUnlinked(shop="main", item=link().item, product_id=311, reason="gone", unlinked_at=NOON)
    assert stock.explained("main", "COFFEE", told(link())) is None
    assert stock.explained("outlet", "TEA-100", told(link())) is None
    assert stock.explained("main", "TEA-100", told(link(), gone)) is None


def test_an_item_may_be_named_by_its_uid() -> None:
    found = stock.explained("main", link().item, told(link()))
    assert found is not None and found.link.sku == "TEA-100"
