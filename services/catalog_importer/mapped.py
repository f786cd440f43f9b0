"""Links that a person has asked for: an item without a link gets the one that was asked for (claim I15), a linked item
its translations."""

from __future__ import annotations

from typing import Literal

from contracts.catalog import FurtherProduct, ProductLinked, ProductUnlinked
from contracts.envelope import Envelope
from contracts.linking import LinkRequested, RequestedLink
from contracts.model import Instant, Part
from services.engine.state.records import Kind, State


class Asked(Part):
    """The product that an item was said to be, and when."""

    product_id: int
    parent_id: int
    sku: str
    at: Instant


class AskedFurther(Part):
    """A further product that was to be added to an item's link, or removed from it, and when."""

    product_id: int
    parent_id: int
    sku: str
    action: Literal["add", "remove"]
    at: Instant


class AskedTranslations(Part):
    """The last request about each further product of an item."""

    requests: tuple[AskedFurther, ...] = ()


class Gone(Part):
    """When an item's product was found to be gone."""

    at: Instant


ASKED = Kind("asked-link", Asked)
TRANSLATIONS = Kind("asked-translations", AskedTranslations)
GONE = Kind("gone", Gone)
"""All by shop:item."""


def link_requested(envelope: Envelope[LinkRequested], state: State) -> None:
    """Items are to be tied to products."""
    asked = envelope.data
    for one in asked.links:
        subject = f"{asked.shop}:{one.item}"
        if one.further:
            _keep_further(subject, one, one.further, asked.asked_at, state)
        else:
            what = Asked(product_id=one.product_id, parent_id=one.parent_id, sku=one.sku, at=asked.asked_at)
            state.put(ASKED, subject, what)
        state.touch(subject)


def _keep_further(
    subject: str, one: RequestedLink, action: Literal["add", "remove"], at: Instant, state: State
) -> None:
    known = state.get(TRANSLATIONS, subject) or AskedTranslations()
    others = (each for each in known.requests if each.product_id != one.product_id)
    request = AskedFurther(product_id=one.product_id, parent_id=one.parent_id, sku=one.sku, action=action, at=at)
    state.put(TRANSLATIONS, subject, AskedTranslations(requests=(*others, request)))


def product_gone(event: ProductUnlinked, state: State) -> None:
    """The product is gone: who asked for it before that is not obeyed again."""
    state.put(GONE, event.key, Gone(at=event.unlinked_at))


def mapped(shop: str, item: str, link: ProductLinked | None, state: State) -> ProductLinked | None:
    """The link that is to be announced now; None when nothing was asked for that is not so already."""
    subject = f"{shop}:{item}"
    if link is not None:
        return _with_translations(link, state.get(TRANSLATIONS, subject) or AskedTranslations())
    asked, gone = state.get(ASKED, subject), state.get(GONE, subject)
    if asked is None or (gone is not None and gone.at >= asked.at):
        return None
    product = {"product_id": asked.product_id, "parent_id": asked.parent_id, "sku": asked.sku}
    return ProductLinked.model_validate(
        {"shop": shop, "item": item, "how": "mapped", "linked_at": state.now, **product}
    )


def _with_translations(link: ProductLinked, asked: AskedTranslations) -> ProductLinked | None:
    """The link with every request carried out that is later than the last one it carries."""
    since = link.further_since
    new = [one for one in asked.requests if since is None or one.at > since]
    if not new:
        return None
    held = {one.product_id: one for one in link.further}
    for one in sorted(new, key=lambda request: request.at):
        held.pop(one.product_id, None)
        if one.action == "add" and one.product_id != link.product_id:
            held[one.product_id] = FurtherProduct(product_id=one.product_id, parent_id=one.parent_id, sku=one.sku)
    update = {"further": tuple(held.values()), "further_since": max(one.at for one in new)}
    return link.model_copy(update=update)
