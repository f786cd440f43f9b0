"""`davtari helpers`: the records that a shop's documents need in Balance besides items and buyers (claim S2.4).

The retail client may be created on request. Items are never created: their accounts, type and VAT rate are the
accountant's decision, so the command lists what the accountant must add."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, Protocol

import typer

from services.accounting.documents.ids import client_uid
from services.cli.command import FAILED, Json, Shop, command, read_settings, select_shop
from services.cli.screen import compose, console, format_mark, print_json, report_unreadable
from services.connectors.balance.client import Balance
from services.connectors.balance.clients import ClientRef
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.store import ShopTaxRate
from services.engine.clock import utc_now
from services.settings.balance import ListTexts
from services.settings.model import Settings
from services.settings.orders import OrderSettings

RecordState = Literal["found", "missing", "not set"]
RETAIL_NAME = "საცალო მყიდველი (ონლაინ მაღაზია)"
SERVICES: Mapping[str, tuple[str, str]] = {
    "shipping_item": ("delivery", "Delivery (მიწოდება)"),
    "fee_item": ("surcharges of the shop", "Surcharge (დამატებითი საფასური)"),
    "rounding_item": ("tetri of rounding", "Rounding (დამრგვალება)"),
    "amount_item": ("refunds of an amount without goods", "Price reduction (ფასდათმობა)"),
}


class BalanceRecords(Protocol):
    """The part of Balance that is read; only the retail client is written."""

    async def item(self, uid: str) -> dict[str, Any] | None: ...
    async def client(self, uid: str) -> ClientRef | None: ...
    async def client_by_id(self, personal_or_company_id: str) -> ClientRef | None: ...
    async def put_client(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class RequiredRecord:
    """A record that documents need: the setting that names it, its state, and what to do."""

    setting: str
    uid: str
    state: RecordState
    fix: str = ""


async def find_required_records(
    books: BalanceRecords, orders: OrderSettings, shop: str, rates: Iterable[ShopTaxRate]
) -> list[RequiredRecord]:
    """List the records that a shop's documents need. Writes nothing. Raises `UpstreamError`."""
    services = [await _service(books, orders, shop, field) for field in SERVICES]
    return [await _retail(books, orders, shop), *services, *_vat(orders, shop, rates)]


async def _retail(books: BalanceRecords, orders: OrderSettings, shop: str) -> RequiredRecord:
    setting, uid = f"shops.{shop}.orders.retail-client", orders.retail_client or ""
    if uid and await books.client(uid) is not None:
        return RequiredRecord(setting, uid, "found")
    add = f"davtari helpers --shop {shop} --create   creates {RETAIL_NAME}; or set the uid of an existing client"
    return RequiredRecord(setting, uid, "missing" if uid else "not set", add)


async def _service(books: BalanceRecords, orders: OrderSettings, shop: str, field: str) -> RequiredRecord:
    setting, uid = f"shops.{shop}.orders.{field.replace('_', '-')}", str(getattr(orders, field) or "")
    if uid and await books.item(uid) is not None:
        return RequiredRecord(setting, uid, "found")
    purpose, name = SERVICES[field]
    add = f"for {purpose}: ask the accountant to add a service item such as {name}, with revenue account and VAT"
    return RequiredRecord(setting, uid, "missing" if uid else "not set", f"{add}, and set its uid here")


def _vat(orders: OrderSettings, shop: str, rates: Iterable[ShopTaxRate]) -> list[RequiredRecord]:
    wanted = sorted({f"{rate.percent.normalize():f}" for rate in rates})
    return [_rate(orders, f"shops.{shop}.orders.vat-rates", percent) for percent in wanted]


def _rate(orders: OrderSettings, setting: str, percent: str) -> RequiredRecord:
    mapped = orders.vat_rates.get(percent, "")
    fix = f"ask the accountant which VAT rate of Balance means {percent} %, and set its text or uid"
    return RequiredRecord(f'{setting}."{percent}"', mapped, "found" if mapped else "not set", "" if mapped else fix)


def build_retail_client(number: str, lists: ListTexts) -> dict[str, Any]:
    """The document of the retail client, which represents buyers without a number. Its uid is fixed."""
    uid = client_uid(number)
    name = {"Name": RETAIL_NAME, "FullName": RETAIL_NAME}
    return {"uid": uid, **name, "ID": number, "LegalForm": lists.individual}


async def ensure_retail_client(books: BalanceRecords, number: str, lists: ListTexts) -> tuple[str, bool]:
    """Find or create the retail client with this number. Returns its uid and whether it was created.

    Raises `UpstreamError`, and `LookupError` if Balance accepted the client but does not return it.
    """
    if found := await books.client_by_id(number):
        return found.uid, False
    await books.put_client(build_retail_client(number, lists))
    made = await books.client_by_id(number)
    if made is None:
        raise LookupError(f"Balance accepted the client {number} but does not return it yet. Try again")
    return made.uid, True


CreateOption = Annotated[bool, typer.Option("--create", help="Create the retail client in Balance if it is missing.")]
Number = Annotated[str, typer.Option(help="The identification number of the retail client.")]


@command
async def helpers_command(
    shop: Shop = "", create: CreateOption = False, number: Number = "00000000000", json: Json = False
) -> int:
    """List what a shop's documents need in Balance: the retail client, service items, VAT rates."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    orders, made = chosen.shops[shop].orders, ""
    async with Balance(chosen.balance, chosen.balance.password()) as balance:
        async with open_shop(chosen, shop, utc_now) as client:
            rates = await client.tax_rates()
            found = await find_required_records(balance, orders, shop, rates.records)
        if create and found[0].state != "found":
            made = await _create_retail_client(chosen, balance, number)
    if json:
        print_json({"helpers": [asdict(one) for one in found], "retail_client": made})
    else:
        _show(shop, found, made)
    report_unreadable(rates.unreadable)
    return 0 if all(one.state == "found" for one in found) and not rates.unreadable else FAILED


async def _create_retail_client(chosen: Settings, balance: Balance, number: str) -> str:
    uid, _ = await ensure_retail_client(balance, number, chosen.balance.dialect.lists)
    return uid


def _show(shop: str, found: list[RequiredRecord], made: str) -> None:
    for one in found:
        mark = format_mark(one.state == "found")
        console.print(compose("  ", mark, f" {one.setting}   {one.uid or one.state}"), soft_wrap=True)
        if one.fix:
            console.print(f"      {one.fix}", style="cyan", soft_wrap=True)
    if made:
        console.print(
            f'The retail client is {made}. Add to the settings: [shops.{shop}.orders] retail-client = "{made}"',
        )
