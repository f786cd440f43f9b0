"""The shop's shipping zones and their methods. API fact: each instance of a method belongs to one zone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from contracts.reasons import Reason
from services.connectors.http.unreadable import Listing, Unreadable, listed
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.read import Answered, Label, Scalar, Whole, Yes, named, or_unreadable, reading


class ShippingZone(Answered):
    """A zone; 0 is the rest of the world."""

    id: Annotated[Whole, Field(ge=0)]
    name: Label = ""


class ShippingMethod(Answered):
    """One instance of a method in a zone."""

    instance_id: Whole
    method_id: Scalar
    title: Label = ""
    enabled: Yes = True
    zone: str = ""

    @property
    def name(self) -> str:
        """How orders and rules name it: `flat_rate:3`."""
        return f"{self.method_id}:{self.instance_id}"


async def methods(api: Api) -> Listing[ShippingMethod]:
    """Every method of every zone, zone by zone; these lists have no pages."""
    return await listed(_methods(api))


async def _methods(api: Api) -> AsyncIterator[ShippingMethod | Unreadable]:
    for row in (await api.page("/shipping/zones", {})).rows:
        zone = or_unreadable(partial(_zone, api.shop, row))
        if isinstance(zone, Unreadable):
            yield zone
            continue
        for each in (await api.page(f"/shipping/zones/{zone.id}/methods", {})).rows:
            yield or_unreadable(partial(_method, api.shop, zone, each))


def _zone(shop: str, row: Mapping[str, Any]) -> ShippingZone:
    with reading(f"shop {shop}: {named('shipping zone', row)}", Reason.SHOP_BAD_ANSWER):
        return ShippingZone.model_validate(row)


def _method(shop: str, zone: ShippingZone, row: Mapping[str, Any]) -> ShippingMethod:
    with reading(f"shop {shop}: shipping zone {zone.id}, {named('method', row)}", Reason.SHOP_BAD_ANSWER):
        return ShippingMethod.model_validate({**row, "zone": zone.name})
