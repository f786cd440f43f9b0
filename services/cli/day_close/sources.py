"""The sources of a close: the shop and the topics always, Balance where it is asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.closing import DayDifference, DayPlaced
from contracts.delivery_ids import order_key
from contracts.shop import OrderChanged
from services.accounting.documents.relations import role_of
from services.cli.day_close.causes import Cause, behind_cause, unreadable_cause
from services.cli.day_close.close import ShopComparison
from services.cli.day_close.entries import DayEntry, build_entries, is_bookable
from services.cli.day_close.facts import OrderFacts, OrderHistory
from services.cli.day_close.read_back import read_back_documents
from services.cli.day_close.shop_now import ShopAnswer, ShopQuery, single_day
from services.connectors.identity.standing import told
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.order_summary import OrderSummary
from services.engine.clock import utc_now
from services.engine.outbox.upstream_errors import UpstreamError
from services.settings import Settings
from services.settings.model import ScheduleSettings
from services.settings.orders import OrderSettings
from services.settings.shop import ShopSettings

# What a shop has said of some days, laid over what the topics hold, and where the two disagree (claim K32).

Slot = tuple[str, str, bool]
"""Status, currency, and whether it is a part of another order."""
ZERO = Decimal("0.00")


def entries_from_shop(
    said: ShopAnswer, facts: OrderFacts, day: tuple[str, str], rules: ShopSettings, unread_since: datetime
) -> tuple[list[DayEntry], ShopComparison]:
    """The entries of a day (shop, date) as the shop and the topics have them, and what the shop's answer came to."""
    shop = day[0]
    placed = compare_placed(said, facts.of_shop(shop).values(), rules.orders)
    overlay_shop(said, facts, shop, rules.orders, unread_since)
    found = entries_from_facts(facts, day, rules)
    return found, ShopComparison(placed, tuple(find_other_differences(said, facts, shop, found)))


def entries_from_facts(facts: OrderFacts, day: tuple[str, str], rules: ShopSettings) -> list[DayEntry]:
    """The entries of a day (shop, date) from the facts alone."""
    receipts = None if rules.flows.payments == "off" else rules.payments
    return build_entries(facts.of_shop(day[0]), rules.orders, day[1], receipts)


def compare_placed(said: ShopAnswer, stories: Iterable[OrderHistory], rules: OrderSettings) -> tuple[DayPlaced, ...]:
    """The orders placed on these days by status and currency, on both sides. To be called before `lay_over`."""
    known = [story.order for story in stories if story.order and not story.removed]
    shop = _collect_totals(said.placed, rules)
    topics = _collect_totals((order for order in known if order.created_at in said.days), rules)
    return tuple(_placed_row(slot, shop[slot], topics[slot]) for slot in sorted(shop.keys() | topics.keys()))


def _collect_totals(orders: Iterable[OrderSummary | OrderChanged], rules: OrderSettings) -> dict[Slot, list[Decimal]]:
    found: dict[Slot, list[Decimal]] = defaultdict(list)
    for order in orders:
        found[order.status, order.currency, role_of(order, rules) == "part-of-parent"].append(order.total)
    return found


def _placed_row(slot: Slot, shop: Sequence[Decimal], topics: Sequence[Decimal]) -> DayPlaced:
    return DayPlaced(
        status=slot[0],
        currency=slot[1],
        part_of_parent=slot[2],
        shop_count=len(shop),
        shop=sum(shop, ZERO),
        topics_count=len(topics),
        topics=sum(topics, ZERO),
    )


def overlay_shop(said: ShopAnswer, facts: OrderFacts, shop: str, rules: OrderSettings, unread_since: datetime) -> None:
    """From now on the facts say what the shop says, and which of them were behind it.

    An order that was changed after `unread_since` is not behind: store-feed has not had the time to read it. Nor is one
    that is gone and would have had no document.
    """
    command = f"davtari backfill orders --shop {shop} {said.days}"
    for id_, whole in said.read.items():
        story = facts.stories[order_key(shop, id_)]
        kept = {one: refund for one, refund in story.refunds.items() if one in whole.unreadable}
        story.order, story.removed, story.refunds = whole.order, False, kept | dict(whole.refunds)
        story.just_changed = said.listed[id_].modified_at > unread_since
        if said.unequal[id_] and not story.just_changed:
            story.behind = f"{said.unequal[id_]}: {command}"
    for id_, where in said.gone.items():
        story = facts.stories[order_key(shop, id_)]
        if is_bookable(story, rules) and not story.removed:
            story.behind = f"{where}, and the topics still hold it: {command}"
        story.removed = True


def find_other_differences(
    said: ShopAnswer, facts: OrderFacts, shop: str, found: Sequence[DayEntry]
) -> Iterator[DayDifference]:
    """Differences of orders that are in no entry of the day, and orders and refunds that cannot be read."""
    shown = {entry.order_id for entry in found}
    for id_ in sorted((said.unequal.keys() | said.gone.keys()) - shown):
        story = facts.stories[order_key(shop, id_)]
        if story.behind:
            yield _unknown_difference(said, id_, behind_cause(story))
    for id_, message in sorted(said.unreadable.items()):
        yield _unknown_difference(said, id_, unreadable_cause(facts.stories[order_key(shop, id_)], message))
    for id_, whole in sorted(said.read.items()):
        for refund_id, message in sorted(whole.unreadable.items()):
            cause = unreadable_cause(facts.stories[order_key(shop, id_)], message, refund_id)
            yield _unknown_difference(said, id_, cause, refund_id)


def _unknown_difference(said: ShopAnswer, order_id: int, cause: Cause, refund_id: int | None = None) -> DayDifference:
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


READING_TIME = timedelta(seconds=60)
"""So long reading a changed order may take, once the sweep has found it."""


@dataclass(frozen=True, slots=True)
class CloseSources:
    """The entries of a day with what shop and Balance have said. `silent` says of each that did not answer why."""

    found: list[DayEntry]
    asked: ShopComparison | None
    read_back: list[DayDifference] | None
    silent: tuple[str, ...]


async def query_sources(
    chosen: Settings, facts: OrderFacts, day: tuple[str, str], now: datetime, *, read: bool
) -> CloseSources:
    """Ask the shop about a day (shop, date), lay its answer over the facts, and read the documents back."""
    rules, silent = chosen.shops[day[0]], list[str]()
    said, asked = await _query_shop(chosen, facts, day, silent), None
    if said is None:
        found = entries_from_facts(facts, day, rules)
    else:
        found, asked = entries_from_shop(said, facts, day, rules, now - unread_period(chosen.schedule))
    return CloseSources(found, asked, await _read_back(chosen, found, silent) if read else None, tuple(silent))


async def _query_shop(
    chosen: Settings, facts: OrderFacts, day: tuple[str, str], silent: list[str]
) -> ShopAnswer | None:
    shop, date = day
    if strange := facts.strange.get(shop):
        silent.append(told(strange))
        return None
    try:
        async with open_shop(chosen, shop, utc_now) as client:
            return await ShopQuery(shop, client, facts.of_shop(shop), single_day(date), chosen.shops[shop].orders).ask()
    except UpstreamError as error:
        silent.append(f"shop {shop} was not asked: {error.message}")
        return None


async def _read_back(chosen: Settings, found: list[DayEntry], silent: list[str]) -> list[DayDifference] | None:
    try:
        return await read_back_documents(found, chosen.balance)
    except UpstreamError as error:
        silent.append(f"Balance was not asked: {error.message}")
        return None


def unread_period(schedule: ScheduleSettings) -> timedelta:
    """So long ago a change in the shop may be that the topics do not hold yet while all is well."""
    return timedelta(seconds=schedule.sweep) + READING_TIME
