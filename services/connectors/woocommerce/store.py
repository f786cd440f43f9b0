"""The shop itself: is it there, may we in, and how does it reckon?"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator

from contracts.reasons import Reason
from services.connectors.http.unreadable import Listing, listed
from services.connectors.woocommerce import lists, php
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.read import (
    Amount,
    Answered,
    Label,
    Scalar,
    Table,
    Text,
    Whole,
    Word,
    Yes,
    amount,
    named,
    reading,
)

SITE_FIELDS = "name,url,home,timezone_string,gmt_offset,namespaces"
"""The list of all routes, which is large, is left out."""
Hours = Annotated[Decimal, PlainValidator(lambda value: amount(value) or Decimal(0))]
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: [name for each in php.entries(value) or [] if (name := php.text(each))]),
]


class Site(Answered):
    """`/wp-json/`, open to everyone. `gmt_offset` is in hours; `time_zone` may be empty when only the offset is set."""

    name: Label = ""
    url: Text = ""
    home: Text = ""
    time_zone: Text = Field(default="", alias="timezone_string")
    gmt_offset: Hours = Decimal(0)
    namespaces: Names = ()

    @property
    def has_woocommerce(self) -> bool:
        return "wc/v3" in self.namespaces


class _Environment(Answered):
    version: Text = ""


class _Storage(Answered):
    hpos: Annotated[bool | None, PlainValidator(php.flag)] = Field(default=None, alias="HPOS_enabled")
    hpos_sync: Yes = Field(default=False, alias="HPOS_sync_enabled")


class SystemStatus(Answered):
    """WooCommerce's version and whether orders stand in their own tables (HPOS); empty where the shop hides them."""

    environment: Annotated[_Environment, Table] = _Environment()
    settings: Annotated[_Storage, Table] = _Storage()


class TaxSettings(Answered):
    """How the shop reckons now; an order keeps the settings of its creation (order-money rule 12)."""

    prices_include_tax: Yes = Field(default=False, alias="woocommerce_prices_include_tax")
    round_at_subtotal: Yes = Field(default=False, alias="woocommerce_tax_round_at_subtotal")
    based_on: Word = Field(default="", alias="woocommerce_tax_based_on")
    shipping_class: Word = Field(default="inherit", alias="woocommerce_shipping_tax_class")


class ShopTaxRate(Answered):
    """A tax rate; `tax_class` is `standard` here, where products and lines say an empty text (API fact)."""

    id: Whole
    country: Word = ""
    percent: Amount = Field(alias="rate")
    name: Label = ""
    tax_class: Scalar = Field(default="", alias="class")
    shipping: Yes = False
    compound: Yes = False


async def site(api: Api) -> Site:
    """Who answers at the shop's address, without a key."""
    return Site.model_validate(await api.index(_fields=SITE_FIELDS))


async def system_status(api: Api) -> SystemStatus:
    """Version and order storage; needs a key of a shop manager."""
    return SystemStatus.model_validate(await api.get("/system_status", _fields="environment,settings"))


async def currency(api: Api) -> str:
    """The shop's currency, e.g. `GEL`."""
    return (php.text((await api.get("/data/currencies/current")).get("code")) or "").strip()


async def setting(api: Api, group: str, name: str) -> str:
    """One of WooCommerce's settings as text, e.g. `("general", "woocommerce_price_num_decimals")`."""
    return (php.text((await api.get(f"/settings/{group}/{name}")).get("value")) or "").strip()


async def tax_settings(api: Api) -> TaxSettings:
    """How taxes are entered and rounded."""
    page = await api.page("/settings/tax", {})
    values: dict[str, Any] = {str(row.get("id")): row.get("value") for row in page.rows}
    return TaxSettings.model_validate(values)


async def tax_rates(api: Api) -> Listing[ShopTaxRate]:
    """Every tax rate of the shop, by id."""
    return await listed(lists.every(api, "/taxes", {"orderby": "id", "order": "asc"}, partial(_tax_rate, api.shop)))


def _tax_rate(shop: str, row: dict[str, Any]) -> ShopTaxRate:
    with reading(f"shop {shop}: {named('tax rate', row)}", Reason.SHOP_BAD_ANSWER):
        return ShopTaxRate.model_validate(row)


async def tax_classes(api: Api) -> list[str]:
    """The slugs of the shop's tax classes, `standard` first."""
    found = [(php.text(row.get("slug")) or "").strip() for row in (await api.page("/taxes/classes", {})).rows]
    return [slug for slug in found if slug]
