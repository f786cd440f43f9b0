"""Query the sources of a close: the topics, the shop, and Balance if requested (claim K32)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.closing import DayDifference, DayPlaced
from contracts.delivery_ids import order_key
from contracts.shop import OrderChanged
from services.accounting.documents.trigger import role_of
from services.cli.day_close.read_back import read_back_documents
from services.cli.day_close.shop_now import ShopAnswer, ShopQuery, single_day
from services.connectors.identity.status import describe_block
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.orders import OrderSummary
from services.console.model.days.causes import DifferenceCause, behind_cause, unreadable_cause
from services.console.model.days.close import ShopComparison
from services.console.model.days.entries import DayEntry, build_entries, is_bookable
from services.console.model.history import OrderFacts, OrderHistory
from services.engine.clock import utc_now
from services.engine.outbox.upstream_errors import UpstreamError
from services.settings import Settings
from services.settings.model import ScheduleSettings
from services.settings.orders import OrderSettings
from services.settings.shop import ShopSettings

Slot = tuple[str, str, bool]
"""Status, currency, and whether the order is part of another order."""
ZERO = Decimal("0.00")
READING_TIME = timedelta(seconds=60)
"""How long store-feed may take to read a changed order once the sweep has found it."""


def entries_from_shop(
    answer: ShopAnswer, facts: OrderFacts, day: tuple[str, str], rules: ShopSettings, unread_since: datetime
) -> tuple[list[DayEntry], ShopComparison]:
    """The entries of a day (shop, date) with the shop's answer applied, and the comparison with the shop."""
    shop = day[0]
    placed = compare_placed(answer, facts.of_shop(shop).values(), rules.orders)
    overlay_shop(answer, facts, shop, rules.orders, unread_since)
    found = entries_from_facts(facts, day, rules)
    return found, ShopComparison(placed, tuple(find_other_differences(answer, facts, shop, found)))


def entries_from_facts(facts: OrderFacts, day: tuple[str, str], rules: ShopSettings) -> list[DayEntry]:
    """The entries of a day (shop, date) from the topics alone."""
    receipts = None if rules.flows.payments == "off" else rules.payments
    return build_entries(facts.of_shop(day[0]), rules.orders, day[1], receipts)


def compare_placed(
    answer: ShopAnswer, histories: Iterable[OrderHistory], rules: OrderSettings
) -> tuple[DayPlaced, ...]:
    """Compare the orders placed, by status and currency. Must be called before `overlay_shop`."""
    known = [history.order for history in histories if history.order and not history.removed]
    shop = _collect_totals(answer.placed, rules)
    topics = _collect_totals((order for order in known if order.created_at in answer.days), rules)
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


def overlay_shop(
    answer: ShopAnswer, facts: OrderFacts, shop: str, rules: OrderSettings, unread_since: datetime
) -> None:
    """Replace orders in the facts by the shop's state, and mark those for which the topics were behind.

    An order changed after `unread_since` is not behind: store-feed has not had the time to read it. Neither is a
    deleted order that needs no document.
    """
    command = f"davtari backfill orders --shop {shop} {answer.days}"
    for id_, full in answer.full.items():
        history = facts.histories[order_key(shop, id_)]
        kept = {one: refund for one, refund in history.refunds.items() if one in full.unreadable}
        history.order, history.removed, history.refunds = full.order, False, kept | dict(full.refunds)
        history.just_changed = answer.listed[id_].modified_at > unread_since
        if answer.differing[id_] and not history.just_changed:
            history.behind = f"{answer.differing[id_]}: {command}"
    for id_, where in answer.deleted.items():
        history = facts.histories[order_key(shop, id_)]
        if is_bookable(history, rules) and not history.removed:
            history.behind = f"{where}, but the topics still contain it: {command}"
        history.removed = True


def find_other_differences(
    answer: ShopAnswer, facts: OrderFacts, shop: str, found: Sequence[DayEntry]
) -> Iterator[DayDifference]:
    """Differences of orders that are not entries of the day, and orders and refunds that cannot be read."""
    shown = {entry.order_id for entry in found}
    for id_ in sorted((answer.differing.keys() | answer.deleted.keys()) - shown):
        history = facts.histories[order_key(shop, id_)]
        if history.behind:
            yield _unknown_difference(answer, id_, behind_cause(history))
    for id_, message in sorted(answer.unreadable.items()):
        yield _unknown_difference(answer, id_, unreadable_cause(facts.histories[order_key(shop, id_)], message))
    for id_, full in sorted(answer.full.items()):
        for refund_id, message in sorted(full.unreadable.items()):
            cause = unreadable_cause(facts.histories[order_key(shop, id_)], message, refund_id)
            yield _unknown_difference(answer, id_, cause, refund_id)


def _unknown_difference(
    answer: ShopAnswer, order_id: int, cause: DifferenceCause, refund_id: int | None = None
) -> DayDifference:
    """A difference of unknown amount: zero."""
    listed = answer.listed.get(order_id)
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


@dataclass(frozen=True, slots=True)
class CloseSources:
    """The entries of a day, and the answers of shop and Balance. `silent`: one text per source that did not answer."""

    found: list[DayEntry]
    asked: ShopComparison | None
    read_back: list[DayDifference] | None
    silent: tuple[str, ...]


async def query_sources(
    chosen: Settings, facts: OrderFacts, day: tuple[str, str], now: datetime, *, read: bool
) -> CloseSources:
    """Ask the shop about a day (shop, date), apply its answer to the facts, and read the documents back if `read`."""
    rules, silent = chosen.shops[day[0]], list[str]()
    answer, asked = await _query_shop(chosen, facts, day, silent), None
    if answer is None:
        found = entries_from_facts(facts, day, rules)
    else:
        found, asked = entries_from_shop(answer, facts, day, rules, now - unread_period(chosen.schedule))
    return CloseSources(found, asked, await _read_back(chosen, found, silent) if read else None, tuple(silent))


async def _query_shop(
    chosen: Settings, facts: OrderFacts, day: tuple[str, str], silent: list[str]
) -> ShopAnswer | None:
    shop, date = day
    if unrecognized := facts.unrecognized.get(shop):
        silent.append(describe_block(unrecognized))
        return None
    try:
        async with open_shop(chosen, shop, utc_now) as client:
            return await ShopQuery(shop, client, facts.of_shop(shop), single_day(date), chosen.shops[shop].orders).run()
    except UpstreamError as error:
        silent.append(f"shop {shop} did not answer: {error.message}")
        return None


async def _read_back(chosen: Settings, found: list[DayEntry], silent: list[str]) -> list[DayDifference] | None:
    try:
        return await read_back_documents(found, chosen.balance)
    except UpstreamError as error:
        silent.append(f"Balance did not answer: {error.message}")
        return None


def unread_period(schedule: ScheduleSettings) -> timedelta:
    """How old a change in the shop may be before it must be in the topics."""
    return timedelta(seconds=schedule.sweep) + READING_TIME
