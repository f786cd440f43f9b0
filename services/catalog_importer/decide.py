"""What a shop's product needs now: nothing, a write, a plan, or the reason why it is skipped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from contracts.balance import ItemChanged, ItemPrice
from contracts.catalog import ProductLinked, ProductPlanned
from contracts.reasons import Reason
from services.accounting.catalogue.eligibility import (
    Eligible,
    ItemTraits,
    Skip,
    check_eligibility,
    find_sku_conflict,
    item_sku_ref,
    item_traits,
)
from services.accounting.catalogue.price import ProductPrices, compute_prices, next_price_change
from services.accounting.mapping import GroupCommands, apply_to_shop
from services.catalog_importer.product import (
    ITEM,
    LINK,
    PLAN,
    PLANNED,
    PRICES,
    WITHDRAWN,
    WRITE,
    DesiredProduct,
    ProductPayload,
    desired_catalogue_fields,
    digest_product,
    digest_skip,
)
from services.catalog_importer.report import skipped_event
from services.catalog_importer.requests import (
    APPROVED_CHANGE,
    ApprovedChange,
    find_requested_link,
    group_commands,
    is_approved,
)
from services.engine.outbox.decision import NOTHING, Decision, Delivery
from services.engine.state.records import State
from services.settings.catalogue import PriceSettings
from services.settings.model import Settings
from services.settings.shop import Flows, ShopSettings


def find_price_alarm(desired: DesiredProduct, link: ProductLinked | None, rules: PriceSettings) -> Skip | None:
    """Return why a change waits for approval although the flow is live (claim I3); None if it needs none.

    The price is compared with the one written last: a new product has no price that could fall.
    """
    before = link.written.regular_price if link and link.written else None
    if not before or desired.regular_price is None:
        return None
    fall = (before - desired.regular_price) / before
    if fall <= rules.largest_fall:
        return None
    change = f"the regular price falls from {before:f} to {desired.regular_price:f}, by {_percent(fall)}"
    limit = f"more than prices.largest-fall allows ({_percent(rules.largest_fall)})"
    return Skip(Reason.PRODUCT_PRICE_FELL, f"{change}, {limit}; approve it with davtari plan items and davtari apply")


def _percent(share: Decimal) -> str:
    return f"{share * 100:.0f} %"


Mode = Literal["live", "dry-run"]
RECHECK_AFTER = timedelta(days=1)
SIBLING_WAIT = timedelta(seconds=1)
"""An item without a product waits for the other items of the same import: one with the same SKU may arrive from another
partition a moment later."""
MODES: tuple[Mode, ...] = ("live", "dry-run")


def product_lane_name(shop: str) -> str:
    """Return the name of the lane of a shop's product writes: a shop that is down delays no other."""
    return f"woocommerce.products.{shop}"


@dataclass(frozen=True, slots=True)
class ProductSubject:
    """An item in a shop, with all that is known about it. `shop` are its settings with the commands about groups."""

    shop_id: str
    shop: ShopSettings
    commanded: GroupCommands
    item_id: str
    item: ItemChanged | None
    withdrawn: bool
    link: ProductLinked | None
    last_plan: ProductPlanned | None
    approved: ApprovedChange | None

    @property
    def key(self) -> str:
        return f"{self.shop_id}:{self.item_id}"


def decide_product(settings: Settings, subject: str, state: State) -> Decision:
    """Decide what a `shop:item` needs. Fields of live flows are written; those of dry-run flows are planned.

    Nothing is decided again whose result is recorded, in the link's digest or the last plan: without changes, a second
    run writes nothing.
    """
    found = _load_subject(settings, subject, state)
    if found is None:
        return NOTHING
    if requested := find_requested_link(found.shop_id, found.item_id, found.link, state):
        return Decision(announce=(requested,))
    if not _is_relevant(found):
        return NOTHING
    eligible = _check_item(found, state)
    if isinstance(eligible, Skip):
        return _retire(found, state.now) or _announce_skip(found, eligible, state.now)
    item_prices = _item_prices(found, state)
    prices = compute_prices(item_prices, found.shop.prices, settings.balance, state.now)
    decision = _first(_decide_mode(found, eligible, prices, mode, state.now) for mode in MODES)
    times = (decision.again_at, next_price_change(item_prices, state.now))
    return replace(decision, again_at=min((time for time in times if time), default=None))


def _first(decisions: Iterable[Decision | None]) -> Decision:
    return next((decision for decision in decisions if decision is not None), NOTHING)


def _load_subject(settings: Settings, subject: str, state: State) -> ProductSubject | None:
    shop_id, _, item_id = subject.partition(":")
    shop = settings.shops.get(shop_id)
    if shop is None:
        return None
    commanded = group_commands(shop_id, state)
    item, withdrawn = state.get(ITEM, item_id), state.get(WITHDRAWN, item_id) is not None
    known = state.get(LINK, subject), state.get(PLANNED, subject), state.get(APPROVED_CHANGE, subject)
    return ProductSubject(shop_id, apply_to_shop(shop, commanded), commanded, item_id, item, withdrawn, *known)


def _is_relevant(found: ProductSubject) -> bool:
    """Folders are never products. Where the catalogue flow is off, only the prices of linked products matter."""
    if found.item is None and not found.withdrawn:
        return False
    if found.item is not None and found.item.kind == "folder":
        return False
    flows = found.shop.flows
    return flows.catalogue != "off" or (found.link is not None and flows.prices != "off")


def _check_item(found: ProductSubject, state: State) -> Eligible | Skip:
    if found.item is None:
        return Skip(Reason.PRODUCT_WITHDRAWN, _explain_withdrawn(found.link))
    rules, traits = found.shop.catalogue, item_traits(found.item)
    eligible = check_eligibility(traits, rules)
    if isinstance(eligible, Skip):
        return eligible
    return find_sku_conflict(traits, state.find(ITEM, item_sku_ref(found.item)).values(), rules) or eligible


def _retire(found: ProductSubject, now: datetime) -> Decision | None:
    """A product whose item left Balance becomes a draft, if the settings say so (claim S2.15)."""
    link, rules = found.link, found.shop.catalogue
    if found.item is not None or link is None or not rules.hides_withdrawn:
        return None
    traits = ItemTraits(item=found.item_id, kind="goods", item_type=None, sku=link.sku, groups=())
    mode: Mode = "live" if found.shop.flows.catalogue == "live" else "dry-run"
    return _deliver(found, traits, DesiredProduct(retired=True), mode, now) or NOTHING


def _explain_withdrawn(link: ProductLinked | None) -> str:
    product = (
        f"product {link.product_id} is not changed; unpublish it if it is no longer sold"
        if link
        else "it has no product"
    )
    return f"the item is no longer in Balance's catalogue: {product}"


def _item_prices(found: ProductSubject, state: State) -> Sequence[ItemPrice]:
    known = state.get(PRICES, found.item_id) if found.shop.flows.prices != "off" else None
    return known.prices if known else ()


def _decide_mode(
    found: ProductSubject, eligible: Eligible, prices: ProductPrices | Skip, mode: Mode, now: datetime
) -> Decision | None:
    """The delivery or announcement that the flows of this mode need; None if they need none."""
    with_catalogue, with_prices = _select_fields(found.shop.flows, mode, linked=found.link is not None)
    if found.item is None or not (with_catalogue or with_prices):
        return None
    if with_prices and isinstance(prices, Skip):
        return _announce_skip(found, prices, now)
    desired = desired_catalogue_fields(found.item, eligible) if with_catalogue else DesiredProduct()
    if with_prices and isinstance(prices, ProductPrices):
        desired = desired.with_prices(prices)
    return _deliver(found, item_traits(found.item), desired, mode, now)


def _select_fields(flows: Flows, mode: Mode, *, linked: bool) -> tuple[bool, bool]:
    """Whether the catalogue's and the prices' fields belong to this mode.

    The catalogue flow creates a product that is not linked yet: it includes the prices if they are live, and its plan
    includes them unless they are off.
    """
    catalogue = flows.catalogue == mode
    return catalogue, flows.prices == mode if linked else catalogue and flows.prices in (mode, "live")


def _deliver(
    found: ProductSubject, item: ItemTraits, desired: DesiredProduct, mode: Mode, now: datetime
) -> Decision | None:
    """A write in a live flow or of an approved change; otherwise a plan, announced once."""
    mark = digest_product(desired, found.shop.fields, found.shop.catalogue.images)
    if found.link and _is_written(found.link, mark):
        return None
    alarm = find_price_alarm(desired, found.link, found.shop.prices)
    writes = (mode == "live" and alarm is None) or is_approved(found.approved, mark, found.link)
    if not writes and _was_announced(found, mark):
        return None
    if writes and (later := _postpone_search(found, mark, now)):
        return later
    groups = {group: found.commanded[group] for group in item.groups if group in found.commanded}
    known = {"shop": found.shop_id, "link": found.link, "commanded": groups}
    payload = ProductPayload(nature=item, desired=desired, digest=mark, **known, **_alarm_fields(alarm))
    kind = WRITE if writes else PLAN
    id_ = f"{kind}:{found.key}"
    due = None if found.link or found.approved else now + SIBLING_WAIT
    delivery = Delivery(
        id_, kind, product_lane_name(found.shop_id), found.key, payload.model_dump(mode="json"), not_before=due
    )
    return Decision(deliveries=(delivery,))


def _is_written(link: ProductLinked, mark: str) -> bool:
    """Whether this change was written to every product of the item."""
    written = link.written is not None and link.written.digest == mark
    return written and all(further.digest == mark for further in link.further)


def _postpone_search(found: ProductSubject, mark: str, now: datetime) -> Decision | None:
    """Where Davtari creates no products, a missing one is searched once a day: the shop's staff may have created it."""
    last = found.last_plan
    if last is None or last.reason != Reason.PRODUCT_NOT_MADE or not _was_announced(found, mark):
        return None
    due = last.planned_at + RECHECK_AFTER
    return Decision(again_at=due) if found.shop.fields.stock_only and now < due else None


def _alarm_fields(alarm: Skip | None) -> dict[str, Any]:
    return {"held": alarm.reason, "why": alarm.detail} if alarm else {}


def _announce_skip(found: ProductSubject, skip: Skip, now: datetime) -> Decision:
    """Announce once why an item is skipped."""
    mark = digest_skip(skip)
    if _was_announced(found, mark):
        return NOTHING
    sku = found.item.sku if found.item else None
    product_id = found.link.product_id if found.link else None
    return Decision(announce=(skipped_event(found.shop_id, found.item_id, sku, product_id, skip, mark, now),))


def _was_announced(found: ProductSubject, mark: str) -> bool:
    """Whether this was the last announcement, and nothing was written since."""
    if found.last_plan is None or found.last_plan.digest != mark:
        return False
    written_at = found.link.written_at if found.link else None
    return written_at is None or written_at < found.last_plan.planned_at
