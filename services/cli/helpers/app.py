"""`davtari helpers` and `davtari opening-stock`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from services.cli.command import FAILED, Json, Shop, command, read_settings, select_shop
from services.cli.helpers import opening, records
from services.cli.screen import console, format_mark, print_json, report_unreadable
from services.connectors.balance.client import Balance
from services.connectors.upstreams import open_shop
from services.engine.runtime.clock import utc_now
from services.settings.model import Settings

Create = Annotated[bool, typer.Option("--create", help="Make the retail client in Balance if it is missing.")]
Number = Annotated[str, typer.Option(help="The number under which the retail client is made.")]


@command
async def helpers_command(
    shop: Shop = "", create: Create = False, number: Number = "00000000000", json: Json = False
) -> int:
    """What this shop's documents need in Balance: retail client, service items, VAT. Nothing is made unasked."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    orders, made = chosen.shops[shop].orders, ""
    async with Balance(chosen.balance, chosen.balance.password()) as balance:
        async with open_shop(chosen, shop, utc_now) as client:
            rates = await client.tax_rates()
            found = await records.needed(balance, orders, shop, rates.records)
        if create and found[0].state != "there":
            made = await _made(chosen, balance, number)
    if json:
        print_json({"helpers": [asdict(one) for one in found], "retail_client": made})
    else:
        _show(shop, found, made)
    report_unreadable(rates.unreadable)
    return 0 if all(one.state == "there" for one in found) and not rates.unreadable else FAILED


async def _made(chosen: Settings, balance: Balance, number: str) -> str:
    uid, _ = await records.retail_client(balance, number, chosen.balance.dialect.lists)
    return uid


def _show(shop: str, found: list[records.Helper], made: str) -> None:
    for one in found:
        console.print(f"  {format_mark(one.state == 'there')} {one.setting}   {one.uid or one.state}", soft_wrap=True)
        if one.fix:
            console.print(f"      {one.fix}", style="cyan", soft_wrap=True, markup=False)
    if made:
        console.print(
            f'The retail client is {made}. Write: [shops.{shop}.orders] retail-client = "{made}"', markup=False
        )


@command
async def opening_stock_command(path: Path, shop: Shop = "") -> int:
    """Write a shop's stock as CSV for the accountant, who enters it in Balance. Nothing is posted."""
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    async with open_shop(chosen, shop, utc_now) as client:
        rows, left_out = await opening.rows(client, chosen.shops[shop].catalogue.meta_key)
    opening.write(rows, path)
    console.print(f"{len(rows)} products with stock written to {path}. Nothing was posted: hand it to the accountant.")
    report_unreadable(left_out)
    return FAILED if left_out else 0
