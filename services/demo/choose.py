"""Which of the recorded orders and refunds the demonstration places: real input, of many kinds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from services.sandbox import recorded

ORDERS, REFUNDS = 44, 12
CONFIGS = ("incl_line", "excl_line", "incl_subtotal", "excl_subtotal")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Orders to place, the refunds (order, refund, kind) to issue, and one order of a closed month."""

    orders: tuple[int, ...]
    refunds: tuple[tuple[int, int, str], ...]
    late: int


def choose() -> Chosen:
    """Paid orders in lari with lines of known products, refunded ones first, then by number; refunds of many kinds."""
    fit = [order_id for order_id in recorded.order_ids() if _fits(recorded.recording(order_id))]
    refunds = _refunds(fit)
    refunded = dict.fromkeys(order_id for order_id, _, _ in refunds)
    rest = [order_id for order_id in fit if order_id not in refunded]
    late, *others = [order_id for order_id in rest if not recorded.recording(order_id).refunds]
    return Chosen((*refunded, *others)[:ORDERS], refunds, late)


def further() -> tuple[int, ...]:
    """Recorded orders of the same sort that the demonstration leaves out."""
    chosen = choose()
    taken = {*chosen.orders, chosen.late}
    fit = (order_id for order_id in recorded.order_ids() if _fits(recorded.recording(order_id)))
    return tuple(order_id for order_id in fit if order_id not in taken)


def _fits(recording: recorded.Recording) -> bool:
    order = recording.order
    plain = "edited" not in recording.notes and "created-under" not in recording.notes
    known = bool(order["line_items"]) and all(line["product_id"] and line["sku"] for line in order["line_items"])
    paid = bool(order["date_paid"]) and order["currency"] == "GEL" and Decimal(order["total"]) > 0
    return plain and known and paid and recording.config["name"] in CONFIGS


def _refunds(fit: list[int]) -> tuple[tuple[int, int, str], ...]:
    """At most two of a kind, so that there are many kinds; only refunds whose lines add up to their amount."""
    found: list[tuple[int, int, str]] = []
    for order_id in fit:
        recording = recorded.recording(order_id)
        kind = _kind(recording.notes)
        if kind and sum(other == kind for _, _, other in found) < 2:
            found += [(order_id, refund["id"], kind) for refund in recording.refunds]
    return tuple(found[:REFUNDS])


def _kind(notes: str) -> str:
    kinds = [note.removeprefix("refund:") for note in notes.split("; ") if note.startswith("refund:")]
    return "" if not kinds or kinds[0] in UNCLEAR else kinds[0]


UNCLEAR = frozenset({"deleted", "amount-differs-from-lines", "qty-above-ordered", "restock-only", "tax-only"})
"""Kinds that ask for a person by design; the demonstration shows one such case of its own."""
