"""What the figure of an item that left Balance's catalogue is, where the settings want it gone."""

from __future__ import annotations

from decimal import Decimal

import pytest

from contracts.balance import ItemChanged, ItemWithdrawn
from contracts.model import Event
from services.settings.model import Settings
from services.stock_publisher.handlers import handlers
from tests.stock_publisher.stock_bench import ITEM, SUBJECT, link, publish, row, settings, stock, written
from tests.support.memory_state import NOON, Consumer

GONE = ItemWithdrawn(item=ITEM, observed_at=NOON)
BACK = ItemChanged(item=ITEM, kind="goods", name="Tea", observed_at=NOON)


def rules(withdrawn: str, **stock_rules: object) -> Settings:
    """Live settings with a rule for withdrawn items."""
    known = settings("live", **stock_rules)
    shop = known.shops["main"]
    catalogue = shop.catalogue.model_copy(update={"withdrawn": withdrawn})
    return known.model_copy(update={"shops": {"main": shop.model_copy(update={"catalogue": catalogue})}})


def given(withdrawn: str, *events: Event, **stock_rules: object) -> Consumer:
    """Ten pieces, then these events."""
    on = Consumer(handlers(rules(withdrawn, **stock_rules)))
    on.take(link(), stock(row("10")), *events)
    return on


@pytest.mark.claim("S2.15", "I1")
@pytest.mark.parametrize(
    ("withdrawn", "figure"), [("keep", 10), ("draft", 10), ("no-stock", 0), ("draft-and-no-stock", 0)]
)
def test_the_figure_of_what_is_gone_is_0_where_the_settings_want_it(withdrawn: str, figure: int) -> None:
    write = written(given(withdrawn, GONE).again(SUBJECT, NOON))
    assert write.quantity == figure
    assert sum(line.quantity for line in write.explanation) == figure
    reported = {line.label: line.quantity for line in write.explanation}
    assert reported.get("withdrawn") == (None if figure else -10)


@pytest.mark.claim("S2.15")
def test_it_is_restored_when_the_item_is_back() -> None:
    on = given("no-stock", GONE)
    assert publish(on)
    [decision] = on.take(BACK).values()
    assert written(decision).quantity == 10


def test_an_item_that_never_left_is_not_looked_at_for_its_name() -> None:
    assert given("no-stock").take(BACK) == {}


def test_what_is_gone_and_owed_is_suntil_0() -> None:
    on = given("no-stock", GONE, buffer=Decimal(3))
    write = written(on.again(SUBJECT, NOON))
    assert (write.quantity, sum(line.quantity for line in write.explanation)) == (0, 0)
