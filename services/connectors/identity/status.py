"""The identities of the shops in each service's state: the known shop, and whether another one answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from contracts.envelope import Envelope
from contracts.identity import ShopIdentified, ShopNotRecognized
from services.engine.outbox.handlers import Handlers, compose_rules
from services.engine.state.database import Database
from services.engine.state.records import Kind, State
from services.engine.state.session import Session
from services.engine.state.store import load

KNOWN = Kind("shop-known", ShopIdentified)
"""By shop: its known identity."""
NOT_RECOGNIZED = Kind("shop-strange", ShopNotRecognized)
"""By shop, while the answering shop is not the known one."""
BLOCKED = "Nothing is read from it or written for it"


@dataclass(frozen=True, slots=True)
class IdentityStatus:
    """The identity of a shop: the known one, and the other one that answers now; both None before the first contact."""

    known: ShopIdentified | None = None
    strange: ShopNotRecognized | None = None


def with_identity(handlers: Handlers) -> Handlers:
    """The rules of a service, extended by the identities of the shops."""
    own: dict[Any, Any] = {ShopIdentified: _identified, ShopNotRecognized: _not_recognized}
    return replace(handlers, remember=compose_rules(handlers.remember, own))


def recognition_condition(shop: str) -> str:
    """The condition on which deliveries wait for a shop to be recognized."""
    return f"shop:{shop}"


def _identified(envelope: Envelope[ShopIdentified], state: State) -> None:
    state.put(KNOWN, envelope.data.shop, envelope.data)
    state.drop(NOT_RECOGNIZED, envelope.data.shop)
    state.release(recognition_condition(envelope.data.shop))


def _not_recognized(envelope: Envelope[ShopNotRecognized], state: State) -> None:
    state.put(NOT_RECOGNIZED, envelope.data.shop, envelope.data)


def describe_block(strange: ShopNotRecognized) -> str:
    """Why a shop is blocked, and how to end the block; for a person."""
    return format_block(strange.shop, strange.differences)


def format_block(shop: str, signs: Iterable[str]) -> str:
    """The same for a shop that was just checked."""
    return f"shop {shop} is not the shop that is known: {'; '.join(signs)}. {BLOCKED}. {describe_remedy(shop)}"


def describe_remedy(shop: str) -> str:
    """How to end a block. The shop is checked once a minute, so removing the cause ends it too."""
    return (
        f"If the settings point to a copy, correct shops.{shop}.url and its key. If orders were deleted on purpose, "
        "the next order ends the block. No further action is needed then. If this is the right shop as it is "
        f'(moved, restored, another key): davtari shop accept --shop {shop} --reason "…"'
    )


async def read_status(database: Database, shop: str) -> IdentityStatus:
    """The identity of a shop in a service's state database."""
    return (await read_statuses(database, [shop]))[shop]


async def read_statuses(database: Database, shops: Iterable[str]) -> dict[str, IdentityStatus]:
    """The same for several shops."""
    wanted, session = list(shops), Session(datetime.min.replace(tzinfo=UTC))
    slots = [(kind.name, shop) for kind in (KNOWN, NOT_RECOGNIZED) for shop in wanted]
    async with database.read() as connection:
        await load(connection, session, slots, by_ref=False)
    return {shop: IdentityStatus(session.get(KNOWN, shop), session.get(NOT_RECOGNIZED, shop)) for shop in wanted}
