"""Orders as signs of identity: what tells an order of ours from another one under the same number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from contracts.model import Instant, Money, Part
from contracts.order_statuses import PENDING, UNPLACED_STATUSES, VOID_STATUSES
from services.connectors.woocommerce import php
from services.connectors.woocommerce.read import amount

SAMPLE = 10
"""So many of the newest placed orders are remembered of a shop."""
ORDINARY_LOSS = 2
"""So many of the newest orders may be missing: people delete orders, test orders above all."""
ORDINARY_CHANGE = 1
"""So many numbers may belong to another order: an old database reuses the number of a deleted order after a restart."""
NOT_LASTING = UNPLACED_STATUSES | VOID_STATUSES | {PENDING, "draft", "new"}
"""WooCommerce deletes orders in these statuses by itself, or on a schedule that its settings offer."""


class PlacedOrder(Part):
    """What is remembered of an order. `token` stands for its order key, which WooCommerce draws at random and never
    changes."""

    order: int
    created_at: Instant | None = None
    total: Money | None = None
    token: str = ""


@dataclass(frozen=True, slots=True)
class Losses:
    """The newest remembered orders that are not in the shop any more, up to the first one that is."""

    missing: tuple[int, ...] = ()
    different: tuple[int, ...] = ()
    confirmed: bool = False

    @property
    def are_evidence(self) -> bool:
        """Whether several orders are missing or different, which an older copy of the shop explains."""
        several = len(self.missing) + len(self.different) > ORDINARY_LOSS
        return several or len(self.different) > ORDINARY_CHANGE


def placed_order(row: Mapping[str, Any]) -> PlacedOrder | None:
    """An order from a row of WooCommerce's list; None for a row without a number."""
    if (number := php.id_of(row)) is None:
        return None
    moment, total = php.moment(row.get("date_created_gmt")), amount(row.get("total"))
    return PlacedOrder(order=number, created_at=moment, total=total, token=_token(row.get("order_key")))


def _token(key: object) -> str:
    if not isinstance(key, str) or not key:
        return ""
    return blake2b(key.encode(errors="replace"), digest_size=8, person=b"davtari-ordr").hexdigest()


def lasting(row: Mapping[str, Any]) -> bool:
    """Whether an order is placed and stays in the shop unless somebody deletes it."""
    return str(row.get("status") or "new") not in NOT_LASTING


def newest_first(orders: Iterable[PlacedOrder]) -> tuple[PlacedOrder, ...]:
    """The newest orders by number, as many as are remembered."""
    return tuple(sorted(orders, key=lambda one: one.order, reverse=True)[:SAMPLE])


def losses(known: Sequence[PlacedOrder], shown: Mapping[int, PlacedOrder], newest: int) -> Losses:
    """Compare remembered orders, newest first, with what the shop shows now; `newest` is its newest placed order.

    An older copy lacks the newest orders, so the first remembered order that is there ends the comparison: older ones
    were deleted or edited by people. A placed order above all that are known says that the shop has gone on.
    """
    missing, different, confirmed = [], [], False
    for one in known:
        there = shown.get(one.order)
        if there is None:
            missing.append(one.order)
        elif (same := _same(one, there)) is not None:
            confirmed = same
            if same:
                break
            different.append(one.order)
    gone_on = bool(known) and newest > known[0].order
    return Losses(() if gone_on else tuple(missing), tuple(different), confirmed)


def _same(known: PlacedOrder, shown: PlacedOrder) -> bool | None:
    """Whether both are one order; None where nothing can be compared. A person may edit the date, or the total."""
    if known.token and shown.token and known.token != shown.token:
        return False
    pairs = [(known.created_at, shown.created_at), (known.total, shown.total)]
    compared = [ours == theirs for ours, theirs in pairs if ours is not None and theirs is not None]
    return any(compared) if compared else None
