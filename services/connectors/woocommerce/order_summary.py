"""An order as a list shows it with few fields: enough to see whether it is the order that is known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from contracts.reasons import Reason
from services.connectors.woocommerce.order import order_name
from services.connectors.woocommerce.order_json import Currency, ModifiedAt, Needed, ParentId
from services.connectors.woocommerce.read import (
    Amount,
    Answered,
    Id,
    Moment,
    OptionalAmount,
    OptionalMoment,
    Rows,
    Word,
    reading,
)


class RefundSummary(Answered):
    """A refund, as its order mentions it: `total` is negative."""

    id: Id
    total: Amount = Decimal(0)


class OrderSummary(Answered):
    """What a close of the day asks of every order; the lines are not among it."""

    id: Id
    parent_id: ParentId = 0
    number: Word = ""
    status: Needed
    currency: Currency
    created_via: Word = ""
    payment_method: Word = ""
    total: Amount
    total_tax: OptionalAmount = None
    refunds: Annotated[tuple[RefundSummary, ...], Rows] = ()
    date_created_gmt: Moment
    date_modified_gmt: ModifiedAt = None
    date_paid_gmt: OptionalMoment = None
    date_completed_gmt: OptionalMoment = None

    @property
    def modified_at(self) -> datetime:
        """When it was saved last."""
        return self.date_modified_gmt or self.date_created_gmt

    @property
    def moments(self) -> tuple[datetime, ...]:
        """When it was placed, paid, completed and saved last: its document is dated by one of them."""
        found = (self.date_created_gmt, self.date_paid_gmt, self.date_completed_gmt, self.date_modified_gmt)
        return tuple(moment for moment in found if moment is not None)


FIELDS = ",".join(OrderSummary.model_fields)


def order_summary(shop: str, json: Mapping[str, Any]) -> OrderSummary:
    """The summary of a listed order. Raises `ReadError` (`shop.order-invalid`), naming order and field."""
    with reading(order_name(shop, json), Reason.SHOP_ORDER_INVALID):
        return OrderSummary.model_validate(json)
