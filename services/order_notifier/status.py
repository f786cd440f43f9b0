"""What has become of an order in the books, and which status follows: an allow-list, taken once (S2.12, K14)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Protocol

from contracts.notices import OwnState
from contracts.order_statuses import CORE_STATUSES
from contracts.shop import OrderChanged
from services.accounting.documents.digest import digest_of
from services.settings.orders import OrderSettings
from services.settings.statuses import StatusSettings

BASE = {"status", "currency", "total", "total_tax", "lines", "tax_rates", "refund_ids", "paid_at", "payment_method"}
"""What a status is decided on. Dates of change and texts are not: WooCommerce stamps an order at every save."""


class Booked(Protocol):
    """What is asked of a document."""

    @property
    def about(self) -> str: ...
    @property
    def total(self) -> Decimal: ...
    @property
    def posted(self) -> bool: ...


def base_of(order: OrderChanged) -> str:
    """The digest of everything that a status is decided on."""
    return digest_of(order.model_dump(mode="json", include=BASE))


def own_state(documents: Collection[Booked]) -> OwnState | None:
    """`posted` while a Sale stands, `credited` once credit notes took all of it back; None before it is posted."""
    sold = [one.total for one in documents if one.about == "sale" and one.posted]
    credited = [one.total for one in documents if one.about == "credit-note"]
    if not sold:
        return None
    return "credited" if credited and sum(credited) >= sum(sold) else "posted"


def step(state: OwnState, status: str, settings: StatusSettings) -> str | None:
    """The status that an order gets that stands in `status`; None where the list names none."""
    return (settings.posted if state == "posted" else settings.credited).get(status)


def is_unknown(status: str, settings: StatusSettings, orders: OrderSettings) -> bool:
    """Whether neither WooCommerce nor the settings know a status: then nothing is done, and it is told."""
    return status not in CORE_STATUSES | settings.named | set(_of_orders(orders))


def _of_orders(orders: OrderSettings) -> Iterable[str]:
    yield from orders.waiting_statuses
    for statuses in orders.trigger.values():
        yield from statuses
