"""What a shop has said of some days, laid over what the topics hold, and where the two disagree (claim K32)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from contracts.closing import DayDifference, DayPlaced
from contracts.shop import OrderChanged
from services.accounting.documents.relations import role_of
from services.cli.day_close.causes import Cause, behind, unreadable
from services.cli.day_close.close import Asked
from services.cli.day_close.entries import Entry, counts, entries
from services.cli.day_close.facts import Facts, Story
from services.cli.day_close.shop_now import ShopNow
from services.connectors.woocommerce.order_summary import OrderSummary
from services.settings.orders import OrderSettings
from services.settings.shop import ShopSettings

Slot = tuple[str, str, bool]
"""Status, currency, and whether it is a part of another order."""
ZERO = Decimal("0.00")


def entries_asked(
    said: ShopNow, facts: Facts, day: tuple[str, str], rules: ShopSettings, unread_since: datetime
) -> tuple[list[Entry], Asked]:
    """The entries of a day (shop, date) as the shop and the topics have them, and what the shop's answer came to."""
    shop = day[0]
    placed = compare_placed(said, facts.of_shop(shop).values(), rules.orders)
    lay_over(said, facts, shop, rules.orders, unread_since)
    found = entries_of(facts, day, rules)
    return found, Asked(placed, tuple(left_over(said, facts, shop, found)))


def entries_of(facts: Facts, day: tuple[str, str], rules: ShopSettings) -> list[Entry]:
    """The entries of a day (shop, date) from the facts alone."""
    receipts = None if rules.flows.payments == "off" else rules.payments
    return entries(facts.of_shop(day[0]), rules.orders, day[1], receipts)


def compare_placed(said: ShopNow, stories: Iterable[Story], rules: OrderSettings) -> tuple[DayPlaced, ...]:
    """The orders placed on these days by status and currency, on both sides. To be called before `lay_over`."""
    known = [story.order for story in stories if story.order and not story.removed]
    shop = _totals(said.placed, rules)
    topics = _totals((order for order in known if order.created_at in said.days), rules)
    return tuple(_row(slot, shop[slot], topics[slot]) for slot in sorted(shop.keys() | topics.keys()))


def _totals(orders: Iterable[OrderSummary | OrderChanged], rules: OrderSettings) -> dict[Slot, list[Decimal]]:
    found: dict[Slot, list[Decimal]] = defaultdict(list)
    for order in orders:
        found[order.status, order.currency, role_of(order, rules) == "part-of-parent"].append(order.total)
    return found


def _row(slot: Slot, shop: Sequence[Decimal], topics: Sequence[Decimal]) -> DayPlaced:
    return DayPlaced(
        status=slot[0],
        currency=slot[1],
        part_of_parent=slot[2],
        shop_count=len(shop),
        shop=sum(shop, ZERO),
        topics_count=len(topics),
        topics=sum(topics, ZERO),
    )


def lay_over(said: ShopNow, facts: Facts, shop: str, rules: OrderSettings, unread_since: datetime) -> None:
    """From now on the facts say what the shop says, and which of them were behind it.

    An order that was changed after `unread_since` is not behind: store-feed has not had the time to read it. Nor is one
    that is gone and would have had no document.
    """
    command = f"davtari backfill orders --shop {shop} {said.days}"
    for id_, whole in said.read.items():
        story = facts.stories[f"{shop}:{id_}"]
        kept = {one: refund for one, refund in story.refunds.items() if one in whole.unreadable}
        story.order, story.removed, story.refunds = whole.order, False, kept | dict(whole.refunds)
        story.just_changed = said.listed[id_].modified_at > unread_since
        if said.unequal[id_] and not story.just_changed:
            story.behind = f"{said.unequal[id_]}: {command}"
    for id_, where in said.gone.items():
        story = facts.stories[f"{shop}:{id_}"]
        if counts(story, rules) and not story.removed:
            story.behind = f"{where}, and the topics still hold it: {command}"
        story.removed = True


def left_over(said: ShopNow, facts: Facts, shop: str, found: Sequence[Entry]) -> Iterator[DayDifference]:
    """Differences of orders that are in no entry of the day, and orders and refunds that cannot be read."""
    shown = {entry.order_id for entry in found}
    for id_ in sorted((said.unequal.keys() | said.gone.keys()) - shown):
        story = facts.stories[f"{shop}:{id_}"]
        if story.behind:
            yield _difference(said, id_, behind(story))
    for id_, message in sorted(said.unreadable.items()):
        yield _difference(said, id_, unreadable(facts.stories[f"{shop}:{id_}"], message))
    for id_, whole in sorted(said.read.items()):
        for refund_id, message in sorted(whole.unreadable.items()):
            cause = unreadable(facts.stories[f"{shop}:{id_}"], message, refund_id)
            yield _difference(said, id_, cause, refund_id)


def _difference(said: ShopNow, order_id: int, cause: Cause, refund_id: int | None = None) -> DayDifference:
    """What it comes to in the books is not known: its amount is zero."""
    listed = said.listed.get(order_id)
    return DayDifference(
        kind="order" if refund_id is None else "refund",
        order_id=order_id,
        number=listed.number if listed else str(order_id),
        refund_id=refund_id,
        amount=ZERO,
        currency=listed.currency if listed else "",
        reason=cause.reason,
        cause=cause.text,
    )
