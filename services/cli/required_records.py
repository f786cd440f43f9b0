"""`davtari helpers` and `davtari opening-stock`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, Protocol

import typer

from services.accounting.documents.ids import client_uid
from services.cli.command import FAILED, Json, Shop, command, read_settings, select_shop
from services.cli.screen import console, format_mark, print_json, report_unreadable
from services.connectors.balance.client import Balance
from services.connectors.balance.clients import ClientRef
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.store import ShopTaxRate
from services.engine.clock import utc_now
from services.settings.balance import ListTexts
from services.settings.model import Settings
from services.settings.orders import OrderSettings

# What a shop's documents need in Balance beside its items: retail client, service items, VAT rates (claim S2.4).
#
# A client may be created, with consent, as buyers are. Items are never created: their accounts, type and VAT are the
# accountant's to choose, so a message states what to add (Balance fact 35: there is no resource for VAT rates either).

RecordState = Literal["there", "missing", "not set"]
RETAIL_NAME = "საცალო მყიდველი (ონლაინ მაღაზია)"
SERVICES: Mapping[str, tuple[str, str]] = {
    "shipping_item": ("delivery", "Delivery (მიწოდება)"),
    "fee_item": ("surcharges of the shop", "Surcharge (დამატებითი საფასური)"),
    "rounding_item": ("tetri of rounding", "Rounding (დამრგვალება)"),
    "amount_item": ("refunds of an amount without goods", "Price reduction (ფასდათმობა)"),
}


class BalanceRecords(Protocol):
    """What is read of Balance, and the one thing that may be written."""

    async def item(self, uid: str) -> dict[str, Any] | None: ...
    async def client(self, uid: str) -> ClientRef | None: ...
    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None: ...
    async def put_client(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class RequiredRecord:
    """A record that documents need: the setting that names it, whether it is there, and what to do."""

    setting: str
    uid: str
    state: RecordState
    fix: str = ""


async def find_required_records(
    books: BalanceRecords, orders: OrderSettings, shop: str, rates: Iterable[ShopTaxRate]
) -> list[RequiredRecord]:
    """Every record that this shop's documents need. Writes nothing; raises `UpstreamError`."""
    services = [await _service(books, orders, shop, field) for field in SERVICES]
    return [await _retail(books, orders, shop), *services, *_vat(orders, shop, rates)]


async def _retail(books: BalanceRecords, orders: OrderSettings, shop: str) -> RequiredRecord:
    setting, uid = f"shops.{shop}.orders.retail-client", orders.retail_client or ""
    if uid and await books.client(uid) is not None:
        return RequiredRecord(setting, uid, "there")
    add = f"davtari helpers --shop {shop} --create   makes a client {RETAIL_NAME}; or copy the uid of one that is there"
    return RequiredRecord(setting, uid, "missing" if uid else "not set", add)


async def _service(books: BalanceRecords, orders: OrderSettings, shop: str, field: str) -> RequiredRecord:
    setting, uid = f"shops.{shop}.orders.{field.replace('_', '-')}", str(getattr(orders, field) or "")
    if uid and await books.item(uid) is not None:
        return RequiredRecord(setting, uid, "there")
    purpose, name = SERVICES[field]
    told = f"for {purpose}: let the accountant add a service item such as {name}, with its revenue account and VAT"
    return RequiredRecord(setting, uid, "missing" if uid else "not set", f"{told}, and write its uid there")


def _vat(orders: OrderSettings, shop: str, rates: Iterable[ShopTaxRate]) -> list[RequiredRecord]:
    wanted = sorted({f"{rate.percent.normalize():f}" for rate in rates})
    return [_rate(orders, f"shops.{shop}.orders.vat-rates", percent) for percent in wanted]


def _rate(orders: OrderSettings, setting: str, percent: str) -> RequiredRecord:
    mapped = orders.vat_rates.get(percent, "")
    fix = f"ask the accountant which VAT rate of Balance {percent} % is, and write its text or uid"
    return RequiredRecord(f'{setting}."{percent}"', mapped, "there" if mapped else "not set", "" if mapped else fix)


def build_retail_client(number: str, lists: ListTexts) -> dict[str, Any]:
    """The client that stands for buyers without a number; its uid is always the same, so that it is made once."""
    uid = client_uid(number)
    name = {"Name": RETAIL_NAME, "FullName": RETAIL_NAME}
    return {"uid": uid, **name, "ID": number, "LegalForm": lists.individual}


async def ensure_retail_client(books: BalanceRecords, number: str, lists: ListTexts) -> tuple[str, bool]:
    """The uid of the retail client under this number, and whether it was made just now. Read before and after.

    Raises `UpstreamError`, and LookupError when Balance took it and does not show it.
    """
    if found := await books.client_by_id(number):
        return found.uid, False
    await books.put_client(build_retail_client(number, lists))
    made = await books.client_by_id(number)
    if made is None:
        raise LookupError(f"Balance confirmed the client {number} and does not show it yet: try again")
    return made.uid, True


CreateOption = Annotated[bool, typer.Option("--create", help="Make the retail client in Balance if it is missing.")]
Number = Annotated[str, typer.Option(help="The number under which the retail client is made.")]


@command
async def helpers_command(
    shop: Shop = "", create: CreateOption = False, number: Number = "00000000000", json: Json = False
) -> int:
    """What this shop's documents need in Balance: retail client, service items, VAT. Nothing is made unasked."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    orders, made = chosen.shops[shop].orders, ""
    async with Balance(chosen.balance, chosen.balance.password()) as balance:
        async with open_shop(chosen, shop, utc_now) as client:
            rates = await client.tax_rates()
            found = await find_required_records(balance, orders, shop, rates.records)
        if create and found[0].state != "there":
            made = await _made(chosen, balance, number)
    if json:
        print_json({"helpers": [asdict(one) for one in found], "retail_client": made})
    else:
        _show(shop, found, made)
    report_unreadable(rates.unreadable)
    return 0 if all(one.state == "there" for one in found) and not rates.unreadable else FAILED


async def _made(chosen: Settings, balance: Balance, number: str) -> str:
    uid, _ = await ensure_retail_client(balance, number, chosen.balance.dialect.lists)
    return uid


def _show(shop: str, found: list[RequiredRecord], made: str) -> None:
    for one in found:
        console.print(f"  {format_mark(one.state == 'there')} {one.setting}   {one.uid or one.state}", soft_wrap=True)
        if one.fix:
            console.print(f"      {one.fix}", style="cyan", soft_wrap=True, markup=False)
    if made:
        console.print(
            f'The retail client is {made}. Write: [shops.{shop}.orders] retail-client = "{made}"', markup=False
        )
