"""Stock by warehouse, and the warehouses that are chosen from it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from contracts.balance import StockChanged, StockRow
from contracts.placement import WarehouseChosen
from services.engine.outbox.decision import Decision
from tests.support.exporting import PAID, PLACED, item_of

GLDANI, VAKE = "11111111-0000-4000-8000-0000000000aa", "11111111-0000-4000-8000-0000000000bb"
NAMES = {GLDANI: "Gldani", VAKE: "Vake"}


def stock_of(item: int, *, at: datetime = PLACED, reserve: str = "0", **quantities: str) -> StockChanged:
    """A reading of an item: pieces by warehouse; the reserve is in the first."""
    uids = {"gldani": GLDANI, "vake": VAKE}
    rows = tuple(
        StockRow(
            warehouse=uids[name],
            warehouse_name=NAMES[uids[name]],
            quantity=Decimal(quantity),
            reserve=Decimal(reserve if position == 0 else 0),
        )
        for position, (name, quantity) in enumerate(quantities.items())
    )
    return StockChanged(item=item_of(item), rows=rows, observed_at=at)


def warehouses_chosen(decision: Decision) -> list[WarehouseChosen]:
    return [event for event in decision.announce if isinstance(event, WarehouseChosen)]


OUT_OF_STOCK = "ОбработкаПроведения: საწყობში არ არის საკმარისი ნაშთი: ჩაი, აკლია 2"
HOUR_LATER = PAID + timedelta(hours=1)
