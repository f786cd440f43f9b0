"""Pictures of products: only if the settings contain their address, and only when their content has changed.

The shop makes a new copy of a picture each time its address is sent, and none for its id (WooCommerce fact 26, claim
K12). Pictures that the shop's staff have set are never replaced.
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
from services.connectors.http.responses import UpstreamLabels
from services.connectors.http.upstream import Upstream
from services.connectors.woocommerce import php
from services.engine.outbox.upstream_errors import Rejected
from services.settings.model import Settings

ADVICE = "See catalogue.images in davtari.toml"
NOT_FOUND = (404, 410)


@dataclass(frozen=True, slots=True)
class Picture:
    """The address of a picture, and the SHA-256 of its content."""

    src: str
    digest: str


class ImageSource(Protocol):
    """Reads which pictures a product has."""

    async def image_ids(self, product_id: int) -> Sequence[int]: ...


class PictureSource:
    """Reads the pictures of one shop's products; `template` is the setting `catalogue.images`."""

    def __init__(self, template: str, upstream: Upstream) -> None:
        self._template, self._upstream = template, upstream

    async def find(self, sku: str) -> Picture | None:
        """Return the picture of a SKU; None if there is none. Raises `UpstreamError`."""
        src = self._template.replace("{sku}", quote(sku, safe=""))
        try:
            answer = await self._upstream.request("GET", src, writes=False)
        except Rejected as error:
            if error.status in NOT_FOUND:
                return None
            raise
        return Picture(src, sha256(answer.content).hexdigest())


@asynccontextmanager
async def open_pictures(
    settings: Settings, clock: Callable[[], datetime]
) -> AsyncIterator[Mapping[str, PictureSource]]:
    """Open the picture source of each shop whose settings have one."""
    async with AsyncExitStack() as stack:
        found = {}
        for name, shop in settings.shops.items():
            if template := shop.catalogue.images:
                labels = UpstreamLabels(f"pictures of shop {name}", Reason.SHOP_REFUSED, ADVICE, ADVICE)
                found[name] = PictureSource(template, await stack.enter_async_context(Upstream(labels, clock=clock)))
        yield found


async def with_picture(
    payload: ProductPayload, change: ProductChange, pictures: PictureSource, shop: ImageSource
) -> ProductChange:
    """Return the change with its picture, if that differs from the one sent last. Raises `UpstreamError`."""
    picture = await pictures.find(payload.nature.sku or "") if _may_have_picture(payload, change) else None
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


def _may_have_picture(payload: ProductPayload, change: ProductChange) -> bool:
    """Only products that the catalogue flow writes; the picture of a variation belongs to its parent."""
    return payload.desired.sku is not None and not (change.product and change.product.is_variation)


def with_image_id(change: ProductChange, echo: Mapping[str, Any]) -> ProductChange:
    """Return the change with the id that the shop assigned to the picture, which is the first one."""
    if not change.write.images or change.written.image is None:
        return change
    images = php.records(echo.get("images"))
    image = change.written.image.model_copy(update={"id": php.id_of(images[0]) or 0 if images else 0})
    return replace(change, written=change.written.model_copy(update={"image": image}))
