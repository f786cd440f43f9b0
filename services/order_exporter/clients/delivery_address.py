"""Where the goods go, in the Sale itself, also of the retail client (claim S3.55): the address, nobody's name.

It stands in the document that is sent and in no event: the ledger holds nothing personal.
"""

from __future__ import annotations

from contracts.shop import OrderChanged
from services.accounting.documents.written import COMMENT_LIMIT
from services.order_exporter.clients.client import delivery_address
from services.order_exporter.tasks import SaleTask
from services.settings.clients import ClientSettings


def with_address(task: SaleTask, order: OrderChanged, settings: ClientSettings) -> SaleTask:
    """The task with the delivery address where the settings want it."""
    address = delivery_address(order.person)
    if settings.delivery_address == "off" or not address:
        return task
    field = settings.delivery_address_field
    written = {field: address} if settings.delivery_address == "field" else {"Comments": _comment(task, address)}
    return task.model_copy(update={"person": written, "person_ref": order.person_ref})


def _comment(task: SaleTask, address: str) -> str:
    """What the comment says already stays whole: an address too long is cut."""
    return f"{task.document.get('Comments', '')} | delivery: {address}"[:COMMENT_LIMIT]
