"""Where return requests are read: a custom field of the order, or a route of the shop's own (claim S0.25)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from contracts.returns import ReturnLine
from services.connectors.woocommerce import php
from services.connectors.woocommerce.order import order_changed
from services.refund_exporter.returns.reading import requests_of
from services.refund_exporter.returns.request import RequestInvalid
from services.refund_exporter.returns.resolving import chosen, resolved
from services.settings.returns import ReturnSettings


class Shop(Protocol):
    """What is read of a shop; nothing is written."""

    async def order(self, order_id: int) -> dict[str, Any] | None:
        """An order's JSON; None when there is none."""

    async def answer(self, path: str) -> Any:
        """The JSON of a plugin's route; None where it knows nothing."""


class Source(Protocol):
    """Something that holds the return requests of an order."""

    async def read(self, order: Mapping[str, Any]) -> Any:
        """The requests as they stand there, None where there are none."""


@dataclass(frozen=True, slots=True)
class Meta:
    """A custom field of the order; where several have the name, the last counts, as with every custom field."""

    key: str

    async def read(self, order: Mapping[str, Any]) -> Any:
        """The field's value."""
        rows = php.records(order.get("meta_data"))
        found = [row.get("value") for row in rows if row.get("key") == self.key]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Rest:
    """A route of the shop's own; `{order}` in its path stands for the order's number."""

    shop: Shop
    path: str

    async def read(self, order: Mapping[str, Any]) -> Any:
        """The route's answer."""
        return await self.shop.answer(self.path.replace("{order}", str(order["id"])))


def source_of(shop: Shop, settings: ReturnSettings) -> Source:
    """The source that the settings name. Raises `RequestInvalid` where it is off."""
    if settings.source == "off":
        raise RequestInvalid('returns.source is "off": set where this shop holds its return requests')
    return Meta(settings.meta_key) if settings.source == "meta" else Rest(shop, settings.path)


@dataclass(frozen=True, slots=True)
class Found:
    """A request of an order by lines of that order, and the refunds that the order has already."""

    id: str
    lines: tuple[ReturnLine, ...]
    refund_ids: tuple[int, ...] = ()


async def find(shop: Shop, name: str, settings: ReturnSettings, order_id: int, wanted: str | None) -> Found:
    """The wanted request of an order, or its only one. Raises `RequestInvalid` and `UpstreamError`."""
    try:
        source = source_of(shop, settings)
        if (order := await shop.order(order_id)) is None:
            raise RequestInvalid("the shop has no such order")
        request = chosen(requests_of(await source.read(order), settings.fields), wanted)
        fact = order_changed(name, order)
        return Found(request.id, resolved(request, fact.lines), fact.refund_ids)
    except RequestInvalid as error:
        raise RequestInvalid(f"order {order_id} of shop {name}: {error.detail}") from None
