"""What item, price, link and mapping events mean for a shop's products.

Subjects are `shop:item`; commands about groups are decided under their id (see `mapping.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from contracts.balance import ItemChanged, ItemWithdrawn, PriceChanged
from contracts.catalog import MappingChanged, ProductLinked, ProductPlanned, ProductUnlinked
from contracts.envelope import Envelope
from contracts.linking import LinkRequested
from contracts.operations import ApplyRequested, CommandSettled, MappingRequested
from services.accounting.catalogue.eligibility import item_sku_ref, same_sku
from services.catalog_importer.decide import decide_product
from services.catalog_importer.product import ITEM, LINK, PLANNED, PRICES, WITHDRAWN
from services.catalog_importer.requests import (
    GROUP_MEMBER,
    MAPPING_SUBJECT,
    decide_mapping,
    on_apply_requested,
    on_command_settled,
    on_link_requested,
    on_mapping_changed,
    on_mapping_requested,
    remember_gone,
    remember_group,
)
from services.engine.outbox.decision import Decision
from services.engine.outbox.handlers import Handlers
from services.engine.runtime.blueprint import fingerprint
from services.engine.state.records import State
from services.settings.model import Settings

TOPICS = ("balance.items", "balance.prices", "catalog.links", "catalog.plans", "catalog.mappings", "operations")


def rules_fingerprint(settings: Settings) -> str:
    """Return a fingerprint of the settings that decisions depend on: when it changes, every item is decided again."""
    return fingerprint([settings.balance, *settings.shops.values()])


def handlers(settings: Settings) -> Handlers:
    """Return the rules of the importer."""
    shops = tuple(settings.shops)
    return Handlers(
        topics=TOPICS,
        remember={
            ItemChanged: partial(on_item_changed, shops),
            ItemWithdrawn: partial(on_item_withdrawn, shops),
            PriceChanged: partial(on_price_changed, shops),
            ProductLinked: on_product_linked,
            ProductUnlinked: on_product_unlinked,
            ProductPlanned: on_product_planned,
            ApplyRequested: on_apply_requested,
            MappingRequested: on_mapping_requested,
            MappingChanged: on_mapping_changed,
            CommandSettled: on_command_settled,
            LinkRequested: on_link_requested,
        },
        decide=partial(_decide, settings),
    )


def _decide(settings: Settings, subject: str, state: State) -> Decision:
    if subject.startswith(MAPPING_SUBJECT):
        return decide_mapping(settings.shops, subject, state)
    return decide_product(settings, subject, state)


def on_item_changed(shops: Iterable[str], envelope: Envelope[ItemChanged], state: State) -> None:
    """An item is new or changed; items that share its SKU, now or before, are decided again too."""
    item, before = envelope.data, state.get(ITEM, envelope.data.item)
    state.put(ITEM, item.item, item, ref=item_sku_ref(item))
    remember_group(item, before, state)
    state.drop(WITHDRAWN, item.item)
    _touch(shops, [item.item, *_sharers({item_sku_ref(before), item_sku_ref(item)}, state)], state)


def on_item_withdrawn(shops: Iterable[str], envelope: Envelope[ItemWithdrawn], state: State) -> None:
    """An item is no longer in Balance: its SKU is free, its product remains."""
    event, before = envelope.data, state.get(ITEM, envelope.data.item)
    state.drop(ITEM, event.item)
    state.drop(GROUP_MEMBER, event.item)
    state.put(WITHDRAWN, event.item, event)
    _touch(shops, [event.item, *_sharers({item_sku_ref(before)}, state)], state)


def on_price_changed(shops: Iterable[str], envelope: Envelope[PriceChanged], state: State) -> None:
    """The prices of an item changed."""
    state.put(PRICES, envelope.data.item, envelope.data)
    _touch(shops, [envelope.data.item], state)


def on_product_linked(envelope: Envelope[ProductLinked], state: State) -> None:
    """An item is linked to a product; the event contains what was written to it last."""
    state.put(LINK, envelope.data.key, envelope.data)
    state.touch(envelope.data.key)


def on_product_unlinked(envelope: Envelope[ProductUnlinked], state: State) -> None:
    """The product is gone: the item gets a new one, if the rules still allow it."""
    link = state.get(LINK, envelope.data.key)
    remember_gone(envelope.data, state)
    if link and link.product_id == envelope.data.product_id:
        state.drop(LINK, link.key)
        state.touch(link.key)


def on_product_planned(envelope: Envelope[ProductPlanned], state: State) -> None:
    """A plan or skip was announced; it is not announced twice. Items that share its SKU are decided again."""
    event = envelope.data
    state.put(PLANNED, event.key, event)
    for other in _sharers({same_sku(event.sku)}, state):
        if other != event.item:
            state.touch(f"{event.shop}:{other}")


def _sharers(refs: Iterable[str], state: State) -> list[str]:
    found = state.find_many(ITEM, (ref for ref in sorted(refs) if ref))
    return [item for items in found.values() for item in items]


def _touch(shops: Iterable[str], items: Iterable[str], state: State) -> None:
    found = dict.fromkeys(items)
    for shop in shops:
        for item in found:
            state.touch(f"{shop}:{item}")
