"""Links that a person has asked for: an item without a link gets the one that was asked for (claim I15)."""

from __future__ import annotations

from contracts.catalog import ProductLinked, ProductUnlinked
from contracts.envelope import Envelope
from contracts.linking import LinkRequested
from contracts.model import Instant, Part
from services.shared.state.records import Kind, State


class Asked(Part):
    """The product that an item was said to be, and when."""

    product_id: int
    parent_id: int
    sku: str
    at: Instant


class Gone(Part):
    """When an item's product was found to be gone."""

    at: Instant


ASKED = Kind("asked-link", Asked)
GONE = Kind("gone", Gone)
"""Both by shop:item."""


def link_requested(envelope: Envelope[LinkRequested], state: State) -> None:
    """Items are to be tied to products."""
    asked = envelope.data
    for one in asked.links:
        subject = f"{asked.shop}:{one.item}"
        what = Asked(product_id=one.product_id, parent_id=one.parent_id, sku=one.sku, at=asked.asked_at)
        state.put(ASKED, subject, what)
        state.touch(subject)


def product_gone(event: ProductUnlinked, state: State) -> None:
    """The product is gone: who asked for it before that is not obeyed again."""
    state.put(GONE, event.key, Gone(at=event.unlinked_at))


def mapped(shop: str, item: str, link: ProductLinked | None, state: State) -> ProductLinked | None:
    """The link that is to be announced now; None when none was asked for, or when there is one."""
    subject = f"{shop}:{item}"
    asked, gone = state.get(ASKED, subject), state.get(GONE, subject)
    if link is not None or asked is None or (gone is not None and gone.at >= asked.at):
        return None
    product = {"product_id": asked.product_id, "parent_id": asked.parent_id, "sku": asked.sku}
    return ProductLinked.model_validate(
        {"shop": shop, "item": item, "how": "mapped", "linked_at": state.now, **product}
    )
