"""The Sale of an order as a value with everything the books need, and no personal data; and its date."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.ledger import RecordedLine
from contracts.money import is_whole_tetri
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents.due_date import due_moment, is_closed
from services.accounting.documents.ids import sale_uid
from services.accounting.documents.store_credit import credit_booked
from services.accounting.documents.unbookable import Unbookable, require_setting, setting_key
from services.accounting.documents.vat import describe_vat_difference
from services.engine.clock import local_date
from services.order_exporter.client import number_remark
from services.order_exporter.projection import KnownOrder
from services.order_exporter.sale_lines import NO_PRICES, SaleLine, sale_lines, settle_rounding
from services.settings.balance import BalanceSettings
from services.settings.orders import OrderSettings


@dataclass(frozen=True, slots=True)
class Sale:
    """A Sale as intended. `total` is the order's total plus `store_credit`; `paid` was paid by the payment method.

    `currency_uid` is None in Balance's own currency. `rate` is the exchange rate from the settings; without one,
    Balance uses that of the day. `remark` is part of the comment; `notes` are for the accountant and not in the
    document.
    """

    uid: str
    shop: str
    order_number: str
    date: str
    warehouse: str
    currency: str
    currency_uid: str | None
    total: Decimal
    lines: tuple[SaleLine, ...]
    payment_method: str
    transaction_id: str
    paid: Decimal = Decimal(0)
    store_credit: Decimal = Decimal(0)
    remark: str = ""
    coupons: tuple[str, ...] = ()
    waybill: bool | None = None
    revision: int = 0
    notes: tuple[str, ...] = ()
    rate: Decimal | None = None

    @property
    def vat(self) -> Decimal:
        """The sum of the lines' VAT."""
        return sum((line.vat for line in self.lines), Decimal(0))

    def recorded_lines(self) -> tuple[RecordedLine, ...]:
        """The lines as they are in the ledger events."""
        return tuple(_recorded(line) for line in self.lines)


def build_sale(
    order: OrderChanged,
    items: Mapping[int, str],
    settings: OrderSettings,
    balance: BalanceSettings,
    regular: Mapping[int, Decimal] = NO_PRICES,
    taxed: Collection[str] = (),
    date: str | None = None,
) -> Sale:
    """The Sale of an order whose products all have items (`items`: item uid by line id).

    `regular`: the items' regular prices by line id, if a lower price is booked as a discount. `taxed`: the items for
    which Balance has a VAT rate above zero. `date`: its day; by default that of the order's own dates.
    Raises `Unbookable` if order and settings give no valid Sale.
    """
    _check_total(order)
    credit = credit_booked(order, settings)
    total = order.total + credit
    lines = settle_rounding(
        _check_lines(sale_lines(order, items, settings, regular, taxed), order), order, total, settings
    )
    return Sale(
        uid=sale_uid(order.shop, order.order_id),
        shop=order.shop,
        order_number=order.number,
        date=date or local_date(due_moment(order, settings)),
        warehouse=_warehouse(order, settings),
        currency=order.currency,
        currency_uid=_currency(order, balance),
        total=total,
        lines=lines,
        payment_method=order.payment_method,
        transaction_id=order.transaction_id,
        paid=order.total if order.paid_at else Decimal(0),
        store_credit=credit,
        remark=number_remark(order.person),
        coupons=order.coupon_codes if settings.coupon_codes else (),
        waybill=settings.waybill,
        notes=_vat_note(order, lines),
        rate=None if order.currency == balance.currency else balance.currency_rates.get(order.currency),
    )


def _check_total(order: OrderChanged) -> None:
    where = f"order {order.number} of shop {order.shop}"
    if order.total < 0:
        raise Unbookable(
            Reason.SALE_TOTAL_NEGATIVE,
            f"{where} has the total {order.total}: correct it in the shop or book it by hand",
        )
    if not is_whole_tetri(order.total):
        raise Unbookable(
            Reason.SALE_NOT_WHOLE_TETRI,
            f"{where} has the total {order.total}, which is not whole tetri: set the shop to 2 decimals, "
            "and correct this order or book it by hand",
        )


def _check_lines(lines: tuple[SaleLine, ...], order: OrderChanged) -> tuple[SaleLine, ...]:
    if not lines:
        raise Unbookable(
            Reason.SALE_NOTHING_TO_SELL,
            f"order {order.number} of shop {order.shop} has no lines: nothing was sold. Cancel it in the shop",
        )
    return lines


def _warehouse(order: OrderChanged, settings: OrderSettings) -> str:
    purpose = "every Sale needs the warehouse that the goods leave"
    return require_setting(settings.warehouse, order.shop, "warehouse", purpose, Reason.SALE_SETTING_MISSING)


def _currency(order: OrderChanged, balance: BalanceSettings) -> str | None:
    if order.currency == balance.currency:
        return None
    if order.currency not in balance.currencies:
        raise Unbookable(
            Reason.SALE_CURRENCY_NOT_MAPPED,
            f"order {order.number} of shop {order.shop} is in {order.currency}: "
            f"set balance.currencies.{order.currency} to the uid of that currency in Balance",
        )
    return balance.currencies[order.currency]


def _vat_note(order: OrderChanged, lines: tuple[SaleLine, ...]) -> tuple[str, ...]:
    return describe_vat_difference(order.total_tax, sum((line.vat for line in lines), Decimal(0)), len(lines), "order")


def _recorded(line: SaleLine) -> RecordedLine:
    return RecordedLine(
        order_line_id=line.order_line_id,
        kind=line.kind,
        item=line.item,
        quantity=line.quantity,
        amount=line.amount,
        vat=line.vat,
        vat_percent=line.percent,
    )


ONE_DAY = timedelta(days=1)


def booking_date(known: KnownOrder, settings: OrderSettings) -> str:
    """The day (`YYYY-MM-DD`, Tbilisi) of the moment that made the Sale due.

    Rule 21. Raises `Unbookable` for a closed day, and for a moment after the order's last change (entered by hand).
    """
    moment = due_moment(known.order, settings, known.status_since)
    if moment > known.order.modified_at + ONE_DAY:
        raise _future_date(known, moment)
    day = local_date(moment)
    if is_closed(day, settings.locked_until):
        raise _closed_day(known, day, settings)
    return day


def _future_date(known: KnownOrder, moment: datetime) -> Unbookable:
    order = known.order
    return Unbookable(
        Reason.SALE_DATE_AHEAD,
        f"order {order.number} of shop {order.shop} became due on {local_date(moment)}, after its own last change on "
        f"{local_date(order.modified_at)}: correct its date of payment or completion in the shop",
    )


def _closed_day(known: KnownOrder, day: str, settings: OrderSettings) -> Unbookable:
    order = known.order
    return Unbookable(
        Reason.BALANCE_PERIOD_CLOSED,
        f"order {order.number} of shop {order.shop} became due on {day}, and "
        f"{setting_key(order.shop, 'locked-until')} = {settings.locked_until} closes that day: open the period and set "
        "it back, or book the order by hand",
    )
