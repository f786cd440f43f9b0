"""The items of an order's lines: which one each line means, what the order waits for, and the items' regular prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from contracts.balance import Accounts, ItemChanged, ItemPrice, PriceChanged
from contracts.envelope import Envelope
from contracts.model import Event, Part
from contracts.reasons import Reason
from contracts.shop import OrderChanged, OrderLine
from services.accounting.documents.lines import items_by_sku, takes_goods
from services.accounting.documents.unbookable import Unbookable
from services.engine.outbox.handlers import Remember
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import Kind, State
from services.order_exporter.projection import LINK, PLANNED_LINK, SALE, link_name, product_key
from services.settings.balance import BalanceSettings
from services.settings.catalogue import PriceSettings


@dataclass(frozen=True, slots=True)
class LineItems:
    """The item of each line of goods, by line id. `notes` list the lines whose own product is not linked."""

    by_line: Mapping[int, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _LineMatch:
    """A line, the item that it certainly means, and the items with its SKU."""

    line: OrderLine
    item: str | None
    by_sku: tuple[str, ...]


def resolve_items(order: OrderChanged, state: State, *, live: bool) -> LineItems | Blocked:
    """The items of the order's goods; `Blocked` on the link of the first line whose item is not known.

    A Sale that is only planned (not `live`) may use links that are only planned too. Raises `Unbookable` for a line
    without a product whose SKU belongs to no item.
    """
    matches = _match_lines(order, state, live=live)
    for match in matches:
        if match.item is None and len(match.by_sku) != 1:
            return _block(match.line, order, match.by_sku)
    items = {match.line.line_id: match.item or match.by_sku[0] for match in matches}
    return LineItems(items, tuple(_sku_note(each.line, each.by_sku[0]) for each in matches if each.item is None))


def known_items(order: OrderChanged, state: State) -> dict[int, str]:
    """The items that the order's lines certainly mean today, by line id."""
    return _linked_items(order, state, live=True)


def _match_lines(order: OrderChanged, state: State, *, live: bool) -> list[_LineMatch]:
    items = _items_of_earlier_sale(order, state) | _linked_items(order, state, live=live)
    lines = [line for line in order.lines if takes_goods(line)]
    by_sku = items_by_sku(order.shop, (line.sku for line in lines if line.line_id not in items), state)
    return [_LineMatch(line, items.get(line.line_id), by_sku.get(line.sku, ())) for line in lines]


def _linked_items(order: OrderChanged, state: State, *, live: bool) -> dict[int, str]:
    """The linked items of lines, by line id; links that are only planned count unless `live`."""
    products = {line.line_id: product_key(order.shop, line) for line in order.lines if takes_goods(line)}
    planned = {} if live else state.get_many(PLANNED_LINK, products.values())
    links = planned | state.get_many(LINK, products.values())
    return {line_id: links[product].item for line_id, product in products.items() if product in links}


def _items_of_earlier_sale(order: OrderChanged, state: State) -> dict[int, str]:
    """The items of lines on an earlier Sale of the order, whose products the shop may have deleted since."""
    sale = state.get(SALE, order.key)
    sold = [line for line in sale.lines if line.kind == "product"] if sale else []
    return {line.order_line_id: line.item for line in reversed(sold) if line.order_line_id is not None}


def _sku_note(line: OrderLine, item: str) -> str:
    product = line.variation_id or line.product_id
    return f"line {line.line_id}: product {product} is not linked; its SKU {line.sku} belongs to item {item}"


def _block(line: OrderLine, order: OrderChanged, items: tuple[str, ...]) -> Blocked:
    where, product = f"order {order.number} of shop {order.shop}", line.variation_id or line.product_id
    if items:
        reason, what = Reason.SALE_SKU_AMBIGUOUS, _ambiguous(line, items)
    elif product:
        reason, what = Reason.SALE_ITEM_NOT_LINKED, _unlinked(line)
    else:
        raise _no_product(line, where)
    on = link_name(product_key(order.shop, line))
    return Blocked(on=on, reason=reason, detail=f"{where}: product {product} ({line.name}) {what}")


def _ambiguous(line: OrderLine, items: tuple[str, ...]) -> str:
    return (
        f"is not linked, and its SKU {line.sku} belongs to the items {' and '.join(items)}: give one of them another "
        "SKU in Balance; the order is then booked automatically"
    )


def _unlinked(line: OrderLine) -> str:
    sku = f"its SKU {line.sku} belongs to no linked item" if line.sku else "it has no SKU"
    return (
        f"has no item in Balance, and {sku}: give it its item's SKU and run davtari import items; the order is then "
        "booked automatically"
    )


def _no_product(line: OrderLine, where: str) -> Unbookable:
    return Unbookable(
        Reason.SALE_ITEM_NOT_LINKED,
        f"{where}: line {line.line_id} ({line.name}) has no product of the shop (deleted, or entered by hand): put a "
        "product on that line in the shop, or book the order by hand",
    )


class ItemVat(Part):
    """Balance's VAT rate for an item, as Balance names it."""

    rate: str


ACCOUNTS = Kind("accounts", Accounts)
ITEM_VAT = Kind("item-vat", ItemVat)
"""By item; missing if Balance states none."""


def item_changed(envelope: Envelope[ItemChanged], state: State) -> None:
    item = envelope.data
    state.put(ACCOUNTS, item.item, item.accounts)
    if item.vat_rate:
        state.put(ITEM_VAT, item.item, ItemVat(rate=item.vat_rate))
    else:
        state.drop(ITEM_VAT, item.item)


KEPT_STATEMENTS = 5
"""How many statements of prices are kept for each item; orders are late by days, not by months."""


class PriceHistory(Part):
    """The last statements of an item's prices, oldest first."""

    statements: tuple[PriceChanged, ...]


PRICES = Kind("price-story", PriceHistory)
"""By item."""


def price_changed(wants_prices: bool, envelope: Envelope[PriceChanged], state: State) -> None:
    """Prices are remembered only if a shop books discounts from them: there are many."""
    event = envelope.data
    if not wants_prices:
        return
    known = state.get(PRICES, event.item)
    statements = (*(known.statements if known else ()), event)
    state.put(PRICES, event.item, PriceHistory(statements=statements[-KEPT_STATEMENTS:]))


def regular_prices(
    order: OrderChanged, items: Mapping[int, str], rules: PriceSettings, balance: BalanceSettings, state: State
) -> dict[int, Decimal]:
    """The regular price of a piece by order line, as in the catalogue; lines without a known price are left out.

    A price applies from the moment of its statement: a later price does not affect the order.
    """
    histories = state.get_many(PRICES, items.values())
    found = {line: _regular(histories.get(item), order, rules, balance) for line, item in items.items()}
    return {line: price for line, price in found.items() if price is not None}


def _regular(
    history: PriceHistory | None, order: OrderChanged, rules: PriceSettings, balance: BalanceSettings
) -> Decimal | None:
    if history is None:
        return None
    before = [one for one in history.statements if one.observed_at <= order.created_at]
    stated = before[-1] if before else history.statements[0]
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


def item_rules(wants_prices: bool) -> Mapping[type[Event], Remember]:
    """What to remember about items."""
    return {ItemChanged: item_changed, PriceChanged: partial(price_changed, wants_prices)}
