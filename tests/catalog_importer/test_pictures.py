"""Pictures are sent only where the settings say where they lie, and only when their content is another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from contracts.reasons import Reason
from services.catalog_importer.deliveries import ProductDeliveries
from services.catalog_importer.pictures import PictureSource
from services.connectors.http.responses import UpstreamLabels
from services.connectors.http.upstream import Upstream
from services.sandbox.woocommerce import product
from services.settings.model import Settings
from tests.catalog_importer.catalogue_bench import World, item, links, price, priced, settings, world

TEMPLATE = "https://files.test/pictures/{sku}.jpg"
WITH = settings(catalogue={"images": TEMPLATE})
PICTURE = b"\xff\xd8 a picture"


@dataclass
class Files:
    """A web server with pictures, by path."""

    held: dict[str, bytes] = field(default_factory=dict)
    status: int | None = None
    asked: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        found = self.held.get(request.url.path)
        return httpx.Response(self.status or (404 if found is None else 200), content=found or b"")


@dataclass
class Scene:
    """The importer with pictures; `media` are the addresses that the shop has made copies of."""

    world: World
    files: Files
    media: list[str]

    async def sync(self, amount: str, **more: Any) -> dict[str, Any]:
        """One more price of the tea; gives its product."""
        await self.world.take(item(**more), priced("tea-100", price(amount)))
        [product] = self.world.shop.products.values()
        return product

    def image_ids(self) -> list[int]:
        """The pictures of the tea."""
        [product] = self.world.shop.products.values()
        return [image["id"] for image in product["images"]]


@asynccontextmanager
async def scene(monkeypatch: pytest.MonkeyPatch, rules: Settings = WITH) -> AsyncIterator[Scene]:
    """An empty shop, and a picture of the tea."""
    files, media, upload = Files({"/pictures/TEA-100.jpg": PICTURE}), [], product.upload_image

    def uploaded(shop: Any, src: str) -> Any:
        media.append(src)
        return upload(shop, src)

    monkeypatch.setattr(product, "upload_image", uploaded)
    labels = UpstreamLabels("pictures", Reason.SHOP_REFUSED, "", "")
    async with world(rules) as w, Upstream(labels, transport=httpx.MockTransport(files)) as upstream:
        template = rules.shops["main"].catalogue.images
        pictures = PictureSource(template, upstream) if template else None
        w.deliver = ProductDeliveries(rules.shops["main"], w.client, lambda: w.consumer.state.now, pictures)
        yield Scene(w, files, media)


@pytest.mark.claim("K12")
async def test_a_hundred_syncs_leave_the_media_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene(monkeypatch) as s:
        await s.sync("10")
        [picture] = s.image_ids()
        for n in range(100):
            product = await s.sync(f"{10 + n % 2}.50", name=f"Tea {n}")
            assert product["regular_price"] == f"{10 + n % 2}.50"
        assert s.media == ["https://files.test/pictures/TEA-100.jpg"]
        assert s.image_ids() == [picture]
        assert s.files.asked == 101


@pytest.mark.claim("K12", "S3.58")
async def test_without_being_asked_for_no_picture_is_sent_in_a_hundred_syncs(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene(monkeypatch, settings()) as s:
        for n in range(100):
            await s.sync(f"{10 + n % 2}.50")
        assert (s.media, s.image_ids(), s.files.asked) == ([], [], 0)


@pytest.mark.claim("K12")
async def test_another_picture_takes_the_place_of_ours_and_of_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene(monkeypatch) as s:
        product = await s.sync("10")
        [ours] = s.image_ids()
        product["images"].append({"id": 777, "src": "https://shop.test/by-hand.jpg"})
        s.files.held["/pictures/TEA-100.jpg"] = b"another picture"
        await s.sync("11")
        assert len(s.media) == 2
        assert s.image_ids()[1:] == [777]
        assert ours not in s.image_ids()
        await s.sync("12")
        assert len(s.media) == 2


@pytest.mark.claim("K12", "S3.58")
async def test_the_storefronts_own_pictures_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene(monkeypatch) as s:
        held = [{"src": "https://shop.test/by-hand.jpg"}]
        s.world.product(name="Tea", sku="TEA-100", images=held)
        before = s.image_ids()
        s.media.clear()
        [link] = links(await s.world.take(item(), priced("tea-100", price("10"))))
        assert (link.how, s.media, s.image_ids()) == ("adopted", [], before)


async def test_a_picture_that_the_storefront_took_out_is_not_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene(monkeypatch) as s:
        product = await s.sync("10")
        product["images"] = []
        await s.sync("11")
        assert s.image_ids() == []


@pytest.mark.parametrize("status", [404, 500, 403, 301])
async def test_an_unavailable_picture_delays_no_product(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene(monkeypatch) as s:
        s.files.status = status
        product = await s.sync("10")
        assert (product["regular_price"], s.image_ids()) == ("10.00", [])
        s.files.status = None
        await s.sync("11")
        assert len(s.image_ids()) == 1


async def test_a_picture_that_the_shop_cannot_copy_stops_only_its_own_item(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = settings(catalogue={"images": "https://files.test:9999/{sku}.jpg"})
    async with scene(monkeypatch, rules) as s:
        s.files.held["/TEA-100.jpg"] = PICTURE
        await s.world.take(item(), item("tea-200"), priced("tea-100", price("10")), priced("tea-200", price("10")))
        [made] = s.world.shop.products.values()
        assert made["sku"] == "TEA-200"
        assert any("woocommerce_product_image_upload_error" in str(outcome) for outcome in s.world.outcomes)
