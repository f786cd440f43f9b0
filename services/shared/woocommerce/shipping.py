"""The shop's shipping zones and their methods. API fact: each instance of a method belongs to one zone."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from contracts.reasons import Reason
from services.shared.woocommerce.api import Api
from services.shared.woocommerce.read import Answered, Label, Text, Whole, reading
from services.shared.woocommerce.store import Yes


class ShippingZone(Answered):
    """A zone; 0 is the rest of the world."""

    id: Annotated[Whole, Field(ge=0)]
    name: Label = ""


class ShippingMethod(Answered):
    """One instance of a method in a zone."""

    instance_id: Whole
    method_id: Text
    title: Label = ""
    enabled: Yes = True
    zone: str = ""

    @property
    def name(self) -> str:
        """How orders and rules name it: `flat_rate:3`."""
        return f"{self.method_id}:{self.instance_id}"


async def methods(api: Api) -> list[ShippingMethod]:
    """Every method of every zone, zone by zone; these lists have no pages."""
    found: list[ShippingMethod] = []
    for zone in await _zones(api):
        page = await api.page(f"/shipping/zones/{zone.id}/methods", {})
        with reading(f"shop {api.shop}: shipping zone {zone.id}", Reason.SHOP_BAD_ANSWER):
            found += [ShippingMethod.model_validate({**row, "zone": zone.name}) for row in page.rows]
    return found


async def _zones(api: Api) -> list[ShippingZone]:
    page = await api.page("/shipping/zones", {})
    with reading(f"shop {api.shop}: shipping zones", Reason.SHOP_BAD_ANSWER):
        return [ShippingZone.model_validate(row) for row in page.rows]
