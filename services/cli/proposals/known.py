"""What was proposed for a shop, what of it was approved, and what has become an item of Balance meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from contracts.balance import ItemChanged, ItemWithdrawn
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.proposals import ItemApproved, ItemProposed
from services.catalog_importer.eligibility import matching, same_sku
from services.cli.command import InvalidArgument
from services.cli.plans.shop_only import NOWHERE, ShopOnly

TOPICS = ("operations", "balance.items")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed item. `item` is the uid of Balance's item that has its SKU now."""

    proposed: ItemProposed
    approved: ItemApproved | None = None
    item: str | None = None

    @property
    def state(self) -> Literal["in Balance", "approved", "proposed"]:
        """How far it has come."""
        return "in Balance" if self.item else "approved" if self.approved else "proposed"


def proposals(shop: str, envelopes: Iterable[Envelope[Event]]) -> list[Proposal]:
    """The proposals of a shop, by SKU; the last word about a product counts."""
    said: dict[str, ItemProposed] = {}
    given: dict[str, ItemApproved] = {}
    items: dict[str, str] = {}
    for event in (envelope.data for envelope in envelopes):
        match event:
            case ItemProposed() if event.shop == shop:
                said[same_sku(event.sku)] = event
            case ItemApproved() if event.shop == shop:
                given[same_sku(event.sku)] = event
            case ItemChanged():
                items[event.item] = same_sku(event.sku)
            case ItemWithdrawn():
                items.pop(event.item, None)
    by_sku = {sku: item for item, sku in items.items() if sku}
    return [Proposal(said[sku], given.get(sku), by_sku.get(sku)) for sku in sorted(said)]


def to_propose(
    shop: str, found: Iterable[ShopOnly], known: Sequence[Proposal], pattern: str, stamp: Mapping[str, Any]
) -> list[ItemProposed]:
    """What of the products that only the shop has is to be proposed now: with a SKU that Balance does not know, that
    the pattern takes, and not said before in the same words. `stamp`: id prefix, person and time."""
    before = {same_sku(one.proposed.sku): one.proposed for one in known}
    fresh = [one for one in found if one.why == NOWHERE and one.sku and matching(one.sku, [pattern])]
    said = [_proposed(shop, one, stamp) for one in fresh]
    return [one for one in said if _words(one) != _words(before.get(same_sku(one.sku)))]


def _proposed(shop: str, one: ShopOnly, stamp: Mapping[str, Any]) -> ItemProposed:
    own = {**stamp, "command_id": f"{stamp['command_id']}-{one.product_id}"}
    price = Decimal(one.price) if one.price else None
    return ItemProposed(shop=shop, product_id=one.product_id, sku=one.sku, name=one.name, regular_price=price, **own)


def _words(one: ItemProposed | None) -> tuple[object, ...] | None:
    return None if one is None else (one.product_id, one.sku, one.name, one.regular_price)


def to_approve(known: Sequence[Proposal], sku: str) -> Proposal:
    """The proposal with this SKU that still waits. Raises `WrongUse`, saying what to do instead."""
    found = next((one for one in known if same_sku(one.proposed.sku) == same_sku(sku)), None)
    if found is None:
        raise InvalidArgument(f"no item {sku} was proposed; davtari propose items --shop SHOP --sku '{sku}'")
    if found.item:
        raise InvalidArgument(f"Balance has item {sku} already ({found.item}): nothing is left to approve")
    return found
