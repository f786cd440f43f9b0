"""What an order means for stock figures: which pieces it holds, and how often the shop has moved its stock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from contracts.envelope import Envelope
from contracts.shop import OrderChanged, OrderRemoved, OrderUnreadable
from services.accounting.documents.lines import normalize_sku, sku_ref
from services.engine.state.records import State
from services.settings.model import Settings
from services.stock_publisher.claims import claims_of_order, items_of_lines, kit_family, product_ref, record_moves
from services.stock_publisher.records import CLAIM, ORDER, SKU_CLAIM, Claim, unread_ref
from services.stock_publisher.shop_order import (
    OrderedPieces,
    OrderSnapshot,
    ShopOrder,
    find_moved_pieces,
    snapshot_of_event,
    update_order,
    update_unreadable_order,
)

FUTURE_TOLERANCE = timedelta(minutes=15)
"""A change that is later than its sight by more than this comes from a wrong clock."""


def on_order_changed(settings: Settings, envelope: Envelope[OrderChanged], state: State) -> None:
    """An order holds pieces, holds other pieces, or no longer holds any."""
    apply_snapshot(settings, without_future_date(snapshot_of_event(envelope.data), envelope.time), state)


def without_future_date(seen: OrderSnapshot, now: datetime) -> OrderSnapshot:
    """The snapshot; a change in the future is no date, or every genuine state until then would look outdated."""
    is_future = seen.modified_at is not None and seen.modified_at > now + FUTURE_TOLERANCE
    return replace(seen, modified_at=None) if is_future else seen


def apply_snapshot(settings: Settings, seen: OrderSnapshot, state: State) -> None:
    """Apply an order from an event or from the shop's list; a state older than the known one is ignored."""
    before = state.get(ORDER, seen.key)
    if before is not None and _is_outdated(seen, before):
        return
    after = update_order(seen, before, state.now)
    if before is None or seen.read or not _is_same(before, after):
        _store(settings, before, after, state)


def _is_outdated(seen: OrderSnapshot, before: ShopOrder) -> bool:
    """Compare times only if one of the two comes from the list: events of store-feed replace earlier events."""
    both_read = before.read and seen.read
    return not both_read and bool(before.modified_at and seen.modified_at and seen.modified_at < before.modified_at)


def _is_same(before: ShopOrder, listed: ShopOrder) -> bool:
    """Whether the list shows nothing new that matters for stock."""
    return listed.model_copy(update={"read": before.read, "modified_at": before.modified_at}) == before


def on_order_unreadable(settings: Settings, envelope: Envelope[OrderUnreadable], state: State) -> None:
    """An order that cannot be read holds the pieces that can be read, and those it is known to hold."""
    before = state.get(ORDER, envelope.data.key)
    _store(settings, before, update_unreadable_order(envelope.data, before), state)


def on_order_removed(settings: Settings, envelope: Envelope[OrderRemoved], state: State) -> None:
    """An order that no longer exists in the shop holds nothing."""
    remove_order(settings, envelope.data.key, state)


def remove_order(settings: Settings, key: str, state: State) -> None:
    """Forget an order (`shop:order`) and its claims."""
    before = state.get(ORDER, key)
    if before is not None:
        state.drop(ORDER, key)
        _update_claims(settings, before, None, state)


def _store(settings: Settings, before: ShopOrder | None, after: ShopOrder, state: State) -> None:
    state.put(ORDER, after.key, after, ref="" if after.read else unread_ref(after.shop))
    _update_claims(settings, before, after, state)


def _update_claims(settings: Settings, before: ShopOrder | None, after: ShopOrder | None, state: State) -> None:
    known = after or before
    assert known is not None
    claims = claims_of_order(after) if after else {}
    for name in (before.asked.keys() if before else set()) - claims.keys():
        drop_claim(f"{known.key}:{name}", state)
    for name, claim in claims.items():
        _put_claim(known.shop, f"{known.key}:{name}", claim, state)
    record_moves(known.shop, find_moved_pieces(before, after), state)
    touch_lines(settings, known.shop, [*(before.asked if before else {}).values(), *claims.values()], state)


def _put_claim(shop: str, key: str, claim: Claim, state: State) -> None:
    if claim.product:
        state.put(CLAIM, key, claim, ref=product_ref(shop, claim.product))
    if normalize_sku(claim.sku):
        state.put(SKU_CLAIM, key, claim, ref=sku_ref(shop, claim.sku))


def drop_claim(key: str, state: State) -> None:
    """Forget that an order holds a product."""
    state.drop(CLAIM, key)
    state.drop(SKU_CLAIM, key)


def touch_lines(settings: Settings, shop: str, lines: Iterable[OrderedPieces | Claim], state: State) -> None:
    """Decide the figures of the items that these lines mean again."""
    for items in items_of_lines(shop, lines, state):
        for item in items:
            touch_item(settings, item, state)


def touch_item(settings: Settings, item: str, state: State) -> None:
    """Decide an item's figure again in every shop, and the figures of kits that contain it."""
    for shop, rules in settings.shops.items():
        for each in sorted(kit_family(rules.stock.kits, item)):
            state.touch(f"{shop}:{each}")
