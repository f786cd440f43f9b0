"""The shop itself: site, access rights, version, settings, taxes and shipping zones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator

from contracts.reasons import Reason
from services.connectors.http.listing import Listing, UnreadableRecord, collect_listing
from services.connectors.woocommerce import php
from services.connectors.woocommerce.api import ShopApi
from services.connectors.woocommerce.diagnosis import fix_of
from services.connectors.woocommerce.pages import read_records
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
    name_record,
    or_unreadable,
    parse_amount,
    reading_record,
)
from services.engine.outbox.upstream_errors import AccessDenied, Misaddressed, Rejected

SITE_FIELDS = "name,url,home,timezone_string,gmt_offset,namespaces"
"""Without the list of all routes, which is large."""
Hours = Annotated[Decimal, PlainValidator(lambda value: parse_amount(value) or Decimal(0))]
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: [name for each in php.entries(value) or [] if (name := php.text(each))]),
]


class Site(Answered):
    """`/wp-json/`, which needs no key. `gmt_offset` is in hours; `time_zone` may be empty if only the offset is set."""

    name: Label = ""
    url: Text = ""
    home: Text = ""
    time_zone: Text = Field(default="", alias="timezone_string")
    gmt_offset: Hours = Decimal(0)
    namespaces: Names = ()

    @property
    def has_woocommerce(self) -> bool:
        """Whether WooCommerce's REST API (`wc/v3`) is active."""
        return "wc/v3" in self.namespaces


@dataclass(frozen=True, slots=True)
class AccessProbe:
    """What the key may do. `problems` states each fault with its fix; empty when there is none.

    `time_zone` is a name or an offset in hours.
    """

    name: str
    home: str
    time_zone: str
    may_read: bool
    may_write: bool
    problems: tuple[str, ...]


class _Environment(Answered):
    version: Text = ""


class _Storage(Answered):
    hpos: Annotated[bool | None, PlainValidator(php.flag)] = Field(default=None, alias="HPOS_enabled")
    hpos_sync: Yes = Field(default=False, alias="HPOS_sync_enabled")


class SystemStatus(Answered):
    """WooCommerce's version, and whether orders have their own tables (HPOS); empty if the shop hides them."""

    environment: Annotated[_Environment, Table] = _Environment()
    settings: Annotated[_Storage, Table] = _Storage()


class TaxSettings(Answered):
    """The shop's current tax settings; an order keeps the settings of its creation (rule 12)."""

    prices_include_tax: Yes = Field(default=False, alias="woocommerce_prices_include_tax")
    round_at_subtotal: Yes = Field(default=False, alias="woocommerce_tax_round_at_subtotal")
    based_on: Word = Field(default="", alias="woocommerce_tax_based_on")
    shipping_class: Word = Field(default="inherit", alias="woocommerce_shipping_tax_class")


class ShopTaxRate(Answered):
    """A tax rate; `tax_class` is `standard` here, where products and lines have an empty text (WooCommerce fact 68)."""

    id: Whole
    country: Word = ""
    percent: Amount = Field(alias="rate")
    name: Label = ""
    tax_class: Scalar = Field(default="", alias="class")
    shipping: Yes = False
    compound: Yes = False


class ShippingZone(Answered):
    """A zone; 0 is the rest of the world."""

    id: Annotated[Whole, Field(ge=0)]
    name: Label = ""


class ShippingMethod(Answered):
    """One instance of a method; it belongs to one zone (WooCommerce fact 49)."""

    instance_id: Whole
    method_id: Scalar
    title: Label = ""
    enabled: Yes = True
    zone: str = ""

    @property
    def name(self) -> str:
        """The name used by orders and rules: `flat_rate:3`."""
        return f"{self.method_id}:{self.instance_id}"


class StoreCalls:
    """The calls that concern the shop itself."""

    _api: ShopApi

    async def site(self) -> Site:
        """The site that answers at the shop's URL; read without the key."""
        return Site.model_validate(await self._api.index(_fields=SITE_FIELDS))

    async def probe(self) -> AccessProbe:
        """Check the site and what the key may do; changes nothing.

        Raises `Misaddressed` when no WooCommerce answers there, and `Unavailable` when nothing does.
        """
        site = await self.site()
        if not site.has_woocommerce:
            raise _build_no_woocommerce(self._api.shop)
        reads = await _find_denial(self._api.page("/orders", {"per_page": 1, "_fields": "id"}))
        # WooCommerce fact 29: an empty batch does nothing
        writes = await _find_denial(self._api.write("POST", "/products/batch", {}))
        return AccessProbe(
            name=site.name,
            home=site.home or site.url,
            time_zone=site.time_zone or f"UTC{site.gmt_offset:+f}",
            may_read=reads is None,
            may_write=writes is None,
            problems=tuple(problem for problem in (reads, writes) if problem),
        )

    async def status(self) -> SystemStatus:
        """Version and order storage, which may take the shop seconds; empty if the shop hides them from this key."""
        try:
            return SystemStatus.model_validate(await self._api.get("/system_status", _fields="environment,settings"))
        except (AccessDenied, Rejected):  # a key with fewer rights is enough for everything else
            return SystemStatus()

    async def currency(self) -> str:
        """The shop's currency, e.g. `GEL`."""
        return (php.text((await self._api.get("/data/currencies/current")).get("code")) or "").strip()

    async def setting(self, group: str, name: str) -> str:
        """One of WooCommerce's settings as text, e.g. `("general", "woocommerce_price_num_decimals")`."""
        return (php.text((await self._api.get(f"/settings/{group}/{name}")).get("value")) or "").strip()

    async def tax_settings(self) -> TaxSettings:
        """How the shop enters and rounds taxes."""
        page = await self._api.page("/settings/tax", {})
        values: dict[str, Any] = {str(row.get("id")): row.get("value") for row in page.rows}
        return TaxSettings.model_validate(values)

    async def tax_rates(self) -> Listing[ShopTaxRate]:
        """Every tax rate of the shop, by id."""
        read = partial(_read_tax_rate, self._api.shop)
        return await collect_listing(read_records(self._api, "/taxes", {"orderby": "id", "order": "asc"}, read))

    async def tax_classes(self) -> list[str]:
        """The slugs of the shop's tax classes, `standard` first."""
        rows = (await self._api.page("/taxes/classes", {})).rows
        return [slug for row in rows if (slug := (php.text(row.get("slug")) or "").strip())]

    async def shipping_methods(self) -> Listing[ShippingMethod]:
        """Every shipping method, zone by zone; these lists have no pages."""
        return await collect_listing(_read_shipping_methods(self._api))


def _build_no_woocommerce(shop: str) -> Misaddressed:
    fix = fix_of(Reason.SHOP_ADDRESS_WRONG, shop)
    text = f"shop {shop}: WordPress answers, but no WooCommerce (wc/v3). {fix}"
    return Misaddressed(text, reason=Reason.SHOP_ADDRESS_WRONG)


async def _find_denial(call: Awaitable[Any]) -> str | None:
    try:
        await call
    except AccessDenied as error:
        return error.message
    return None


def _read_tax_rate(shop: str, row: dict[str, Any]) -> ShopTaxRate:
    with reading_record(f"shop {shop}: {name_record('tax rate', row)}", Reason.SHOP_BAD_ANSWER):
        return ShopTaxRate.model_validate(row)


async def _read_shipping_methods(api: ShopApi) -> AsyncIterator[ShippingMethod | UnreadableRecord]:
    for row in (await api.page("/shipping/zones", {})).rows:
        zone = or_unreadable(partial(_read_zone, api.shop, row))
        if isinstance(zone, UnreadableRecord):
            yield zone
            continue
        for each in (await api.page(f"/shipping/zones/{zone.id}/methods", {})).rows:
            yield or_unreadable(partial(_read_method, api.shop, zone, each))


def _read_zone(shop: str, row: Mapping[str, Any]) -> ShippingZone:
    with reading_record(f"shop {shop}: {name_record('shipping zone', row)}", Reason.SHOP_BAD_ANSWER):
        return ShippingZone.model_validate(row)


def _read_method(shop: str, zone: ShippingZone, row: Mapping[str, Any]) -> ShippingMethod:
    what = f"shop {shop}: shipping zone {zone.id}, {name_record('method', row)}"
    with reading_record(what, Reason.SHOP_BAD_ANSWER):
        return ShippingMethod.model_validate({**row, "zone": zone.name})
