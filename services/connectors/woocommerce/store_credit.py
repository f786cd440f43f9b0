"""Signs in an order's JSON that store credit or a gift card has paid a part of it.

WooCommerce has no such payment of its own: plugins lower the total, and leave their figures in custom fields, in
coupons of a type of their own, or in a list of gift cards beside the lines. Codes of cards and coupons are money, so
that none of them is taken over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts.model import ABSURD
from contracts.money import to_tetri
from contracts.shop import StoreCredit

SIGN = re.compile(
    r"gift[_\- ]?(card|cert|voucher)|store[_\- ]?credit|smart[_\- ]?coupon|account[_\- ]?funds|funds[_\- ]used|"
    r"wallet|ywgc|_cart_discount|credit[_\- ](used|applied|redeemed)|pw_gift",
    re.IGNORECASE,
)
AMOUNTS = ("amount", "total", "used", "value", "discount")
"""Where a plugin's own record of a payment names its amount."""
MAX_NAME = 60


def store_credits(json: Mapping[str, Any]) -> tuple[StoreCredit, ...]:
    """The signs, each by the name that the shop gives it; one whose amount is 0 is none."""
    found = [*_of_fields(_rows(json.get("meta_data"))), *_of_coupons(_rows(json.get("coupon_lines")))]
    found += [StoreCredit(name="gift_cards", amount=_amount(card)) for card in _rows(json.get("gift_cards"))]
    return tuple(dict.fromkeys(credit for credit in found if credit.amount != 0))


def _of_fields(fields: Iterable[Mapping[str, Any]]) -> Iterator[StoreCredit]:
    for field in fields:
        key, value = field.get("key"), field.get("value")
        if isinstance(key, str) and SIGN.search(key) and value not in (None, "", False, [], {}):
            yield StoreCredit(name=key[:MAX_NAME], amount=_amount(value))


def _of_coupons(coupons: Iterable[Mapping[str, Any]]) -> Iterator[StoreCredit]:
    for coupon in coupons:
        sort = coupon.get("discount_type")
        if isinstance(sort, str) and SIGN.search(sort):
            yield StoreCredit(name=sort[:MAX_NAME], amount=_amount(coupon.get("discount")))


def _rows(value: Any) -> Iterator[Mapping[str, Any]]:
    rows = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (row for row in rows if isinstance(row, dict))


def _amount(value: Any) -> Decimal | None:
    """The amount that a plugin's value states: a number, an amount in a record, or the sum of several; else None."""
    if isinstance(value, dict):
        named = [value[name] for name in AMOUNTS if name in value]
        return _amount(named[0]) if named else _sum(value.values())
    return _sum(value) if isinstance(value, list) else _number(value)


def _sum(values: Iterable[Any]) -> Decimal | None:
    amounts = [_amount(value) for value in values]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(amounts) else None


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        amount = Decimal(str(value)).copy_abs()
    except InvalidOperation:
        return None
    return to_tetri(amount) if amount.is_finite() and amount < ABSURD else None
