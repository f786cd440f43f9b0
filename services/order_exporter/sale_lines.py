"""The lines of a Sale, from the lines of an order: gross, to the tetri, as WooCommerce answered them.

Gross is `total + total_tax` as answered (rule 4); coupon amounts are never used (rule 8).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from contracts.money import is_whole_tetri, to_tetri, vat_in
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderLine
from services.accounting.documents.lines import takes_goods
from services.accounting.documents.store_credit import find_unbooked_credit
from services.accounting.documents.unbookable import Unbookable, require_setting, setting_key
from services.accounting.documents.vat_rates import Share, balance_vat_rate, split_by_rate
from services.settings.orders import OrderSettings

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
        """The VAT inside the amount (rule 5)."""
        return vat_in(self.amount, self.percent or Decimal(0))


def sale_lines(
    order: OrderChanged,
    items: Mapping[int, str],
    settings: OrderSettings,
    regular: Mapping[int, Decimal] = NO_PRICES,
    taxed: Collection[str] = (),
) -> tuple[SaleLine, ...]:
    """All lines of the Sale before rounding. `items`: the item of each line of goods, by line id.

    `regular`: the price of a piece compared to which a lower price is a discount. `taxed`: the items for which Balance
    has a VAT rate above zero. Raises `Unbookable` for quantities, amounts, taxes or settings that give no valid line.
    """
    counted = (line for line in order.lines if _needs_line(line, settings))
    made = (one for line in counted for one in _lines_of(line, order, items, settings, taxed))
    return tuple(_from_regular(one, order, regular) for one in made)


def _from_regular(line: SaleLine, order: OrderChanged, regular: Mapping[int, Decimal]) -> SaleLine:
    """A line sold below its regular price has a discount from that price; its amount is unchanged (claim S3.49)."""
    price = regular.get(line.order_line_id or 0)
    if price is None or line.kind != "product":
        return line
    gross = price if order.prices_include_tax else price * (100 + (line.percent or Decimal(0))) / 100
    return replace(line, undiscounted=max(line.undiscounted, to_tetri(gross * line.quantity)))


def _needs_line(line: OrderLine, settings: OrderSettings) -> bool:
    """Free shipping and fees need no line if no service item is set; all other lines are kept, also free ones."""
    return line.kind == "product" or bool(line.total or line.total_tax or _service_item(line, settings))


def _lines_of(
    line: OrderLine,
    order: OrderChanged,
    items: Mapping[int, str],
    settings: OrderSettings,
    taxed: Collection[str],
) -> tuple[SaleLine, ...]:
    _check(line, order, settings)
    item = items[line.line_id] if takes_goods(line) else _service(line, order, settings)
    return tuple(
        _sale_line(line, item, share, balance_vat_rate(share.percent, line, order, settings, taxed=item in taxed))
        for share in split_by_rate(line, order)
    )


def _sale_line(line: OrderLine, item: str, share: Share, vat_rate: str) -> SaleLine:
    whole = takes_goods(line)
    return SaleLine(
        order_line_id=line.line_id,
        kind="fee" if line.kind == "product" and not whole else line.kind,
        item=item,
        quantity=line.quantity if whole else Decimal(1),
        undiscounted=to_tetri(line.subtotal + line.subtotal_tax) if whole else share.gross,
        amount=share.gross,
        percent=share.percent,
        vat_rate=vat_rate,
    )


def _check(line: OrderLine, order: OrderChanged, settings: OrderSettings) -> None:
    where = f"order {order.number} of shop {order.shop}: line {line.line_id}"
    if line.kind == "product" and line.quantity <= 0:
        raise Unbookable(
            Reason.SALE_QUANTITY_INVALID,
            f"{where} has the quantity {line.quantity} and the amount {line.total + line.total_tax}; correct it in the "
            "shop, or book the order by hand",
        )
    if line.kind == "product" and not takes_goods(line) and settings.negative_goods == "park":
        raise Unbookable(
            Reason.SALE_LINE_NEGATIVE,
            f"{where} is a line of goods with the negative amount {line.total + line.total_tax}: correct it in the "
            f'shop, or book it as a discount: {setting_key(order.shop, "negative-goods")} = "discount"',
        )
    if not is_whole_tetri(line.total + line.total_tax):
        raise Unbookable(
            Reason.SALE_NOT_WHOLE_TETRI,
            f"{where} has the amount {line.total + line.total_tax}, not whole tetri: set the shop to 2 decimals",
        )


def _service_item(line: OrderLine, settings: OrderSettings) -> str | None:
    return settings.shipping_item if line.kind == "shipping" else settings.fee_item


def _service(line: OrderLine, order: OrderChanged, settings: OrderSettings) -> str:
    setting = "shipping" if line.kind == "shipping" else "fee"
    what = f"line of goods with a negative amount ({line.line_id})" if line.kind == "product" else f"{line.kind} line"
    purpose = f"order {order.number} of shop {order.shop} has a {what}, and Balance needs a service item for it"
    return require_setting(
        _service_item(line, settings), order.shop, f"{setting}-item", purpose, Reason.SALE_SETTING_MISSING
    )


def settle_rounding(
    lines: Sequence[SaleLine], order: OrderChanged, total: Decimal, settings: OrderSettings
) -> tuple[SaleLine, ...]:
    """The lines with the rounding difference, so that they add up to the total exactly (rule 4, claim S3.50).

    It is added to the line with the largest absolute amount, or is a line of its own if `rounding-item` is set.
    Raises `Unbookable` if it is larger than `rounding-cap`.
    """
    residue = total - sum((line.amount for line in lines), Decimal(0))
    if not residue:
        return tuple(lines)
    if abs(residue) > settings.rounding_cap:
        raise find_unbooked_credit(order, residue, settings) or _total_differs(residue, order, settings)
    largest = max(range(len(lines)), key=lambda index: abs(lines[index].amount))
    if settings.rounding_item:
        return (*lines, _rounding_line(residue, settings.rounding_item, lines[largest]))
    moved = replace(lines[largest], amount=lines[largest].amount + residue)
    return (*lines[:largest], moved, *lines[largest + 1 :])


def _rounding_line(residue: Decimal, item: str, like: SaleLine) -> SaleLine:
    return replace(
        like,
        order_line_id=None,
        kind="rounding",
        item=item,
        quantity=Decimal(1),
        undiscounted=residue,
        amount=residue,
    )


def _total_differs(residue: Decimal, order: OrderChanged, settings: OrderSettings) -> Unbookable:
    cap = setting_key(order.shop, "rounding-cap")
    return Unbookable(
        Reason.SALE_TOTAL_DIFFERS,
        f"order {order.number} of shop {order.shop}: its total is {order.total} {order.currency}, its lines add up to "
        f"{order.total - residue}, a difference of {residue:+}, more than {cap} = {settings.rounding_cap}. Find out in "
        "the shop what the difference is (store credit, a gift card, a line that a plugin left out) and book the order "
        "by hand; recalculating it there would remove such a payment",
    )
