"""The regular price and the scheduled sale price of an item, from Balance's prices by price type.

Amounts are in Balance's own currency and leave in whole tetri. Windows are moments; WooCommerce is told them in GMT.
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
from services.catalog_importer.eligibility import Skip
from services.settings.balance import BalanceSettings
from services.settings.catalogue import PriceSettings

HIGHEST = Decimal(10_000_000)
"""A price above this is an error of input (a barcode typed as a price), not a price."""
Phase = Literal["none", "before", "inside"]


class SalePrice(Part):
    """A sale price with its window: from `starts`, until `ends`. Without a price there is no sale."""

    price: Money | None = None
    starts: Instant | None = None
    ends: Instant | None = None


NO_SALE = SalePrice()


@dataclass(frozen=True, slots=True)
class ProductPrices:
    """What a product shall cost. None: Balance says nothing about it, so it is not touched.

    `phase` tells where in the sale's window we are: WooCommerce moves the charged price only when the product is
    saved (API fact: reference section 2), so it is written again when the phase changes, at `next_edge` (claim S0.10).
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
    """The prices at `now`. A price that cannot be right is a reason to leave the product alone."""
    try:
        return _prices(stated, rules, balance, now)
    except InvalidPrice as error:
        return Skip(Reason.PRODUCT_PRICE_INVALID, str(error))


def _prices(
    stated: Sequence[ItemPrice], rules: PriceSettings, balance: BalanceSettings, now: datetime
) -> ProductPrices:
    found = _retail(stated, rules, balance, now)
    return found if found.regular is None else replace(found, roles=_roles(stated, rules, balance, now))


def _roles(
    stated: Sequence[ItemPrice], rules: PriceSettings, balance: BalanceSettings, now: datetime
) -> tuple[RolePrice, ...]:
    """The price of each role, by the custom field that a plugin reads it from (claims S4.13, S4.14, S4.18, S4.19)."""
    found = {key: _price_now(stated, price_type, now) for key, price_type in rules.roles.items()}
    return tuple(
        RolePrice(
            meta_key=key, price=one and _regular(one, rules, balance), currency=rules.currency_of(rules.roles[key])
        )
        for key, one in found.items()
    )


def _price_now(stated: Sequence[ItemPrice], price_type: str | None, now: datetime) -> ItemPrice | None:
    return _newest(price for price in _of_type(stated, price_type) if _is_inside(price, now))


def _retail(
    stated: Sequence[ItemPrice], rules: PriceSettings, balance: BalanceSettings, now: datetime
) -> ProductPrices:
    found = _price_now(stated, type_ := _regular_type(stated, rules), now)
    if found is None:
        return ProductPrices()
    regular = _regular(found, rules, balance)
    if rules.sale_type is None and not rules.discounts:
        return ProductPrices(regular)
    if rules.discounts:
        chosen = _discount_entry(_of_type(stated, type_, discounts=True), now)
    else:
        chosen = _sale_entry(_of_type(stated, rules.sale_type), now)
    sale = _sale(chosen, regular, rules, balance) if chosen else NO_SALE
    return ProductPrices(regular, sale, _phase(sale, now))


def _regular_type(stated: Sequence[ItemPrice], rules: PriceSettings) -> str | None:
    """The set price type; without one, the only type there is besides the sale's."""
    if rules.regular_type:
        return rules.regular_type
    types = sorted({price.price_type for price in stated} - {rules.sale_type, *rules.roles.values(), *rules.cost_types})
    if len(types) > 1:
        raise InvalidPrice(f"Balance states {len(types)} price types ({', '.join(types)}); choose prices.regular-type")
    return types[0] if types else None


def _of_type(stated: Iterable[ItemPrice], price_type: str | None, *, discounts: bool = False) -> list[ItemPrice]:
    """The prices of a type as they were set, or those that Balance's discounts make of them."""
    found = [price for price in stated if price_type and price.price_type.casefold() == price_type.casefold()]
    return [price for price in found if (price.source == "Discounts") is discounts]


def _is_inside(price: ItemPrice, now: datetime) -> bool:
    started = price.valid_from is None or price.valid_from <= now
    return started and (price.valid_to is None or now < price.valid_to)


def _newest(found: Iterable[ItemPrice]) -> ItemPrice | None:
    return max(found, key=lambda price: (price.valid_from is not None, price.valid_from), default=None)


def next_price_change(stated: Iterable[ItemPrice], now: datetime) -> datetime | None:
    """When a window opens or closes next: what a product shall cost may be another then."""
    edges = (edge for price in stated for edge in (price.valid_from, price.valid_to))
    return min((edge for edge in edges if edge and edge > now), default=None)


def _regular(stated: ItemPrice, rules: PriceSettings, balance: BalanceSettings) -> Decimal:
    _check_currency(stated, rules, balance)
    price = to_tetri(stated.price)
    if price <= 0 or price > HIGHEST:
        raise InvalidPrice(f"the regular price {stated.price} cannot be right; correct it in Balance")
    return price


def _check_currency(stated: ItemPrice, rules: PriceSettings, balance: BalanceSettings) -> None:
    """Each price type has one currency (claim S4.19), Balance's own unless the settings say otherwise.

    Balance may name a currency by code or by uid; an unnamed one is that of the type. Nothing is converted here.
    """
    due = rules.currency_of(stated.price_type) or balance.currency
    if stated.currency and stated.currency.casefold() not in {
        due.casefold(),
        balance.currencies.get(due, "").casefold(),
    }:
        raise InvalidPrice(
            f"the price {stated.price} is in currency {stated.currency}, the shop's prices of type {stated.price_type} "
            f"are in {due}; if that is the uid of {due}, write it into balance.currencies under {due}"
        )


def _sale_entry(stated: Sequence[ItemPrice], now: datetime) -> ItemPrice | None:
    """The sale that holds now, else the next to come; WooCommerce keeps one window at a time."""
    coming = (price for price in stated if price.valid_from and price.valid_from > now)
    open_now = _newest(price for price in stated if _is_inside(price, now))
    return open_now or min(coming, key=lambda price: price.valid_from or now, default=None)


def _discount_entry(stated: Sequence[ItemPrice], now: datetime) -> ItemPrice | None:
    """Of several discounts that hold now the one that leaves the lowest price, else the next to come."""
    holding = min((price for price in stated if _is_inside(price, now)), key=lambda price: price.price, default=None)
    return holding or _sale_entry(stated, now)


def _sale(stated: ItemPrice, regular: Decimal, rules: PriceSettings, balance: BalanceSettings) -> SalePrice:
    """Below the smallest price, or not below the regular one, there is no sale (claims: Georgian and Balance facts)."""
    _check_currency(stated, rules, balance)
    if stated.valid_from and stated.valid_to and stated.valid_to <= stated.valid_from:
        raise InvalidPrice(f"the window of the sale price {stated.price} ends before it begins; correct it in Balance")
    price = to_tetri(stated.price)
    if price < rules.smallest or price >= regular:
        return NO_SALE
    return SalePrice(price=price, starts=_second(stated.valid_from), ends=_second(stated.valid_to))


def _second(moment: datetime | None) -> datetime | None:
    """WooCommerce keeps whole seconds."""
    return moment.replace(microsecond=0) if moment else None


def _phase(sale: SalePrice, now: datetime) -> Phase:
    if sale.price is None:
        return "none"
    return "before" if sale.starts and now < sale.starts else "inside"
