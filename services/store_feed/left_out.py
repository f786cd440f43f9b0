"""Orders that the order list leaves out: those on which the shop fails, and rows that name no order."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.delivery_ids import order_key
from contracts.reasons import Reason
from contracts.shop import OrderUnreadable
from services.accounting.documents.digest import digest_of
from services.connectors.woocommerce.pages import Skipped
from services.engine.outbox.faults import Fault, note_fault
from services.engine.outbox.work import Work
from services.store_feed.hints import Why, hint_at


async def report(work: Work, shop: str, left_out: Sequence[Skipped]) -> None:
    """Report each once. One that is named is looked at alone: when that succeeds its dead letter closes by itself."""
    named = {one.id: one for one in left_out if one.id is not None and one.id > 0}
    await work.announce([(_unreadable(work, shop, id_, one), None) for id_, one in named.items()])
    await hint_at(work, {order_key(shop, id_): Why() for id_ in named})
    for why in sorted({one.why for one in left_out if one.id not in named}):
        note_fault(work, _subject(shop, why), _nameless(shop, why))


def _unreadable(work: Work, shop: str, id_: int, one: Skipped) -> OrderUnreadable:
    detail = f"shop {shop}: order {id_} was left out of the order list: {one.why}"
    reason = Reason.SHOP_RECORD_UNREADABLE
    return OrderUnreadable(shop=shop, order_id=id_, reason=reason, detail=detail, observed_at=work.now)


def _subject(shop: str, why: str) -> str:
    """The subject of a fault: without a colon, and the same for the same fault."""
    return f"order list of {shop} {digest_of(why)[:8]}"


def _nameless(shop: str, why: str) -> Fault:
    detail = (
        f"shop {shop}: the order list holds a row that names no order: {why}. All other orders are read. Find the "
        "plugin that alters the answers of /wp-json/wc/v3/orders, then replay this: it opens again only if such a row "
        "comes again"
    )
    return Fault(reason=Reason.SHOP_BAD_ANSWER, detail=detail)
