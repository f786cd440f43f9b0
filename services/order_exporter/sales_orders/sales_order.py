"""A sales order as Balance wants to be told it (balance-api 2.11): the lines of the Sale to come, reserving goods."""

from __future__ import annotations

from typing import Any, Literal

from contracts.sales_orders import SalesOrderPlanned, SalesOrderRecorded
from services.accounting.documents.uids import sales_order_uid
from services.accounting.documents.written import number
from services.order_exporter.tasks import SalesOrderTask, SaleTask
from services.settings.balance import Dialect

HEADER = (
    "Date", "Client", "Warehouse", "Currency", "AmountIncludesVAT", "Branch", "Department", "Agreement", "PriceType",
    "Comments",
)  # fmt: skip
LINE = ("Item", "Quantity", "Price", "Discount", "Amount", "VATRate")
"""The fields that a sales order has in common with a Sale (API fact: the only public code that writes one)."""


def sales_order_task(sale: SaleTask, dialect: Dialect) -> SalesOrderTask:
    """The sales order that holds what the Sale of the order would say now."""
    uid = sales_order_uid(sale.shop, sale.order_id)
    return SalesOrderTask(
        shop=sale.shop,
        order_id=sale.order_id,
        order_version=sale.order_version,
        content_digest=sale.content_digest,
        sales_order=uid,
        client=sale.client,
        date=sale.date,
        currency=sale.currency,
        total=sale.total,
        vat=sale.vat,
        lines=sale.lines,
        document={"uid": uid, **_document(sale, dialect)},
    )


def _document(sale: SaleTask, dialect: Dialect) -> dict[str, Any]:
    header = {name: sale.document[name] for name in HEADER if name in sale.document}
    if dialect.sales_order_reserve == "automatic":
        header["AutomaticReservation"] = True
    rows: list[dict[str, Any]] = [
        {name: row[name] for name in LINE if name in row} for row in sale.document.get("Items", [])
    ]
    if dialect.sales_order_reserve == "lines":
        for row, line in zip(rows, sale.lines, strict=True):
            row |= {"Reserve": number(line.quantity)} if line.kind == "product" else {}
    return header | {"Items": rows}


def ending_task(standing: SalesOrderRecorded, why: Literal["sold", "given-up"]) -> SalesOrderTask:
    """The same sales order, which reserves nothing any more."""
    document = dict(standing.sent) | {"uid": standing.sales_order}
    if "AutomaticReservation" in document:
        document["AutomaticReservation"] = False
    document["Items"] = [row | {"Reserve": "0"} if "Reserve" in row else row for row in document.get("Items", [])]
    return SalesOrderTask(**_content(standing), document=document, ends=why)


def _content(task: SalesOrderTask | SalesOrderRecorded) -> dict[str, Any]:
    """What a task and the events about its sales order have in common, but for the document."""
    return {
        "shop": task.shop,
        "order_id": task.order_id,
        "order_version": task.order_version,
        "content_digest": task.content_digest,
        "sales_order": task.sales_order,
        "client": task.client,
        "date": task.date,
        "currency": task.currency,
        "total": task.total,
        "vat": task.vat,
        "lines": task.lines,
    }


def event_content(task: SalesOrderTask) -> dict[str, Any]:
    """The fields that `SalesOrderPlanned` and `SalesOrderRecorded` have in common."""
    return _content(task) | {"sent": task.document}


def is_same(task: SalesOrderTask, known: SalesOrderRecorded | SalesOrderPlanned) -> bool:
    """Whether this very document was recorded or planned already."""
    return known.content_digest == task.content_digest and known.sent == task.document
