"""Balance's discounts as a source of sale prices: off, until somebody says so."""

from __future__ import annotations

from pydantic import Field

from services.settings.base import Section


class DiscountSettings(Section):
    """What of Balance's resource `Discounts` is taken. A shop uses them with `shops.….prices.discounts`."""

    read: bool = Field(default=False, description="read them with every import of prices")
    resource: str = Field(default="Discounts", description="as this build of Balance names the resource")
    unconditional: tuple[str, ...] = Field(
        default=("უპირობოდ",), description="texts of DiscountCondition that ask for nothing; any other is left out"
    )
    special_price: bool = Field(default=False, description="take SpecialPrice too, as the price itself")
    dateless: bool = Field(default=False, description="take discounts without a date too, as always on")
    all_goods: bool = Field(default=False, description="take discounts that name no item too, for every item")
