"""One Balance database: everything in it, how it behaves, and its clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from services.sandbox.balance.clients import Clients
from services.sandbox.balance.items import Items
from services.sandbox.balance.prices import Prices
from services.sandbox.balance.record import Row
from services.sandbox.balance.register import Register
from services.sandbox.balance.settings import BalanceSandboxSettings
from services.sandbox.balance.stocks import Stocks

TBILISI = ZoneInfo("Asia/Tbilisi")


class Books:
    """The records of a Balance, and its settings, which may be replaced while it runs."""

    def __init__(self, settings: BalanceSandboxSettings, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.clock = clock
        self.clear()

    def clear(self) -> None:
        """Makes it an empty database; the settings stay."""
        self.items = Items()
        self.stocks = Stocks()
        self.prices = Prices()
        self.warehouses: dict[str, Row] = {}
        self.series: dict[str, Row] = {}
        self.discounts: dict[str, Row] = {}
        self.clients = Clients()
        self.sales = Register("Sale")
        self.credit_notes = Register("SalesCredit")
        self.sales_orders = Register("SalesOrder")
        self.receipts = {name: Register(name) for name in self.settings.dialect.receipt_resources}

    def registers(self) -> dict[str, Register]:
        """Every kind of document by its name in this dialect."""
        return {
            "Sale": self.sales,
            self.settings.dialect.credit_note_resource: self.credit_notes,
            self.settings.dialect.sales_order_resource: self.sales_orders,
            **self.receipts,
        }

    def now(self) -> datetime:
        """Balance's own time: Tbilisi, without zone, in whole seconds."""
        return self.clock().astimezone(TBILISI).replace(tzinfo=None, microsecond=0)

    def warehouse_named(self, name: str) -> str | None:
        """The uid of the warehouse with this name."""
        return next((known for known, row in self.warehouses.items() if row["Name"] == name), None)

    def delete_item(self, item: str) -> None:
        """Removes an item with its stock, prices and lots. Raises KeyError for an unknown uid."""
        self.items.delete(item)
        self.stocks.delete(item)
        self.prices.delete(item, self.now())
        self.series = {known: lot for known, lot in self.series.items() if lot["Item"] != item}
