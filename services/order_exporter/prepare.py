"""From a known order to the Sale that it needs, or to what it waits for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from contracts.balance import Accounts
from contracts.ledger import CreditNoteRecorded
from contracts.placement import Pieces, WarehouseChosen
from contracts.reasons import Reason
from contracts.shop import OrderChanged
from services.accounting.documents.identity import identity_of
from services.accounting.documents.ids import sale_uid
from services.accounting.documents.order_edits import books_digest, stated_tax
from services.accounting.documents.order_rules import apply_rules
from services.accounting.documents.unbookable import Unbookable, setting_key
from services.accounting.documents.vat_rates import taxed_rates
from services.engine.outbox.outcome import Blocked
from services.engine.state.records import State
from services.order_exporter.buyer import ChosenClient, choose_client
from services.order_exporter.client import add_delivery_address
from services.order_exporter.items import ACCOUNTS, ITEM_VAT, LineItems, regular_prices, resolve_items
from services.order_exporter.projection import REVERSED, KnownOrder
from services.order_exporter.sale import Sale, booking_date, build_sale
from services.order_exporter.sale_document import sale_document
from services.order_exporter.sales_orders import link_sales_order
from services.order_exporter.stock import postponed_sale
from services.order_exporter.tasks import ClientTask, SaleTask
from services.order_exporter.warehouse import WarehouseChoice, choose_warehouse, needed_pieces, split_sale
from services.settings.balance import BalanceSettings
from services.settings.catalogue import PriceSettings
from services.settings.orders import OrderSettings

NO_RULES = PriceSettings()


@dataclass(frozen=True, slots=True)
class PreparedSale:
    """A Sale that can be written, after `lookup` if that is set; `buyer` describes how the client was found."""

    task: SaleTask
    lookup: ClientTask | None
    buyer: str
    choice: WarehouseChosen | None = None


@dataclass(frozen=True, slots=True)
class SaleDraft:
    """An order whose Sale is being computed: its rules, the items of its lines, and its warehouses.

    `reserves`: it only reserves goods so far; its sales order is not in the books and in no period.
    """

    known: KnownOrder
    rules: OrderSettings
    prices: PriceSettings
    balance: BalanceSettings
    state: State
    items: LineItems
    place: WarehouseChoice
    reserves: bool


def prepare(
    known: KnownOrder,
    settings: OrderSettings,
    balance: BalanceSettings,
    state: State,
    *,
    live: bool = True,
    prices: PriceSettings = NO_RULES,
) -> PreparedSale | Blocked:
    """The Sale of an order, or what it waits for. Raises `Unbookable` if there can be none.

    A Sale that is only planned (not `live`) may use links that are only planned too.
    """
    check_size(known.order, settings)
    items = resolve_items(known.order, state, live=live)
    if isinstance(items, Blocked):
        return items
    ruling = apply_rules(known.order, settings)
    reserves = ruling.document == "sales-order"
    split = settings.split and not reserves
    place = choose_warehouse(known.order, items.by_line, ruling, state, split=split)
    if isinstance(place, Blocked):
        return place
    rules = ruling.applied(settings, place.warehouse)
    return _prepare_sale(SaleDraft(known, rules, prices, balance, state, items, place, reserves))


def check_size(order: OrderChanged, settings: OrderSettings) -> None:
    """Raises `Unbookable` for an order with more lines than a document may have."""
    if (count := len(order.lines)) > settings.max_lines:
        key = setting_key(order.shop, "max-lines")
        detail = f"the order has {count} lines; {key} allows {settings.max_lines}"
        raise Unbookable(Reason.SALE_TOO_MANY_LINES, detail)


def _prepare_sale(draft: SaleDraft) -> PreparedSale:
    order, buyer = draft.known.order, choose_client(draft.known.order, draft.rules, draft.balance, draft.state)
    posting, sale = _posting(draft), _sale(draft)
    sale = replace(sale, remark="; ".join(part for part in (sale.remark, buyer.remark) if part))
    document = partial(_document, draft, buyer.client)
    parts = split_sale(sale, draft.place.lines, document) if draft.place.lines else ()
    task = _task(draft.known, sale, buyer, parts[0].sent if parts else document(sale))
    more = {**posting, "parts": parts, "resolved": draft.items.notes}
    whole = add_delivery_address(task.model_copy(update=more), order, draft.rules.clients)
    return PreparedSale(whole, buyer.lookup, buyer.how, draft.place.choice)


def _sale(draft: SaleDraft) -> Sale:
    order, discounts = draft.known.order, draft.rules.sale_price_as == "discount"
    items = draft.items.by_line
    regular = regular_prices(order, items, draft.prices, draft.balance, draft.state) if discounts else {}
    reversals = draft.state.find(REVERSED, order.key)
    taxed = _taxed_items(draft)
    date = None if reversals or draft.reserves else booking_date(draft.known, draft.rules)
    sale = build_sale(order, items, draft.rules, draft.balance, regular, taxed, date)
    return _revise(sale, order, reversals)


def _taxed_items(draft: SaleDraft) -> frozenset[str]:
    """The order's items for which Balance has a VAT rate above zero."""
    rates = taxed_rates(draft.rules)
    known = draft.state.get_many(ITEM_VAT, draft.items.by_line.values())
    return frozenset(item for item, vat in known.items() if vat.rate in rates)


def _document(draft: SaleDraft, client: str, sale: Sale) -> dict[str, Any]:
    known = draft.state.get_many(ACCOUNTS, (line.item for line in sale.lines))
    accounts = {line.item: known.get(line.item, Accounts()) for line in sale.lines}
    document = sale_document(sale, client, accounts, draft.rules, draft.balance)
    return link_sales_order(document, draft.known.order.key, draft.state)


def _pieces(draft: SaleDraft) -> tuple[Pieces, ...]:
    wanted = needed_pieces(draft.known.order, draft.items.by_line, draft.state)
    return tuple(Pieces(item=item, quantity=count) for item, count in wanted.items())


def _posting(draft: SaleDraft) -> dict[str, object]:
    """How the Sale is posted, and what is done if Balance lacks the goods."""
    rules = draft.rules
    posted: dict[str, object] = {"posted": rules.document_state == "posted"}
    if rules.short_stock == "park":
        return posted
    pieces, again = draft.place.pieces or _pieces(draft), postponed_sale(draft.known.order, draft.state) is not None
    return posted | {"pieces": pieces, "short_stock": rules.short_stock, "again": again}


def _revise(sale: Sale, order: OrderChanged, reversals: Mapping[str, CreditNoteRecorded]) -> Sale:
    """After a reversal: another document, dated the day of the last reversal."""
    if not reversals:
        return sale
    revision, date = len(reversals), max(note.date for note in reversals.values())
    return replace(sale, uid=sale_uid(order.shop, order.order_id, revision), date=date, revision=revision)


def _task(known: KnownOrder, sale: Sale, buyer: ChosenClient, document: dict[str, object]) -> SaleTask:
    return SaleTask(
        shop=known.order.shop,
        order_id=known.order.order_id,
        order_version=known.version,
        content_digest=books_digest(known.order),
        order_tax=stated_tax(known.order),
        buyer=identity.ref if (identity := identity_of(known.order.person)) else "",
        sale=sale.uid,
        client=buyer.client,
        date=sale.date,
        currency=sale.currency,
        total=sale.total,
        vat=sale.vat,
        lines=sale.recorded_lines(),
        notes=sale.notes,
        revision=sale.revision,
        currency_rate=sale.rate,
        document=document,
    )
