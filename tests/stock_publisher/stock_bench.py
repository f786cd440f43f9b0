"""A linked item with its stock and orders in events, and the publisher over them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from contracts.balance import StockChanged, StockRow
from contracts.catalog import AvailabilityChanged, ProductLinked
from contracts.ledger import RecordedLine, SaleRecorded
from contracts.model import Event
from contracts.shop import OrderChanged, OrderLine
from services.engine.outbox.decision import Decision
from services.settings.model import Settings
from services.stock_publisher.handlers import handlers
from services.stock_publisher.records import StockWrite
from tests.support.memory_state import NOON, Consumer

MAIN, VAKE, SHOWROOM = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
NAMES = {MAIN: "Main", VAKE: "Vake", SHOWROOM: "Showroom"}
ITEM, PRODUCT = "tea-100", 311
SUBJECT = f"main:{ITEM}"


def settings(flow: str | None = "live", **stock: Any) -> Settings:
    """One shop, `main`, that sells from the main warehouse; without a flow, like a new shop."""
    rules = {"policy": "single", "warehouses": ["Main"]} | stock
    flows = {"stock": flow} if flow else {}
    main = {"url": "https://shop.test", "key_file": "key", "secret_file": "secret", "flows": flows}
    balance = {"application_id": "1234", "user_name": "davtari", "password_file": "password"}
    return Settings.model_validate({"balance": balance, "shops": {"main": main | {"stock": rules}}})


def publisher(flow: str = "live", **stock: Any) -> Consumer:
    """The publisher with nothing known yet."""
    return Consumer(handlers(settings(flow, **stock)))


def given(*events: Event, flow: str = "live", **rules: Any) -> Consumer:
    """A publisher that has seen a link, ten pieces, and these events."""
    on = publisher(flow, **rules)
    on.take(link(), stock(row("10")), *events)
    return on


def row(quantity: str, reserve: str = "0", warehouse: str = MAIN, **more: Any) -> StockRow:
    """What lies in a warehouse."""
    known = {"warehouse": warehouse, "warehouse_name": NAMES[warehouse]}
    return StockRow(quantity=Decimal(quantity), reserve=Decimal(reserve), **(known | more))


def stock(*rows: StockRow, at: datetime = NOON, item: str = ITEM) -> StockChanged:
    """A reading of the item's stock, begun at `at`."""
    return StockChanged(item=item, rows=rows, observed_at=at)


def link(**more: Any) -> ProductLinked:
    """The item's product."""
    known = {"shop": "main", "item": ITEM, "product_id": PRODUCT, "sku": "TEA-100", "how": "created", "linked_at": NOON}
    return ProductLinked.model_validate(known | more)


def order(order_id: int, pieces: str, status: str = "processing", at: datetime = NOON, **more: Any) -> OrderChanged:
    """An order of so many pieces of the product."""
    known = {"shop": "main", "order_id": order_id, "number": str(order_id), "status": status, "currency": "GEL"}
    money = {"total": Decimal(10), "total_tax": Decimal(0), "prices_include_tax": True, "person_ref": "p"}
    lines = (line(PRODUCT, pieces),)
    times = {"created_at": at, "modified_at": at}
    return OrderChanged.model_validate({**known, **money, **times, "lines": lines, **more})


def line(product: int, pieces: str, **more: Any) -> OrderLine:
    """A line of an order."""
    money = dict.fromkeys(("subtotal", "subtotal_tax", "total", "total_tax"), Decimal(0))
    known = {"line_id": 1, "kind": "product", "product_id": product, "quantity": Decimal(pieces)}
    return OrderLine.model_validate(money | known | more)


def sale(order_id: int, pieces: str, at: datetime, item: str = ITEM) -> SaleRecorded:
    """The Sale of an order, recorded at `at`."""
    recorded = RecordedLine(
        order_line_id=1, kind="product", item=item, quantity=Decimal(pieces), amount=Decimal(10), vat=Decimal(0)
    )
    return SaleRecorded(
        shop="main",
        order_id=order_id,
        sale=f"sale-{order_id}",
        client="client",
        date="2026-03-02",
        total=Decimal(10),
        vat=Decimal(0),
        currency="GEL",
        lines=(recorded,),
        order_version=1,
        content_digest="d",
        sent={},
        how="written",
        recorded_at=at,
    )


def after(**by: float) -> datetime:
    """A moment after noon."""
    return NOON + timedelta(**by)


def written(decision: Decision) -> StockWrite:
    """The figure that a decision has written."""
    [delivery] = decision.deliveries
    assert (delivery.id, delivery.kind, delivery.lane) == (f"stock:{SUBJECT}", "stock.write", "woocommerce.stock.main")
    assert delivery.blocked is None
    return StockWrite.model_validate(delivery.payload)


def figure(on: Consumer, at: datetime | None = None) -> int | None:
    """The figure that the publisher wants now; None when the shop holds it."""
    decision = on.again(SUBJECT, at or on.state.now)
    return written(decision).quantity if decision.deliveries else None


def publish(on: Consumer) -> AvailabilityChanged | None:
    """Carry out what the publisher wants, as the shop would answer it."""
    decision = on.again(SUBJECT, on.state.now)
    if not decision.deliveries:
        return None
    event = written(decision).published("live", on.state.now)
    on.take(event)
    return event
