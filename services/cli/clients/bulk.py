"""`davtari import clients` and `davtari export clients`: many at once, looked at first, counted with reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Literal

import typer

from services.cli import shop_identity
from services.cli.clients import transfer
from services.cli.command import FAILED, DryRun, Json, Shop, command, read_settings, select_shop
from services.cli.screen import console, print_json, report_unreadable
from services.connectors.balance.client import Balance
from services.connectors.http.listing import UnreadableRecord, skip_unreadable
from services.connectors.identity.status import describe_block
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.customers import IdentityKeys
from services.engine.clock import utc_now
from services.settings import Settings, SettingsError

export_app = typer.Typer(no_args_is_help=True, help="Make records in a shop of what Balance holds.")
Verdict = transfer.ImportVerdict | transfer.ExportVerdict
Yes = Annotated[bool, typer.Option("--yes", help="Really do it; without it, clients are only looked at.")]


async def import_clients(shop: str, *, write: bool, json: bool) -> int:
    """Customer accounts that gave a number become clients of Balance; gives the exit code."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    orders = chosen.shops[name].orders
    if write:
        await _check_may_write(chosen, name)
        if not orders.create_clients:
            raise SettingsError(f"shops.{name}.orders.create-clients is false: no client is made")
    keys = IdentityKeys.of(orders.personal_id_keys, orders.company_id_keys)
    rules, left_out = transfer.ImportRules(name, keys, chosen.balance.dialect.lists), list[UnreadableRecord]()
    async with _open_systems(chosen, name) as (balance, client):
        there = await transfer.index_by_number(skip_unreadable(balance.every_client(), left_out))
        found = await transfer.plan_import(skip_unreadable(client.every_customer(), left_out), there, rules)
        with _show_progress("accounts", len(found), write) as moved:
            done = await transfer.create_clients(found, balance, moved) if write else found
    return _report(done, left_out, "accounts", write=write, json=json)


@export_app.command(name="clients")
@command
async def export_clients(shop: Shop = "", yes: Yes = False, dry_run: DryRun = False, json: Json = False) -> int:
    """Make customer accounts in a shop of Balance's companies with an e-mail and consent. The shop may greet them."""
    chosen = read_settings()
    name, write = select_shop(chosen, shop), yes and not dry_run
    orders = chosen.shops[name].orders
    if not (orders.clients.export.consent_field or orders.clients.export.consent_list):
        section = f"shops.{name}.orders.clients.export"
        raise SettingsError(f"{section}: name consent-field or consent-list; nobody is exported without consent")
    if write:
        await _check_may_write(chosen, name)
    rules = transfer.ExportRules(orders.clients.export, next(iter(orders.company_id_keys), ""))
    left_out: list[UnreadableRecord] = []
    async with _open_systems(chosen, name) as (balance, client):
        there = await transfer.index_by_email(skip_unreadable(client.every_customer(), left_out))
        found = await transfer.plan_export(skip_unreadable(balance.every_client(), left_out), there, rules)
        with _show_progress("clients", len(found), write) as moved:
            done = await transfer.create_accounts(found, client, moved) if write else found
    return _report(done, left_out, "clients", write=write, json=json)


@asynccontextmanager
async def _open_systems(chosen: Settings, shop: str) -> AsyncIterator[tuple[Balance, WooCommerce]]:
    password = chosen.balance.password()
    async with Balance(chosen.balance, password) as balance, open_shop(chosen, shop, utc_now) as client:
        yield balance, client


async def _check_may_write(chosen: Settings, shop: str) -> None:
    """Raises `SettingsError` unless the shop's orders are live, and it is still our shop."""
    if chosen.shops[shop].flows.orders != "live":
        raise SettingsError(f'shops.{shop}.flows.orders is not "live": clients can only be looked at')
    standing = (await shop_identity.read_identities(chosen))[shop]
    if standing.strange is not None:
        raise SettingsError(describe_block(standing.strange))


@contextmanager
def _show_progress(what: str, count: int, write: bool) -> Iterator[Callable[[int], None]]:
    with console.status(f"0 of {count} {what}…" if write else "") as status:
        yield lambda done: status.update(f"{done} of {count} {what}…")


def _report(
    done: Sequence[Verdict],
    left_out: Sequence[UnreadableRecord],
    what: Literal["accounts", "clients"],
    *,
    write: bool,
    json: bool,
) -> int:
    tally = Counter((one.outcome, one.why) for one in done)
    if json:
        figures = [{"outcome": outcome, "why": why, "count": count} for (outcome, why), count in tally.items()]
        print_json({"written": write, "counts": figures, what: [_to_dict(one) for one in done]})
    else:
        console.print(f"{len(done)} {what}" + ("" if write else "; nothing was written (--yes writes)"))
        for (outcome, why), count in sorted(tally.items()):
            console.print(f"  {count:>6} {OUTCOMES[outcome]}{': ' + why if why else ''}", soft_wrap=True, markup=False)
    report_unreadable(left_out)
    return FAILED if left_out or any(one.outcome == "failed" for one in done) else 0


OUTCOMES = {
    "new": "would be made",
    "created": "made",
    "there": "there already, left as they are",
    "skipped": "skipped",
    "failed": "failed",
}


def _to_dict(one: Verdict) -> dict[str, object]:
    customer = {"customer": one.customer_id} if one.customer_id else {}
    client = {"client": one.client} if one.client else {}
    return {**customer, **client, "outcome": one.outcome, "why": one.why}
