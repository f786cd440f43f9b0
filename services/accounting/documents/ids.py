"""Deterministic uids of the documents that we make: the same order always gets the same Sale (claim K2).

What is derived from a person is keyed (see `services.engine.person_ids`). Earlier versions did not do so: what they
recorded is still found, and such ids are never made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID, uuid5

from services.engine.person_ids import person_id

NAMESPACE = UUID("6f3c2a57-18d1-5b0e-9b6e-2a4f0c7d9e35")


def sale_uid(shop: str, order_id: int, revision: int = 0) -> str:
    """The uid of an order's Sale; `revision` counts the Sales before it that were credited whole."""
    return _uid(shop, _revised("sale", revision), order_id)


def sales_order_uid(shop: str, order_id: int) -> str:
    """The uid of an order's sales order, which reserves its goods until the Sale."""
    return _uid(shop, "sales-order", order_id)


def part_uid(whole: str, place: str) -> str:
    """The uid of a further document of a Sale or credit note: by the whole's uid and its warehouse, or its Sale."""
    return str(uuid5(NAMESPACE, f"{whole}|part|{place}"))


def credit_note_uid(shop: str, refund_id: int) -> str:
    """The uid of a refund's own credit note."""
    return _uid(shop, "credit-note", refund_id)


def reversal_uid(shop: str, order_id: int, revision: int = 0) -> str:
    """The uid of the reversal: the credit note over a whole Sale of an order; `revision` is that Sale's."""
    return _uid(shop, _revised("credit-note-of-given-up", revision), order_id)


def return_uid(shop: str, order_id: int, request: str) -> str:
    """The uid of the planned credit note of a return request; the refund's own credit note has another."""
    return _uid(shop, f"return-request-{request}", order_id)


def cumulative_note_uid(shop: str, order_id: int) -> str:
    """The uid of the one credit note of an order, where Balance allows one per Sale."""
    return _uid(shop, "credit-note-of-order", order_id)


def receipt_uid(shop: str, order_id: int, payment: str) -> str:
    """The uid of the receipt of one payment of an order."""
    return _uid(shop, f"receipt-{payment}", order_id)


def client_uid(number: str) -> str:
    """The uid under which a client with this personal or company number is created: one for all shops (claim K10)."""
    return person_id("client", number)


def former_client_uid(number: str) -> str:
    """The uid that an earlier version gave this number; only to find what it has recorded."""
    return str(uuid5(NAMESPACE, f"client|{number}"))


def contact_ref(contacts: Mapping[str, str]) -> str:
    """The reference of a buyer known only by phone or e-mail, for places where personal data is not permitted."""
    return person_id("contact", *(f"{sort}={contacts[sort]}" for sort in sorted(contacts)))


def _revised(kind: str, revision: int) -> str:
    return f"{kind}-{revision}" if revision else kind


def _uid(shop: str, kind: str, id_: int) -> str:
    return str(uuid5(NAMESPACE, f"{shop}|{kind}|{id_}"))
