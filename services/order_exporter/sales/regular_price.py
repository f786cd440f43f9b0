"""The regular price of an item on the day of an order, from Balance's prices (claim S3.49)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from contracts.balance import ItemPrice, PriceChanged
from contracts.envelope import Envelope
from contracts.model import Part
from contracts.shop import OrderChanged
from services.engine.state.records import Kind, State
from services.settings.balance import BalanceSettings
from services.settings.catalogue import PriceSettings

KEPT = 5
"""So many statements of an item's prices are kept: an order is late by days, not by months."""


class PriceStory(Part):
    """The last statements of an item's prices, oldest first."""

    statements: tuple[PriceChanged, ...]


PRICES = Kind("price-story", PriceStory)
"""By item."""


def price_changed(wanted: bool, envelope: Envelope[PriceChanged], state: State) -> None:
    """Prices are many: they are kept only where a shop wants discounts from them."""
    event = envelope.data
    if not wanted:
        return
    known = state.get(PRICES, event.item)
    statements = (*(known.statements if known else ()), event)
    state.put(PRICES, event.item, PriceStory(statements=statements[-KEPT:]))


def regular_prices(
    order: OrderChanged, items: Mapping[int, str], rules: PriceSettings, balance: BalanceSettings, state: State
) -> dict[int, Decimal]:
    """The regular price of a piece by order line, as the catalogue has it; lines of which none is known are missing.

    A price counts from the moment that it was stated: one that was raised after the order says nothing about it.
    """
    stories = state.get_many(PRICES, items.values())
    found = {line: _regular(stories.get(item), order, rules, balance) for line, item in items.items()}
    return {line: price for line, price in found.items() if price is not None}


def _regular(
    story: PriceStory | None, order: OrderChanged, rules: PriceSettings, balance: BalanceSettings
) -> Decimal | None:
    if story is None:
        return None
    before = [one for one in story.statements if one.observed_at <= order.created_at]
    stated = before[-1] if before else story.statements[0]
    price = _of_type(stated.prices, rules, order.created_at)
    if price is None or (_currency(price, rules) or balance.currency) != order.currency:
        return None
    return price.price


def _of_type(stated: Iterable[ItemPrice], rules: PriceSettings, at: datetime) -> ItemPrice | None:
    """The price of the regular type; without a set type, of the only one that can be it."""
    wanted = rules.regular_type.casefold() if rules.regular_type else None
    others = {name.casefold() for name in (rules.sale_type, *rules.roles.values(), *rules.cost_types) if name}
    valid = [one for one in stated if one.source != "Discounts" and _holds(one, at)]
    candidates = [one for one in valid if _is_meant(one.price_type.casefold(), wanted, others)]
    return candidates[-1] if len({one.price_type for one in candidates}) == 1 else None


def _is_meant(price_type: str, wanted: str | None, others: set[str]) -> bool:
    return price_type == wanted if wanted else price_type not in others


def _holds(price: ItemPrice, at: datetime) -> bool:
    return (price.valid_from is None or price.valid_from <= at) and (price.valid_to is None or at < price.valid_to)


def _currency(price: ItemPrice, rules: PriceSettings) -> str | None:
    return price.currency or rules.currency_of(price.price_type)
