"""`davtari stock SHOP SKU`: the figure and why."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.catalog import ProductUnlinked
from contracts.drift import StockDrifted
from contracts.envelope import Envelope, wrap
from contracts.model import Event
from services.cli import stock
from services.cli.screen import console
from services.cli.stock import FigureCalculator
from tests.stock_publisher.stock_bench import VAKE, link, order, publish, row, settings
from tests.stock_publisher.stock_bench import given as publisher_given
from tests.stock_publisher.stock_bench import stock as reading
from tests.support.memory_state import NOON


def wrap_events(*events: Event) -> list[Envelope[Event]]:
    return [wrap(event, version=n, source="t", time=NOON) for n, event in enumerate(events, 1)]


def published() -> Any:
    return publish(publisher_given(reading(row("52", "6")), order(1042, "4"), order(1047, "3"), buffer="2"))


def shown(*events: Event, at: datetime = NOON) -> str:
    """What the command shows after these events, as one line."""
    publisher = FigureCalculator(settings("live", buffer="2"), at)
    found = stock.explain_figure("main", "TEA-100", wrap_events(*events), publisher)
    assert found is not None
    with console.capture() as printed:
        stock.show_figure(found)
    return " ".join(printed.get().split())


@pytest.mark.claim("I1")
def test_the_current_figure_is_shown_with_the_published_one() -> None:
    before = (link(), reading(row("52", "6")), order(1042, "4"))
    assert "now 40, the same · Balance read at 02 Mar 2026 12:00:00 +04" in shown(
        *before, publish(publisher_given(*before, buffer="2"))
    )
    # and when somebody buys
    text = shown(*before, publish(publisher_given(*before, buffer="2")), order(1047, "3"))
    assert "published 40 at 02 Mar 2026 12:00:00 +04" in text
    assert "now 37" in text and "− 3 in flight order 1047" in text.partition("now 37")[2]


def test_a_missing_current_figure_has_a_reason() -> None:
    assert "now: none; Balance has reported no stock" in shown(link())
    elsewhere = wrap_events(link(), reading(row("52", warehouse=VAKE)))
    found = stock.explain_figure("main", "TEA-100", elsewhere, FigureCalculator(settings("live"), NOON))
    assert found is not None and found.now is not None
    assert "no stock reading contains a warehouse 'Main'" in found.now.why


def test_orders_in_flight_count_until_they_expire() -> None:
    events = (link(), reading(row("52")), order(1042, "4"))
    assert "now 46" in shown(*events)
    assert "now 50" in shown(*events, at=NOON + timedelta(days=15))


def test_unmanaged_stock_is_reported() -> None:
    off = published().model_copy(update={"not_managed": (311,)})
    assert '"Manage stock" is off for product 311' in shown(link(), off)


DRIFTS = [
    ({"theirs": 25, "policy": "announce"}, "the figure was changed to 25 by hand in the shop", "it is kept"),
    ({"theirs": 25, "policy": "correct"}, "the figure was changed to 25 by hand in the shop", "it will be corrected"),
    (
        {"theirs": 0, "policy": "announce", "managed": False},
        '"Manage stock" was switched off in the shop',
        "it is kept",
    ),
]


@pytest.mark.parametrize(("drift", "what", "then"), DRIFTS)
def test_a_later_change_in_the_shop_is_shown(drift: dict[str, Any], what: str, then: str) -> None:
    known = {"shop": "main", "item": link().item, "product_id": 311, "sku": "TEA-100", "ours": 37}
    drifted = StockDrifted.model_validate({**known, **drift, "seen_at": NOON + timedelta(hours=1)})
    text = shown(link(), published(), drifted)
    assert what in text and then in text and "13:00:00 +04" in text
    # and a figure that was written later has answered it
    later = published().model_copy(update={"published_at": NOON + timedelta(hours=2)})
    assert what not in shown(link(), drifted, later)


def test_json_has_both_figures() -> None:
    events = (link(), reading(row("52", "6")), order(1042, "4"))
    found = stock.explain_figure(
        "main", "TEA-100", wrap_events(*events, published()), FigureCalculator(settings("live"), NOON)
    )
    assert found is not None
    data = stock.figure_to_data(found)
    assert (data["published"]["quantity"], data["now"]["quantity"]) == ("37", Decimal(42))
    assert data["now"]["explanation"][0]["label"] == "on hand"


@pytest.mark.claim("I1")
def test_every_line_of_a_figure_is_shown() -> None:
    found = stock.explain_figure("main", "TEA-100", wrap_events(link(), published()))
    assert found is not None
    with console.capture() as shown:
        stock.show_figure(found)
    text = " ".join(shown.get().split())
    for part in ("TEA-100", "published 37", "52 on hand", "− 6 reserved", "− 4 in flight order 1042", "= 37 for sale"):
        assert part in text, text


def test_a_product_without_a_figure_has_a_reason() -> None:
    found = stock.explain_figure("main", "TEA-100", wrap_events(link()))
    assert found is not None
    with console.capture() as shown:
        stock.show_figure(found)
    assert "No figure yet" in shown.get()


def test_an_unknown_product_is_reported() -> None:
    gone = ProductUnlinked(shop="main", item=link().item, product_id=311, reason="gone", unlinked_at=NOON)
    assert stock.explain_figure("main", "COFFEE", wrap_events(link())) is None
    assert stock.explain_figure("outlet", "TEA-100", wrap_events(link())) is None
    assert stock.explain_figure("main", "TEA-100", wrap_events(link(), gone)) is None


def test_an_item_may_be_named_by_its_uid() -> None:
    found = stock.explain_figure("main", link().item, wrap_events(link()))
    assert found is not None and found.link.sku == "TEA-100"
