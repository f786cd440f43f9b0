"""What every service remembers of the shops' identities: which shop is known, and whether another one answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from contracts.envelope import Envelope
from contracts.identity import ShopIdentified, ShopNotRecognized
from services.engine.outbox.handlers import Handlers, compose_rules
from services.engine.state.records import Kind, State

KNOWN = Kind("shop-known", ShopIdentified)
"""By shop: what it is known by."""
STRANGE = Kind("shop-strange", ShopNotRecognized)
"""By shop, while what answers is not the shop that is known."""
BLOCKED = "Nothing is read from it or written for it"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a shop's identity stands; both None before it was ever met."""

    known: ShopIdentified | None = None
    strange: ShopNotRecognized | None = None


def watched(handlers: Handlers) -> Handlers:
    """The rules of a service that also remembers how the shops' identities stand."""
    own: dict[Any, Any] = {ShopIdentified: _identified, ShopNotRecognized: _not_recognized}
    return replace(handlers, remember=compose_rules(handlers.remember, own))


def awaited(shop: str) -> str:
    """The name under which deliveries wait for a shop to be recognized."""
    return f"shop:{shop}"


def _identified(envelope: Envelope[ShopIdentified], state: State) -> None:
    state.put(KNOWN, envelope.data.shop, envelope.data)
    state.drop(STRANGE, envelope.data.shop)
    state.release(awaited(envelope.data.shop))


def _not_recognized(envelope: Envelope[ShopNotRecognized], state: State) -> None:
    state.put(STRANGE, envelope.data.shop, envelope.data)


def told(strange: ShopNotRecognized) -> str:
    """Why a shop is blocked, and what ends it; for a person."""
    return refusal(strange.shop, strange.differences)


def refusal(shop: str, signs: Iterable[str]) -> str:
    """The same, of a shop that was just looked at."""
    return f"shop {shop} is not the shop that is known: {'; '.join(signs)}. {BLOCKED}. {remedy(shop)}"


def remedy(shop: str) -> str:
    """What ends a block. The shop is looked at once a minute, so that a cause that has gone ends it too."""
    return (
        f"If the settings lead to a copy, correct shops.{shop}.url and its key. If orders were deleted on purpose, "
        "the next order ends the block. Either ends it without a word of yours. If this is the right shop as it is "
        f'(moved, restored, another key and mark): davtari shop accept --shop {shop} --reason "…"'
    )
