"""`davtari import clients` and `davtari export clients`: preview or carry out, with counts by outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Literal

import typer

from services.cli import shop_identity
from services.cli.clients import transfer
from services.cli.command import FAILED, DryRun, Json, Shop, command, read_settings, select_shop
from services.cli.screen import console, print_json, report_unreadable, styled
from services.connectors.balance.client import Balance
from services.connectors.http.listing import UnreadableRecord, skip_unreadable
from services.connectors.identity.status import describe_block
from services.connectors.upstreams import open_shop
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.customers import IdentityKeys
from services.engine.clock import utc_now
from services.settings import Settings, SettingsError

export_app = typer.Typer(no_args_is_help=True, help="Create records in a shop from records in Balance.")
Verdict = transfer.ImportVerdict | transfer.ExportVerdict
Yes = Annotated[bool, typer.Option("--yes", help="Write; without it, clients are only previewed.")]

OUTCOMES = {
    "new": "would be created",
    "created": "created",
    "exists": "exist already, unchanged",
    "skipped": "skipped",
    "failed": "failed",
}


async def import_clients(shop: str, *, write: bool, json: bool) -> int:
    """Create clients in Balance from customer accounts with a number. Returns the exit code."""
    chosen = read_settings()
    name = select_shop(chosen, shop)
    orders = chosen.shops[name].orders
    if write:
        await _check_may_write(chosen, name)
        if not orders.create_clients:
            raise SettingsError(f"shops.{name}.orders.create-clients is false: no client is created")
    keys = IdentityKeys.of(orders.personal_id_keys, orders.company_id_keys)
    rules, left_out = transfer.ImportRules(name, keys, chosen.balance.dialect.lists), list[UnreadableRecord]()
    async with _open_systems(chosen, name) as (balance, client):
        existing = await transfer.index_by_number(skip_unreadable(balance.every_client(), left_out))
        found = await transfer.plan_import(skip_unreadable(client.every_customer(), left_out), existing, rules)
        with _show_progress("accounts", len(found), write) as on_progress:
            done = await transfer.create_clients(found, balance, on_progress) if write else found
    return _report(done, left_out, "accounts", write=write, json=json)


@export_app.command(name="clients")
@command
async def export_clients(shop: Shop = "", yes: Yes = False, dry_run: DryRun = False, json: Json = False) -> int:
    """Create customer accounts in a shop for companies in Balance that have an e-mail and gave consent.

    The shop may send them a welcome e-mail.
    """
    chosen = read_settings()
    name, write = select_shop(chosen, shop), yes and not dry_run
    orders = chosen.shops[name].orders
    if not (orders.clients.export.consent_field or orders.clients.export.consent_list):
        section = f"shops.{name}.orders.clients.export"
        raise SettingsError(f"{section}: set consent-field or consent-list; without consent nobody is exported")
    if write:
        await _check_may_write(chosen, name)
    rules = transfer.ExportRules(orders.clients.export, next(iter(orders.company_id_keys), ""))
    left_out: list[UnreadableRecord] = []
    async with _open_systems(chosen, name) as (balance, client):
        existing = await transfer.index_by_email(skip_unreadable(client.every_customer(), left_out))
        found = await transfer.plan_export(skip_unreadable(balance.every_client(), left_out), existing, rules)
        with _show_progress("clients", len(found), write) as on_progress:
            done = await transfer.create_accounts(found, client, on_progress) if write else found
    return _report(done, left_out, "clients", write=write, json=json)


@asynccontextmanager
async def _open_systems(chosen: Settings, shop: str) -> AsyncIterator[tuple[Balance, WooCommerce]]:
    password = chosen.balance.password()
    async with Balance(chosen.balance, password) as balance, open_shop(chosen, shop, utc_now) as client:
        yield balance, client


async def _check_may_write(chosen: Settings, shop: str) -> None:
    """Raises `SettingsError` unless the shop's orders are live and its identity is unchanged."""
    if chosen.shops[shop].flows.orders != "live":
        raise SettingsError(f'shops.{shop}.flows.orders is not "live": clients can only be previewed')
    status = (await shop_identity.read_identities(chosen))[shop]
    if status.strange is not None:
        raise SettingsError(describe_block(status.strange))


@contextmanager
def _show_progress(what: str, count: int, write: bool) -> Iterator[Callable[[int], None]]:
    with console.print_status(f"0 of {count} {what}…" if write else "") as status:
        yield lambda done: status.update(styled(f"{done} of {count} {what}…"))


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
        console.print(f"{len(done)} {what}" + ("" if write else "; nothing was written (add --yes to write)"))
        for (outcome, why), count in sorted(tally.items()):
            console.print(f"  {count:>6} {OUTCOMES[outcome]}{': ' + why if why else ''}", soft_wrap=True)
    report_unreadable(left_out)
    return FAILED if left_out or any(one.outcome == "failed" for one in done) else 0


def _to_dict(one: Verdict) -> dict[str, object]:
    customer = {"customer": one.customer_id} if one.customer_id else {}
    client = {"client": one.client} if one.client else {}
    return {**customer, **client, "outcome": one.outcome, "why": one.why}
