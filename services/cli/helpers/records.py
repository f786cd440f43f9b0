"""What a shop's documents need in Balance beside its items: retail client, service items, VAT rates (claim S2.4).

A client may be created, with consent, as buyers are. Items are never created: their accounts, type and VAT are the
accountant's to choose, so the accountant is told what to add (API fact: no interface for VAT rates is known either).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from services.accounting.documents.uids import client_uid
from services.connectors.balance.clients import ClientRef
from services.connectors.woocommerce.store import ShopTaxRate
from services.settings.balance import ListTexts
from services.settings.orders import OrderSettings

State = Literal["there", "missing", "not set"]
RETAIL_NAME = "საცალო მყიდველი (ონლაინ მაღაზია)"
SERVICES: Mapping[str, tuple[str, str]] = {
    "shipping_item": ("delivery", "Delivery (მიწოდება)"),
    "fee_item": ("surcharges of the shop", "Surcharge (დამატებითი საფასური)"),
    "rounding_item": ("tetri of rounding", "Rounding (დამრგვალება)"),
    "amount_item": ("refunds of an amount without goods", "Price reduction (ფასდათმობა)"),
}


class Books(Protocol):
    """What is read of Balance, and the one thing that may be written."""

    async def item(self, uid: str) -> dict[str, Any] | None: ...
    async def client(self, uid: str) -> ClientRef | None: ...
    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None: ...
    async def put_client(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class Helper:
    """A record that documents need: the setting that names it, whether it is there, and what to do."""

    setting: str
    uid: str
    state: State
    fix: str = ""


async def needed(books: Books, orders: OrderSettings, shop: str, rates: Iterable[ShopTaxRate]) -> list[Helper]:
    """Every record that this shop's documents need. Writes nothing; raises `UpstreamError`."""
    services = [await _service(books, orders, shop, field) for field in SERVICES]
    return [await _retail(books, orders, shop), *services, *_vat(orders, shop, rates)]


async def _retail(books: Books, orders: OrderSettings, shop: str) -> Helper:
    setting, uid = f"shops.{shop}.orders.retail-client", orders.retail_client or ""
    if uid and await books.client(uid) is not None:
        return Helper(setting, uid, "there")
    add = f"davtari helpers --shop {shop} --create   makes a client {RETAIL_NAME}; or copy the uid of one that is there"
    return Helper(setting, uid, "missing" if uid else "not set", add)


async def _service(books: Books, orders: OrderSettings, shop: str, field: str) -> Helper:
    setting, uid = f"shops.{shop}.orders.{field.replace('_', '-')}", str(getattr(orders, field) or "")
    if uid and await books.item(uid) is not None:
        return Helper(setting, uid, "there")
    purpose, name = SERVICES[field]
    told = f"for {purpose}: let the accountant add a service item such as {name}, with its revenue account and VAT"
    return Helper(setting, uid, "missing" if uid else "not set", f"{told}, and write its uid there")


def _vat(orders: OrderSettings, shop: str, rates: Iterable[ShopTaxRate]) -> list[Helper]:
    wanted = sorted({f"{rate.percent.normalize():f}" for rate in rates})
    return [_rate(orders, f"shops.{shop}.orders.vat-rates", percent) for percent in wanted]


def _rate(orders: OrderSettings, setting: str, percent: str) -> Helper:
    mapped = orders.vat_rates.get(percent, "")
    fix = f"ask the accountant which VAT rate of Balance {percent} % is, and write its text or uid"
    return Helper(f'{setting}."{percent}"', mapped, "there" if mapped else "not set", "" if mapped else fix)


def retail_document(number: str, lists: ListTexts) -> dict[str, Any]:
    """The client that stands for buyers without a number; its uid is always the same, so that it is made once."""
    uid = client_uid(number)
    name = {"Name": RETAIL_NAME, "FullName": RETAIL_NAME}
    return {"uid": uid, **name, "ID": number, "LegalForm": lists.individual}


async def retail_client(books: Books, number: str, lists: ListTexts) -> tuple[str, bool]:
    """The uid of the retail client under this number, and whether it was made just now. Read before and after.

    Raises `UpstreamError`, and LookupError when Balance took it and does not show it.
    """
    if found := await books.client_by_id(number):
        return found.uid, False
    await books.put_client(retail_document(number, lists))
    made = await books.client_by_id(number)
    if made is None:
        raise LookupError(f"Balance confirmed the client {number} and does not show it yet: try again")
    return made.uid, True
