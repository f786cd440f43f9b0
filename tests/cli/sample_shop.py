"""A shop for the close of the day and for backfill: it lists and answers its orders as WooCommerce does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from contracts.shop import OrderChanged, OrderLine, RefundIssued, RefundLine
from services.connectors.woocommerce.php import format_gmt, parse_gmt

Json = dict[str, Any]


class ShopDouble:
    """Holds orders and their refunds. `calls` lists what was asked."""

    def __init__(self, *orders: Json) -> None:
        self.rows = {int(order["id"]): order for order in orders}
        self.calls: list[str] = []

    async def orders_concerning(self, begin: datetime, end: datetime) -> AsyncIterator[Json]:
        self.calls.append("list")
        for row in self._listed():
            if parse_gmt(row["date_created_gmt"]) < end and parse_gmt(row["date_modified_gmt"]) >= begin:
                yield row

    async def order_summaries(self, ids: Sequence[int]) -> AsyncIterator[Json]:
        self.calls.append("include")
        for row in self._listed():
            if row["id"] in ids:
                yield row

    async def order(self, order_id: int, *, fresh: bool = False) -> Json | None:
        assert fresh, "a cache may answer"
        self.calls.append(f"order {order_id}")
        return self.rows.get(order_id)

    async def refunds(self, order_id: int, *, fresh: bool = False) -> list[Json]:
        assert fresh, "a cache may answer"
        self.calls.append(f"refunds {order_id}")
        return [refund["whole"] for refund in self.rows[order_id]["refunds"]]

    def _listed(self) -> list[Json]:
        return [row for row in self.rows.values() if row["status"] not in ("trash", "unlisted-status")]


def answered(order: OrderChanged, *refunds: RefundIssued, **fields: Any) -> Json:
    """The JSON of an order of the shop, with its refunds."""
    modified = max([order.modified_at, *(refund.created_at for refund in refunds)])
    moments = {"created": order.created_at, "modified": modified, "paid": order.paid_at}
    dates = {f"date_{name}_gmt": format_gmt(at) if at else None for name, at in moments.items()}
    lines = {
        kind: [_line(line) for line in order.lines if line.kind == kind] for kind in ("product", "shipping", "fee")
    }
    rates = [
        {"rate_id": rate.rate_id, "rate_percent": f"{rate.percent}", "tax_total": "0", "shipping_tax_total": "0"}
        for rate in order.tax_rates
    ]
    plain = order.model_dump(mode="json", include={"number", "status", "currency", "payment_method", "total"})
    return {
        **plain,
        "id": order.order_id,
        "parent_id": order.parent_id,
        "created_via": order.created_via,
        "total_tax": f"{order.total_tax}",
        "prices_include_tax": True,
        "line_items": lines["product"],
        "shipping_lines": lines["shipping"],
        "fee_lines": lines["fee"],
        "tax_lines": rates,
        "refunds": [_refund(refund) for refund in refunds],
        "date_completed_gmt": None,
        **dates,
        **fields,
    }


def _line(line: OrderLine) -> Json:
    amounts = {name: f"{getattr(line, name)}" for name in ("subtotal", "subtotal_tax", "total", "total_tax")}
    taxes = [{"id": tax.rate_id, "total": f"{tax.total}"} for tax in line.taxes]
    named = {"id": line.line_id, "product_id": line.product_id, "quantity": f"{line.quantity}"}
    return {**named, **amounts, "taxes": taxes}


def _refund(refund: RefundIssued) -> Json:
    """A refund as its order mentions it; `whole` is what the list of refunds answers."""
    whole = {
        "id": refund.refund_id,
        "amount": f"{refund.amount}",
        "date_created_gmt": format_gmt(refund.created_at),
        "line_items": [_refunded(line) for line in refund.lines],
    }
    return {"id": refund.refund_id, "reason": "", "total": f"{-refund.amount}", "whole": whole}


def _refunded(line: RefundLine) -> Json:
    amounts = {"total": f"{-line.total}", "total_tax": f"{-line.total_tax}"}
    original = [{"key": "_refunded_item_id", "value": str(line.refunded_line_id)}]
    money = {**amounts, "subtotal": amounts["total"], "subtotal_tax": amounts["total_tax"]}
    return {"id": line.line_id, "quantity": f"{-line.quantity}", **money, "meta_data": original}
