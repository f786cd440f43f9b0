"""What is known of an item for a shop: its stock reading, and what the orders of all shops on its pool hold of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from contracts.delivery_ids import order_key
from services.accounting.documents.relations import is_own_purchase
from services.engine.state.records import State
from services.settings.model import Settings
from services.settings.shop import ShopSettings
from services.stock_publisher.availability import Position
from services.stock_publisher.in_flight import Claim, Held, Reading, all_held
from services.stock_publisher.links import claims_on
from services.stock_publisher.records import LINK, RESERVED, SALE, STOCK
from services.stock_publisher.warehouse import Warehouse, pool


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a shop looks at the stock: its rules, and the warehouses that it sells from."""

    settings: Settings
    shop: str
    warehouses: tuple[Warehouse, ...]
    state: State

    @property
    def rules(self) -> ShopSettings:
        """The shop's settings."""
        return self.settings.shops[self.shop]

    def named(self, item: str) -> str:
        """An item's SKU in the shop; its uid where the shop does not have it."""
        link = self.state.get(LINK, f"{self.shop}:{item}")
        return (link.sku if link else None) or item

    def position(self, item: str) -> Position:
        """An item as it stands now; one that Balance never stated is not there."""
        stock = self.state.get(STOCK, item)
        return Position(stock.rows if stock else (), self.warehouses, self._held(item), self.state.now)

    def seen_at(self, item: str) -> datetime | None:
        """When Balance's figure was read; a kit without stock of its own is as old as its oldest component."""
        if stock := self.state.get(STOCK, item):
            return stock.observed_at
        parts = self.rules.stock.kits.get(item, ())
        times = [stock.observed_at for stock in self.state.get_many(STOCK, parts).values()]
        return min(times) if times and len(times) == len(parts) else None

    def _held(self, item: str) -> tuple[Held, ...]:
        if (seen_at := self.seen_at(item)) is None:
            return ()
        return tuple(held for shop in self._sharing() for held in self._held_by(shop, item, seen_at))

    def _sharing(self) -> Iterator[str]:
        """This shop, and every other that sells pieces of the same pool (claim K25)."""
        ours = {warehouse.uid for warehouse in self.warehouses}
        for name, other in self.settings.shops.items():
            entries = [*other.stock.sold_from, *filter(None, [other.orders.warehouse]), *other.orders.every_warehouse]
            if name == self.shop or ours & pool(entries, self.state):
                yield name

    def _held_by(self, shop: str, item: str, seen_at: datetime) -> tuple[Held, ...]:
        link = self.state.get(LINK, f"{shop}:{item}")
        if link is None:
            return ()
        rules = self.settings.shops[shop]
        reading = Reading(item, seen_at, self.state.now, rules.stock.in_flight_days)
        claims = [one for one in claims_on(link, self.state).values() if is_own_purchase(one, rules.orders)]
        held = held_by(shop, claims, reading, self.state, reserve=self.rules.stock.subtract_reserve)
        return held if shop == self.shop else tuple(replace(one, shop=shop) for one in held)


def held_by(shop: str, claims: Sequence[Claim], reading: Reading, state: State, *, reserve: bool) -> tuple[Held, ...]:
    """What the orders of a shop hold of an item beyond a reading; `reserve`: whether that is subtracted."""
    keys = {claim.order_id: order_key(shop, claim.order_id) for claim in claims}
    sold = state.get_many(SALE, keys.values())
    reserved = state.get_many(RESERVED, keys.values()) if reserve else {}
    known = {n: [one for one in (sold.get(key), reserved.get(key)) if one] for n, key in keys.items()}
    return all_held(claims, known, reading)
