"""Price types and currencies as Balance's price rows show them: each with an example that a person recognizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal

from services.accounting.checks.balance import LOOKED_AT
from services.connectors.balance import items as item_rows
from services.connectors.balance.client import Balance
from services.connectors.balance.prices import price_row
from services.connectors.balance.rows import RowInvalid
from services.settings.balance import BalanceSettings


@dataclass(slots=True)
class PriceType:
    """A price type in use: how many prices it has, one of them with its item, and the currencies that they name."""

    uid: str
    item: str
    price: Decimal
    count: int = 0
    currencies: Counter[str] = field(default_factory=Counter)
    example: str = ""

    @property
    def shown(self) -> str:
        """An item with its price."""
        return f"{self.example or self.item}: {self.price:f}"


async def price_types(client: Balance, settings: BalanceSettings) -> list[PriceType]:
    """The price types in use, the most frequent first; unreadable rows are left out. Raises `UpstreamError`."""
    found: dict[str, PriceType] = {}
    count = 0
    async with aclosing(client.current_prices()) as rows:
        async for row in rows:
            try:
                item, price = price_row(row)
            except RowInvalid:
                continue
            seen = found.setdefault(price.price_type, PriceType(price.price_type, item, price.price))
            seen.count += 1
            seen.currencies.update([price.currency] if price.currency else [])
            count += 1
            if count >= LOOKED_AT:
                break
    types = sorted(found.values(), key=lambda one: -one.count)
    for one in types:
        one.example = await _named(client, settings, one.item)
    return types


async def _named(client: Balance, settings: BalanceSettings, uid: str) -> str:
    """The SKU and name of an item; empty where Balance shows none."""
    row = await client.item(uid)
    if row is None:
        return ""
    try:
        item = item_rows.item(row, settings.dialect)
    except RowInvalid:
        return ""
    return " ".join(filter(None, [item.sku, item.name]))


def unnamed_currencies(types: Iterable[PriceType], code: str) -> list[str]:
    """The currencies that prices name by a uid, the most frequent first; `code` itself needs no uid."""
    total: Counter[str] = Counter()
    for one in types:
        total.update(one.currencies)
    return [currency for currency, _ in total.most_common() if currency.casefold() != code.casefold()]
