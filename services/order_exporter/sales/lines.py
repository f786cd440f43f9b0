"""The lines of a Sale, from the lines of an order: gross, to the tetri, as WooCommerce answered them.

Gross is `total + total_tax` as answered (order-money rule 4); coupon amounts are never looked at (rule 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderLine
from services.order_exporter.sales.rates import Share, shares_of
from services.order_exporter.sales.vat import balance_rate
from services.shared.documents.unbookable import Unbookable, required
from services.shared.money import is_whole_tetri, to_tetri, vat_in
from services.shared.settings.orders import OrderSettings

NO_PRICES: Mapping[int, Decimal] = {}
LineKind = Literal["product", "shipping", "fee", "rounding", "amount"]


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One line of a Sale. `amount` and `undiscounted` are gross, in whole tetri of the order's currency."""

    order_line_id: int | None
    kind: LineKind
    item: str
    quantity: Decimal
    undiscounted: Decimal
    amount: Decimal
    percent: Decimal | None
    vat_rate: str

    @property
    def vat(self) -> Decimal:
        """The VAT inside the amount (order-money rule 5)."""
        return vat_in(self.amount, self.percent or Decimal(0))


def sale_lines(
    order: OrderChanged, items: Mapping[int, str], settings: OrderSettings, regular: Mapping[int, Decimal] = NO_PRICES
) -> tuple[SaleLine, ...]:
    """All lines of the Sale before rounding. `items` holds the item of each product line, by line id, and `regular`
    the price of a piece from which a lower one is a discount.

    Raises `Unbookable` for quantities, amounts, taxes or settings that give no sound line.
    """
    made = (one for line in order.lines if _counts(line, settings) for one in _lines_of(line, order, items, settings))
    return tuple(_from_regular(one, order, regular) for one in made)


def _from_regular(line: SaleLine, order: OrderChanged, regular: Mapping[int, Decimal]) -> SaleLine:
    """A line sold below its regular price is discounted from that one; its amount stays (claim S3.49)."""
    price = regular.get(line.order_line_id or 0)
    if price is None or line.kind != "product":
        return line
    gross = price if order.prices_include_tax else price * (100 + (line.percent or Decimal(0))) / 100
    return replace(line, undiscounted=max(line.undiscounted, to_tetri(gross * line.quantity)))


def _counts(line: OrderLine, settings: OrderSettings) -> bool:
    """Free shipping needs no line where no service item is set for it; every other line stays, free ones too."""
    return line.kind == "product" or bool(line.total or line.total_tax or _service_item(line, settings))


def _lines_of(
    line: OrderLine, order: OrderChanged, items: Mapping[int, str], settings: OrderSettings
) -> tuple[SaleLine, ...]:
    _check(line, order)
    item = items[line.line_id] if line.kind == "product" else _service(line, order, settings)
    return tuple(_sale_line(line, item, share, order, settings) for share in shares_of(line, order))


def _sale_line(line: OrderLine, item: str, share: Share, order: OrderChanged, settings: OrderSettings) -> SaleLine:
    whole = line.kind == "product"
    return SaleLine(
        order_line_id=line.line_id,
        kind=line.kind,
        item=item,
        quantity=line.quantity if whole else Decimal(1),
        undiscounted=to_tetri(line.subtotal + line.subtotal_tax) if whole else share.gross,
        amount=share.gross,
        percent=share.percent,
        vat_rate=balance_rate(share.percent, line, order, settings),
    )


def _check(line: OrderLine, order: OrderChanged) -> None:
    where = f"order {order.number} of shop {order.shop}: line {line.line_id}"
    if line.kind == "product" and line.quantity <= 0:
        raise Unbookable(
            Reason.SALE_QUANTITY_INVALID, f"{where} has the quantity {line.quantity}; correct it in the shop"
        )
    if not is_whole_tetri(line.total + line.total_tax):
        raise Unbookable(
            Reason.SALE_NOT_WHOLE_TETRI,
            f"{where} comes to {line.total + line.total_tax}, which is not whole tetri: set the shop to 2 decimals",
        )


def _service_item(line: OrderLine, settings: OrderSettings) -> str | None:
    return settings.shipping_item if line.kind == "shipping" else settings.fee_item


def _service(line: OrderLine, order: OrderChanged, settings: OrderSettings) -> str:
    purpose = (
        f"order {order.number} of shop {order.shop} has a {line.kind} line, and Balance needs a service item for it"
    )
    return required(
        _service_item(line, settings), order.shop, f"{line.kind}-item", purpose, Reason.SALE_SETTING_MISSING
    )
