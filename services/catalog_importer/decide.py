"""What a shop's product needs now: nothing, a write, a plan, or a word about why it is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from contracts.balance import ItemChanged, ItemPrice
from contracts.catalog import ProductLinked, ProductPlanned
from contracts.reasons import Reason
from services.accounting.mapping.effective import Commanded, mapped_shop
from services.catalog_importer import product
from services.catalog_importer.eligibility import (
    Eligible,
    ItemTraits,
    Skip,
    check_eligibility,
    find_sku_conflict,
    item_traits,
)
from services.catalog_importer.price import ProductPrices, compute_prices, next_price_change
from services.catalog_importer.product import PLAN, WRITE, DesiredProduct, ProductPayload, desired_catalogue_fields
from services.catalog_importer.records import ITEM, LINK, PLANNED, PRICES, WITHDRAWN, sku_ref
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

# Changes that a person should see first, although the flow is live (claim I3).


def find_price_alarm(desired: DesiredProduct, link: ProductLinked | None, rules: PriceSettings) -> Skip | None:
    """Why a change waits for approval; None when it may go by itself.

    Measured against what we last wrote: a new product has no price that could fall.
    """
    before = link.written.regular_price if link and link.written else None
    if not before or desired.regular_price is None:
        return None
    fall = (before - desired.regular_price) / before
    if fall <= rules.largest_fall:
        return None
    told = f"the regular price falls from {before:f} to {desired.regular_price:f}, by {_percent(fall)}"
    allowed = f"more than prices.largest-fall allows ({_percent(rules.largest_fall)})"
    return Skip(Reason.PRODUCT_PRICE_FELL, f"{told}, {allowed}; approve it with davtari plan items and davtari apply")


def _percent(share: Decimal) -> str:
    return f"{share * 100:.0f} %"


Mode = Literal["live", "dry-run"]
RECHECK_AFTER = timedelta(days=1)
SIBLING_WAIT = timedelta(seconds=1)
"""What has no product yet waits so long for the items that were read with it: another one may have the same SKU, and
come out of another partition a moment later."""
MODES: tuple[Mode, ...] = ("live", "dry-run")


def product_lane_name(shop: str) -> str:
    """The lane of a shop's product writes: a shop that is down holds up no other."""
    return f"woocommerce.products.{shop}"


@dataclass(frozen=True, slots=True)
class ProductSubject:
    """An item in a shop, with all that is known about it; in `shop` the commands about groups are taken in."""

    shop_id: str
    shop: ShopSettings
    commanded: Commanded
    item_id: str
    item: ItemChanged | None
    withdrawn: bool
    link: ProductLinked | None
    said: ProductPlanned | None
    approved: ApprovedChange | None

    @property
    def key(self) -> str:
        return f"{self.shop_id}:{self.item_id}"


def decide_product(settings: Settings, subject: str, state: State) -> Decision:
    """What follows for a `shop:item`. Fields of live flows are written; those of dry-run flows are planned.

    A decision whose effect is on record (the link's digest, or what was said last) asks for nothing more: a second run
    with nothing changed writes nothing.
    """
    found = _subject(settings, subject, state)
    if found is None:
        return NOTHING
    if asked := find_requested_link(found.shop_id, found.item_id, found.link, state):
        return Decision(announce=(asked,))
    if not _concerned(found):
        return NOTHING
    verdict = _verdict(found, state)
    if isinstance(verdict, Skip):
        return _retire(found, state.now) or _say(found, verdict, state.now)
    stated = _stated(found, state)
    priced = compute_prices(stated, found.shop.prices, settings.balance, state.now)
    decision = _first(_pursue(found, verdict, priced, mode, state.now) for mode in MODES)
    times = (decision.again_at, next_price_change(stated, state.now))
    return replace(decision, again_at=min((time for time in times if time), default=None))


def _first(decisions: Iterable[Decision | None]) -> Decision:
    return next((decision for decision in decisions if decision is not None), NOTHING)


def _subject(settings: Settings, subject: str, state: State) -> ProductSubject | None:
    shop_id, _, item_id = subject.partition(":")
    shop = settings.shops.get(shop_id)
    if shop is None:
        return None
    said = group_commands(shop_id, state)
    item, withdrawn = state.get(ITEM, item_id), state.get(WITHDRAWN, item_id) is not None
    known = state.get(LINK, subject), state.get(PLANNED, subject), state.get(APPROVED_CHANGE, subject)
    return ProductSubject(shop_id, mapped_shop(shop, said), said, item_id, item, withdrawn, *known)


def _concerned(found: ProductSubject) -> bool:
    """Folders are never products. Where the catalogue is off, only the prices of linked products are of concern."""
    if found.item is None and not found.withdrawn:
        return False
    if found.item is not None and found.item.kind == "folder":
        return False
    flows = found.shop.flows
    return flows.catalogue != "off" or (found.link is not None and flows.prices != "off")


def _verdict(found: ProductSubject, state: State) -> Eligible | Skip:
    if found.item is None:
        return Skip(Reason.PRODUCT_WITHDRAWN, _withdrawn(found.link))
    rules = found.shop.catalogue
    verdict = check_eligibility(item_traits(found.item), rules)
    if isinstance(verdict, Skip):
        return verdict
    return find_sku_conflict(item_traits(found.item), state.find(ITEM, sku_ref(found.item)).values(), rules) or verdict


def _retire(found: ProductSubject, now: datetime) -> Decision | None:
    """A product whose item left Balance becomes a draft, where the settings want it (claim S2.15)."""
    link, rules = found.link, found.shop.catalogue
    if found.item is not None or link is None or not rules.hides_withdrawn:
        return None
    gone = ItemTraits(item=found.item_id, kind="goods", item_type=None, sku=link.sku, groups=())
    mode: Mode = "live" if found.shop.flows.catalogue == "live" else "dry-run"
    return _deliver(found, gone, DesiredProduct(retired=True), mode, now) or NOTHING


def _withdrawn(link: ProductLinked | None) -> str:
    product = (
        f"product {link.product_id} stays as it is; unpublish it if it is no longer sold" if link else "no product"
    )
    return f"Balance's catalogue does not hold this item any more: {product}"


def _stated(found: ProductSubject, state: State) -> Sequence[ItemPrice]:
    known = state.get(PRICES, found.item_id) if found.shop.flows.prices != "off" else None
    return known.prices if known else ()


def _pursue(
    found: ProductSubject, eligible: Eligible, priced: ProductPrices | Skip, mode: Mode, now: datetime
) -> Decision | None:
    """The delivery, or the word, that the flows of this mode ask for; None when they are satisfied."""
    catalogue, with_prices = _flows(found.shop.flows, mode, linked=found.link is not None)
    if found.item is None or not (catalogue or with_prices):
        return None
    if with_prices and isinstance(priced, Skip):
        return _say(found, priced, now)
    desired = desired_catalogue_fields(found.item, eligible) if catalogue else DesiredProduct()
    if with_prices and isinstance(priced, ProductPrices):
        desired = desired.with_prices(priced)
    return _deliver(found, item_traits(found.item), desired, mode, now)


def _flows(flows: Flows, mode: Mode, *, linked: bool) -> tuple[bool, bool]:
    """Whether the catalogue's and the prices' fields belong to this mode.

    What is not linked yet is the catalogue's to make: its prices go with it if they are live, and into its plan unless
    they are off.
    """
    catalogue = flows.catalogue == mode
    return catalogue, flows.prices == mode if linked else catalogue and flows.prices in (mode, "live")


def _deliver(
    found: ProductSubject, item: ItemTraits, desired: DesiredProduct, mode: Mode, now: datetime
) -> Decision | None:
    """A write in a live flow or of an approved change, else a plan, said once."""
    mark = product.digest_product(desired, found.shop.fields, found.shop.catalogue.images)
    if found.link and _is_written(found.link, mark):
        return None
    held = find_price_alarm(desired, found.link, found.shop.prices)
    writes = (mode == "live" and held is None) or is_approved(found.approved, mark, found.link)
    if not writes and _was_said(found, mark):
        return None
    if writes and (later := _looked_for(found, mark, now)):
        return later
    groups = {group: found.commanded[group] for group in item.groups if group in found.commanded}
    known = {"shop": found.shop_id, "link": found.link, "commanded": groups}
    payload = ProductPayload(nature=item, desired=desired, digest=mark, **known, **_told(held))
    kind = WRITE if writes else PLAN
    id_ = f"{kind}:{found.key}"
    due = None if found.link or found.approved else now + SIBLING_WAIT
    delivery = Delivery(
        id_, kind, product_lane_name(found.shop_id), found.key, payload.model_dump(mode="json"), not_before=due
    )
    return Decision(deliveries=(delivery,))


def _is_written(link: ProductLinked, mark: str) -> bool:
    """Whether this change was written to every product that is the item."""
    written = link.written is not None and link.written.digest == mark
    return written and all(one.digest == mark for one in link.further)


def _looked_for(found: ProductSubject, mark: str, now: datetime) -> Decision | None:
    """Where no product is made, one that is missing is looked for once a day: the storefront may make it meanwhile."""
    said = found.said
    if said is None or said.reason != Reason.PRODUCT_NOT_MADE or not _was_said(found, mark):
        return None
    due = said.planned_at + RECHECK_AFTER
    return Decision(again_at=due) if found.shop.fields.stock_only and now < due else None


def _told(held: Skip | None) -> dict[str, Any]:
    return {"held": held.reason, "why": held.detail} if held else {}


def _say(found: ProductSubject, skip: Skip, now: datetime) -> Decision:
    """Announce why an item is left alone, once."""
    mark = product.digest_skip(skip)
    if _was_said(found, mark):
        return NOTHING
    sku = found.item.sku if found.item else None
    product_id = found.link.product_id if found.link else None
    return Decision(announce=(skipped_event(found.shop_id, found.item_id, sku, product_id, skip, mark, now),))


def _was_said(found: ProductSubject, mark: str) -> bool:
    """Whether this was the last word; a write since then has overtaken it."""
    if found.said is None or found.said.digest != mark:
        return False
    written_at = found.link.written_at if found.link else None
    return written_at is None or written_at < found.said.planned_at
