"""Which orders a shop must still have: the newest placed ones that it has shown, or that this service has stated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson

from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.identity import ShopIdentified
from contracts.shop import OrderRemoved
from services.connectors.identity.orders import NOT_LASTING, PlacedOrder, newest_first
from services.engine.outbox.engine import Engine
from services.engine.outbox.handlers import Handlers, composed
from services.engine.outbox.work import Work
from services.engine.state.records import Kind, State
from services.engine.state.store import read_kind

KNOWN_ORDER = Kind("known-order", PlacedOrder)
"""By shop:order; found by shop."""


def following_orders(handlers: Handlers) -> Handlers:
    """The rules of store-feed, which also keep the known orders of its shops right."""
    own: dict[Any, Any] = {OrderRemoved: _removed, ShopIdentified: _identified}
    return replace(handlers, remember=composed(handlers.remember, own))


def _removed(envelope: Envelope[OrderRemoved], state: State) -> None:
    """An order that the shop is known to have deleted is no sign any more."""
    state.drop(KNOWN_ORDER, envelope.data.key)


def _identified(envelope: Envelope[ShopIdentified], state: State) -> None:
    """What a person has accepted may have other orders."""
    if envelope.data.how == "accepted":
        for key in state.find(KNOWN_ORDER, envelope.data.shop):
            state.drop(KNOWN_ORDER, key)


async def known_orders(engine: Engine, known: ShopIdentified) -> tuple[PlacedOrder, ...]:
    """The orders that a known shop must still have, newest first.

    After the state was rebuilt they are taken from the orders that were stated, unless a person has accepted the shop
    since: some of those may be the orders of the shop before.
    """
    async with engine.work() as work:
        shown = (await work.find_many(KNOWN_ORDER, [known.shop]))[known.shop]
    if shown or known.how == "accepted":
        return newest_first(shown.values())
    return await _stated(engine, known.shop)


async def _stated(engine: Engine, shop: str) -> tuple[PlacedOrder, ...]:
    newest: tuple[PlacedOrder, ...] = ()
    async for key, body in read_kind(engine.database, "order"):
        if key.startswith(f"{shop}:") and (order := orjson.loads(body))["status"] not in NOT_LASTING:
            newest = newest_first([*newest, _from_fact(order)])
    return newest


def _from_fact(order: dict[str, Any]) -> PlacedOrder:
    return PlacedOrder.model_validate({name: order[key] for name, key in FACT.items()})


FACT = {"order": "order_id", "created_at": "created_at", "total": "total"}
"""Which fields of `OrderChanged` tell an order from another."""


async def remember(work: Work, shop: str, placed: Iterable[PlacedOrder]) -> None:
    """Keep the newest placed orders that a shop which is ours has just shown."""
    wanted = {order_key(shop, one.order): one for one in placed}
    before = (await work.find_many(KNOWN_ORDER, [shop]))[shop]
    for key in before.keys() - wanted.keys():
        work.drop(KNOWN_ORDER, key)
    for key, order in wanted.items():
        if before.get(key) != order:
            work.put(KNOWN_ORDER, key, order, shop)
