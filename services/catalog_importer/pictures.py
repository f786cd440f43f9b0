"""Pictures of products: only where the settings say where they lie, and only when their content has changed.

API fact: the shop makes a new copy of a picture each time that it is given an address, and none for an id (claim K12).
Pictures that the storefront has given a product are never replaced.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import quote

from contracts.catalog import WrittenImage
from contracts.reasons import Reason
from services.catalog_importer.placement import ProductChange
from services.catalog_importer.product import ProductPayload
from services.connectors.http.http import Upstream
from services.connectors.http.voice import Voice
from services.connectors.woocommerce import php
from services.engine.outbox.upstream_errors import Rejected
from services.settings.model import Settings

MEND = "See catalogue.images in davtari.toml"
NOT_THERE = (404, 410)


@dataclass(frozen=True, slots=True)
class Picture:
    """Where a picture lies, and the SHA-256 of its content."""

    src: str
    digest: str


class ImageSource(Protocol):
    """The part of a shop that pictures are looked up in."""

    async def image_ids(self, product_id: int) -> Sequence[int]: ...


class PictureSource:
    """The pictures of one shop's products; `template` is `catalogue.images` of its settings."""

    def __init__(self, template: str, upstream: Upstream) -> None:
        self._template, self._upstream = template, upstream

    async def look(self, sku: str) -> Picture | None:
        """The picture of a SKU; None when there is none. Raises `UpstreamError`."""
        src = self._template.replace("{sku}", quote(sku, safe=""))
        try:
            answer = await self._upstream.request("GET", src, writes=False)
        except Rejected as error:
            if error.status in NOT_THERE:
                return None
            raise
        return Picture(src, sha256(answer.content).hexdigest())


@asynccontextmanager
async def open_pictures(
    settings: Settings, clock: Callable[[], datetime]
) -> AsyncIterator[Mapping[str, PictureSource]]:
    """The pictures of each shop whose settings name them."""
    async with AsyncExitStack() as stack:
        found = {}
        for name, shop in settings.shops.items():
            if template := shop.catalogue.images:
                voice = Voice(f"pictures of shop {name}", Reason.SHOP_REFUSED, MEND, MEND)
                found[name] = PictureSource(template, await stack.enter_async_context(Upstream(voice, clock=clock)))
        yield found


async def with_picture(
    payload: ProductPayload, change: ProductChange, pictures: PictureSource, shop: ImageSource
) -> ProductChange:
    """The change with its picture, where that is another than was sent last. Raises `UpstreamError`."""
    picture = await pictures.look(payload.nature.sku or "") if _has_pictures(payload, change) else None
    sent = payload.base.image
    if picture is None or (sent and sent.digest == picture.digest):
        return change
    held = await shop.image_ids(change.product.id) if change.product else ()
    if held and (sent is None or sent.id not in held):
        return change
    images = (picture.src, *(one for one in held if sent and one != sent.id))
    write = change.write.model_copy(update={"images": images})
    written = change.written.model_copy(update={"image": WrittenImage(digest=picture.digest)})
    return replace(change, write=write, written=written)


def _has_pictures(payload: ProductPayload, change: ProductChange) -> bool:
    """Only what the catalogue flow writes; a variation's picture is its parent's affair."""
    return payload.desired.sku is not None and not (change.product and change.product.is_variation)


def with_image_id(change: ProductChange, echo: Mapping[str, Any]) -> ProductChange:
    """The change with the id that the shop has given to the picture, which is the first one."""
    if not change.write.images or change.written.image is None:
        return change
    images = php.records(echo.get("images"))
    image = change.written.image.model_copy(update={"id": php.id_of(images[0]) or 0 if images else 0})
    return replace(change, written=change.written.model_copy(update={"image": image}))
