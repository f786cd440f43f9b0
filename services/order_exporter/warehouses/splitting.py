"""A Sale whose goods leave several warehouses: a document for each, which add up to the whole to the tetri (S3.37)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from contracts.ledger import DocumentPart
from contracts.money import to_tetri
from services.accounting.documents.uids import part_uid
from services.order_exporter.sales.sale import Sale


def parts_of(
    sale: Sale, places: Mapping[int, str], document: Callable[[Sale], dict[str, Any]]
) -> tuple[DocumentPart, ...]:
    """The documents of a Sale; `places` is the warehouse of each line of the order that has one of its own.

    Shipping, fees, services and rounding stand in the first, that of the Sale's own warehouse. No line is divided, so
    that nothing is rounded again.
    """
    positions: dict[str, list[int]] = {sale.warehouse: []}
    for position, line in enumerate(sale.lines, start=1):
        goods = line.kind == "product" and line.order_line_id is not None
        place = places.get(line.order_line_id or 0, sale.warehouse) if goods else sale.warehouse
        positions.setdefault(place, []).append(position)
    return tuple(_part(sale, warehouse, held, document) for warehouse, held in positions.items())


def _part(
    sale: Sale, warehouse: str, positions: Sequence[int], document: Callable[[Sale], dict[str, Any]]
) -> DocumentPart:
    lines = tuple(sale.lines[position - 1] for position in positions)
    total = sum((line.amount for line in lines), Decimal(0))
    uid = sale.uid if warehouse == sale.warehouse else part_uid(sale.uid, warehouse)
    paid, credit = _paid(sale, total)
    own = replace(sale, uid=uid, warehouse=warehouse, lines=lines, total=total, paid=paid, store_credit=credit)
    return DocumentPart(document=uid, warehouse=warehouse, total=total, positions=tuple(positions), sent=document(own))


def _paid(sale: Sale, total: Decimal) -> tuple[Decimal, Decimal]:
    """What of a part was paid by the payment method, and by store credit, in proportion to the whole."""
    if not sale.store_credit:
        return (total if sale.paid else Decimal(0)), Decimal(0)
    credit = to_tetri(total * sale.store_credit / sale.total)
    return (total - credit if sale.paid else Decimal(0)), credit
