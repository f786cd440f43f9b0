"""The regular price and the scheduled sale price of an item, from Balance's prices by price type.

Amounts are in Balance's currency and are rounded to whole tetri. The start and end of a sale are sent to WooCommerce in
GMT.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from contracts.balance import ItemPrice
from contracts.catalog import RolePrice
from contracts.model import Instant, Money, Part
from contracts.money import to_tetri
from contracts.reasons import Reason
from services.accounting.catalogue.eligibility import Skip
from services.settings.balance import BalanceSettings
from services.settings.catalogue import PriceSettings

HIGHEST = Decimal(10_000_000)
"""A price above this is a typing error (a barcode entered as a price)."""
Phase = Literal["none", "before", "inside"]


class SalePrice(Part):
    """A sale price from `starts` until `ends`. Without a price there is no sale."""

    price: Money | None = None
    starts: Instant | None = None
    ends: Instant | None = None


NO_SALE = SalePrice()


@dataclass(frozen=True, slots=True)
class ProductPrices:
    """The prices of a product. None: Balance has no such price, so the product's is not changed.

    `phase` is the position in the sale's period: WooCommerce changes the charged price reliably only when the product
    is saved (WooCommerce fact 21), so it is written again when the phase changes, at `next_price_change` (claim S0.10).
    """

    regular: Decimal | None = None
    sale: SalePrice | None = None
    phase: Phase = "none"
    roles: tuple[RolePrice, ...] = ()


class InvalidPrice(Exception):
    """A price that must not reach a shop."""


def compute_prices(
    stated: Sequence[ItemPrice], rules: PriceSettings, balance: BalanceSettings, now: datetime
) -> ProductPrices | Skip:
    """Return the prices at `now`; a skip if a price cannot be right."""
    try:
        return _compute(stated, rules, balance, now)
    except InvalidPrice as error:
        return Skip(Reason.PRODUCT_PRICE_INVALID, str(error))


def _compute(
    stated: Sequence[ItemPrice], rules: PriceSettings, balance: BalanceSettings, now: datetime
) -> ProductPrices:
    retail = _retail_prices(stated, rules, balance, now)
    return retail if retail.regular is None else replace(retail, roles=_role_prices(stated, rules, balance, now))


def _role_prices(
    stated: Sequence[ItemPrice], rules: PriceSettings, balance: BalanceSettings, now: datetime
) -> tuple[RolePrice, ...]:
    """The price of each role, by the custom field that a plugin reads it from (claims S4.13, S4.14, S4.18, S4.19)."""
    current = {key: _current_price(stated, price_type, now) for key, price_type in rules.roles.items()}
    return tuple(
        RolePrice(
            meta_key=key,
            price=price and _regular_price(price, rules, balance),
            currency=rules.currency_of(rules.roles[key]),
        )
        for key, price in current.items()
    )


def _current_price(stated: Sequence[ItemPrice], price_type: str | None, now: datetime) -> ItemPrice | None:
    return _newest(price for price in _of_type(stated, price_type) if _is_inside(price, now))


def _retail_prices(
    stated: Sequence[ItemPrice], rules: PriceSettings, balance: BalanceSettings, now: datetime
) -> ProductPrices:
    current = _current_price(stated, type_ := _regular_type(stated, rules), now)
    if current is None:
        return ProductPrices()
    regular = _regular_price(current, rules, balance)
    if rules.sale_type is None and not rules.discounts:
        return ProductPrices(regular)
    if rules.discounts:
        selected = _select_discount(_of_type(stated, type_, discounts=True), now)
    else:
        selected = _select_sale(_of_type(stated, rules.sale_type), now)
    sale = _sale_price(selected, regular, rules, balance) if selected else NO_SALE
    return ProductPrices(regular, sale, _phase(sale, now))


def _regular_type(stated: Sequence[ItemPrice], rules: PriceSettings) -> str | None:
    """The price type of the settings; without one, the only type apart from those of sales, roles and costs."""
    if rules.regular_type:
        return rules.regular_type
    types = sorted({price.price_type for price in stated} - {rules.sale_type, *rules.roles.values(), *rules.cost_types})
    if len(types) > 1:
        raise InvalidPrice(f"Balance has {len(types)} price types ({', '.join(types)}); choose prices.regular-type")
    return types[0] if types else None


def _of_type(stated: Iterable[ItemPrice], price_type: str | None, *, discounts: bool = False) -> list[ItemPrice]:
    """The prices of a type as entered, or as reduced by Balance's discounts."""
    of_type = [price for price in stated if price_type and price.price_type.casefold() == price_type.casefold()]
    return [price for price in of_type if (price.source == "Discounts") is discounts]


def _is_inside(price: ItemPrice, now: datetime) -> bool:
    started = price.valid_from is None or price.valid_from <= now
    return started and (price.valid_to is None or now < price.valid_to)


def _newest(found: Iterable[ItemPrice]) -> ItemPrice | None:
    return max(found, key=lambda price: (price.valid_from is not None, price.valid_from), default=None)


def next_price_change(stated: Iterable[ItemPrice], now: datetime) -> datetime | None:
    """Return when the period of a price begins or ends next: the product's price may change then."""
    edges = (edge for price in stated for edge in (price.valid_from, price.valid_to))
    return min((edge for edge in edges if edge and edge > now), default=None)


def _regular_price(stated: ItemPrice, rules: PriceSettings, balance: BalanceSettings) -> Decimal:
    _check_currency(stated, rules, balance)
    price = to_tetri(stated.price)
    if price <= 0 or price > HIGHEST:
        raise InvalidPrice(f"the regular price {stated.price} cannot be right; correct it in Balance")
    return price


def _check_currency(stated: ItemPrice, rules: PriceSettings, balance: BalanceSettings) -> None:
    """Each price type has one currency (claim S4.19): Balance's, unless the settings have another one for it.

    Balance may give a currency as a code or a uid; without one, the type's currency is assumed. Nothing is converted.
    """
    expected = rules.currency_of(stated.price_type) or balance.currency
    if stated.currency and stated.currency.casefold() not in {
        expected.casefold(),
        balance.currencies.get(expected, "").casefold(),
    }:
        raise InvalidPrice(
            f"the price {stated.price} is in currency {stated.currency}, but the shop's prices of type "
            f"{stated.price_type} are in {expected}; if {stated.currency} is the uid of {expected}, set it in "
            f"balance.currencies under {expected}"
        )


def _select_sale(stated: Sequence[ItemPrice], now: datetime) -> ItemPrice | None:
    """The current sale, otherwise the next one; WooCommerce stores one period at a time."""
    coming = (price for price in stated if price.valid_from and price.valid_from > now)
    current = _newest(price for price in stated if _is_inside(price, now))
    return current or min(coming, key=lambda price: price.valid_from or now, default=None)


def _select_discount(stated: Sequence[ItemPrice], now: datetime) -> ItemPrice | None:
    """The current discount with the lowest price, otherwise the next one."""
    current = min((price for price in stated if _is_inside(price, now)), key=lambda price: price.price, default=None)
    return current or _select_sale(stated, now)


def _sale_price(stated: ItemPrice, regular: Decimal, rules: PriceSettings, balance: BalanceSettings) -> SalePrice:
    """A price below the smallest allowed one, or not below the regular one, is no sale (WooCommerce fact 20)."""
    _check_currency(stated, rules, balance)
    if stated.valid_from and stated.valid_to and stated.valid_to <= stated.valid_from:
        raise InvalidPrice(f"the sale price {stated.price} ends before it begins; correct it in Balance")
    price = to_tetri(stated.price)
    if price < rules.smallest or price >= regular:
        return NO_SALE
    return SalePrice(price=price, starts=_second(stated.valid_from), ends=_second(stated.valid_to))


def _second(moment: datetime | None) -> datetime | None:
    """WooCommerce stores whole seconds (WooCommerce fact 10)."""
    return moment.replace(microsecond=0) if moment else None


def _phase(sale: SalePrice, now: datetime) -> Phase:
    if sale.price is None:
        return "none"
    return "before" if sale.starts and now < sale.starts else "inside"
