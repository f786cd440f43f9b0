"""The shop itself: is it there, may we in, and how does it reckon?"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from contracts.reasons import Reason
from services.shared.woocommerce.api import Api
from services.shared.woocommerce.pages import rows
from services.shared.woocommerce.read import Answered, Label, Table, Text, Whole, reading

SITE_FIELDS = "name,url,home,timezone_string,gmt_offset,namespaces"
"""The list of all routes, which is large, is left out."""
Yes = Annotated[bool, BeforeValidator(lambda value: value in (True, "yes", "1", 1))]


class Site(Answered):
    """`/wp-json/`, open to everyone. `gmt_offset` is in hours; `time_zone` may be empty when only the offset is set."""

    name: Label = ""
    url: Text = ""
    home: Text = ""
    time_zone: Text = Field(default="", alias="timezone_string")
    gmt_offset: Decimal = Decimal(0)
    namespaces: tuple[str, ...] = ()

    @property
    def has_woocommerce(self) -> bool:
        return "wc/v3" in self.namespaces


class _Environment(Answered):
    version: Text = ""


class _Storage(Answered):
    hpos: Yes | None = Field(default=None, alias="HPOS_enabled")
    hpos_sync: Yes = Field(default=False, alias="HPOS_sync_enabled")


class SystemStatus(Answered):
    """WooCommerce's version and whether orders stand in their own tables (HPOS); empty where the shop hides them."""

    environment: Annotated[_Environment, Table] = _Environment()
    settings: Annotated[_Storage, Table] = _Storage()


class TaxSettings(Answered):
    """How the shop reckons now; an order keeps the settings of its creation (order-money rule 12)."""

    prices_include_tax: Yes = Field(default=False, alias="woocommerce_prices_include_tax")
    round_at_subtotal: Yes = Field(default=False, alias="woocommerce_tax_round_at_subtotal")
    based_on: Text = Field(default="", alias="woocommerce_tax_based_on")
    shipping_class: Text = Field(default="inherit", alias="woocommerce_shipping_tax_class")


class ShopTaxRate(Answered):
    """A tax rate; `tax_class` is `standard` here, where products and lines say an empty text (API fact)."""

    id: Whole
    country: Text = ""
    percent: Decimal = Field(alias="rate")
    name: Label = ""
    tax_class: Text = Field(default="", alias="class")
    shipping: Yes = False
    compound: Yes = False


async def site(api: Api) -> Site:
    """Who answers at the shop's address, without a key."""
    with reading(f"shop {api.shop}: /wp-json/", Reason.SHOP_BAD_ANSWER):
        return Site.model_validate(await api.index(_fields=SITE_FIELDS))


async def system_status(api: Api) -> SystemStatus:
    """Version and order storage; needs a key of a shop manager."""
    answer = await api.get("/system_status", _fields="environment,settings")
    with reading(f"shop {api.shop}: system status", Reason.SHOP_BAD_ANSWER):
        return SystemStatus.model_validate(answer)


async def currency(api: Api) -> str:
    """The shop's currency, e.g. `GEL`."""
    return str((await api.get("/data/currencies/current")).get("code", ""))


async def setting(api: Api, group: str, name: str) -> str:
    """One of WooCommerce's settings as text, e.g. `("general", "woocommerce_price_num_decimals")`."""
    return str((await api.get(f"/settings/{group}/{name}")).get("value", ""))


async def tax_settings(api: Api) -> TaxSettings:
    """How taxes are entered and rounded."""
    page = await api.page("/settings/tax", {})
    values: dict[str, Any] = {str(row.get("id")): row.get("value") for row in page.rows}
    with reading(f"shop {api.shop}: tax settings", Reason.SHOP_BAD_ANSWER):
        return TaxSettings.model_validate(values)


async def tax_rates(api: Api) -> list[ShopTaxRate]:
    """Every tax rate of the shop, by id."""
    found = []
    async for row in rows(api, "/taxes", {"orderby": "id", "order": "asc"}):
        with reading(f"shop {api.shop}: tax rate {row.get('id')}", Reason.SHOP_BAD_ANSWER):
            found.append(ShopTaxRate.model_validate(row))
    return found


async def tax_classes(api: Api) -> list[str]:
    """The slugs of the shop's tax classes, `standard` first."""
    return [str(row.get("slug", "")) for row in (await api.page("/taxes/classes", {})).rows]
