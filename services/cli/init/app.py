"""`davtari init`."""

from __future__ import annotations

import asyncio
import secrets
import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from services.cli.command import FAILED, command
from services.cli.init import balance_questions, shop_questions
from services.cli.init.interview import Interview, InterviewEnded, SavedAnswers, say, write_secret
from services.cli.init.settings_template import SettingTables, SettingValue, fill_template
from services.cli.screen import errors
from services.connectors.balance.client import Balance
from services.engine.kafka.availability import KafkaUnreachable
from services.engine.kafka.connection import open_admin
from services.engine.outbox.upstream_errors import UpstreamError
from services.settings import load
from services.settings.base import address_fault
from services.settings.kafka import KafkaSettings

# `davtari init`: settings to start from; on a terminal asked for step by step, each answer tried at once.

INTERRUPTED = 130
"""The exit code of what was ended with Ctrl-C (128 + SIGINT)."""
TO_FILL_IN = ("balance.application-id", "balance.user-name", "shops.main.url")
"""Keys of the template that have no usable value yet."""
SECRETS = ("balance-password", "main-key", "main-secret", "main-webhook")
NEXT = """
Every flow is in dry run: nothing will be written to either system.
  davtari --settings {path} check            what is still wrong, and what mends it
  davtari --settings {path} topics create    the Kafka topics
  davtari --settings {path} up               all services; each plan is an event (davtari events tail)
  davtari --settings {path} sync-matrix      what goes where, and in which mode
When the plans are right: set flows under [shops.{shop}.flows] to "live", one by one, and start again.
A live flow writes only after its checks have passed."""


def read_template() -> str:
    """The commented settings."""
    return files("services.cli.init").joinpath("template.toml").read_text(encoding="utf-8")


async def write_settings(path: Path, *, guided: bool) -> int:
    """Write the settings file; gives the exit code. A file that is there is never overwritten."""
    if exists(path):
        errors.print(f"[red]{path} is there already; it is not overwritten.[/]", soft_wrap=True)
        return FAILED
    if guided:
        return await _until_ended(path, _kept(path))
    _write(path, read_template())
    say(f"{path} written. Still to fill in: {', '.join(TO_FILL_IN)}; and, one line each, the files")
    say(f"  {', '.join(f'secrets/{name}' for name in SECRETS)}")
    say(f"davtari --settings {path} check names what is missing; on a terminal davtari init asks for all of it.")
    return 0


def exists(path: Path) -> bool:
    """Whether there is such a file, or something else of that name."""
    return path.exists() or path.is_symlink()


def _kept(path: Path) -> SavedAnswers:
    return SavedAnswers(path.absolute().with_suffix(".answers"))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


async def _until_ended(path: Path, kept: SavedAnswers) -> int:
    """The dialogue, or how it was ended: the answers so far are offered next time."""
    try:
        return await _guided(path, path.parent.absolute(), Interview(kept))
    except InterviewEnded as ended:
        asked, interrupted = f" at the question {ended.question!r}", ended.interrupted
    except asyncio.CancelledError:  # Ctrl-C while a system was asked
        asked, interrupted = "", True
    why = "Stopped" if interrupted else "The answers ended"
    errors.print(f"\n{why}{asked}.", markup=False, soft_wrap=True)
    errors.print(f"What was answered is kept in {kept.path}; davtari init offers it next time.", soft_wrap=True)
    return INTERRUPTED if interrupted else FAILED


async def _guided(path: Path, folder: Path, ask: Interview) -> int:
    say("1  Balance", style="bold")
    balance = await balance_questions.ask_balance_connection(ask, folder)
    say("\n2  The shop", style="bold")
    shop = await shop_questions.ask_shop_connection(ask, folder)
    say("\n3  What is sold", style="bold")
    tables: dict[str, dict[str, SettingValue]] = {"balance": balance.values, f"shops.{shop.name}": shop.values}
    for name, values in (await _sold(ask, balance, shop)).items():
        table = name if name == "balance" else f"shops.{shop.name}.{name}"
        tables[table] = tables.get(table, {}) | values
    say("\n4  The way between them", style="bold")
    tables |= await _between(ask)
    _written(path, tables, shop)
    if not exists(webhook := folder / f"secrets/{shop.name}-webhook"):
        write_secret(webhook, secrets.token_urlsafe(32))
    load(path, environ={})
    ask.kept.forget()
    say(f"\n{path} written, and the secrets beside it into {folder / 'secrets'} (readable by you only).")
    say(NEXT.format(path=path, shop=shop.name))
    return 0


async def _sold(
    ask: Interview, balance: balance_questions.BalanceConnection, shop: shop_questions.ShopConnection
) -> dict[str, dict[str, SettingValue]]:
    """Warehouses, price types and groups, as far as both systems tell; without answer they stay open."""
    found: dict[str, dict[str, SettingValue]] = {}
    if not balance.answers:
        say("  Balance did not let us in: warehouses, price types and groups stay open.")
        return found
    async with balance.open() as client:
        try:
            found["stock"], found["orders"] = await balance_questions.ask_warehouses(ask, client)
            found["prices"], found["balance"] = await balance_questions.ask_prices(ask, client, balance.settings)
            if shop.answers:
                found["catalogue.groups"] = await _groups(ask, client, balance, shop)
        except UpstreamError as error:
            say(f"  {error.message}\n  What comes after that stays open; davtari check names it.", style="red")
    return {name: values for name, values in found.items() if values}


async def _groups(
    ask: Interview, client: Balance, balance: balance_questions.BalanceConnection, shop: shop_questions.ShopConnection
) -> dict[str, SettingValue]:
    folders = await balance_questions.read_folders(client, balance.settings)
    async with shop.open() as store:
        return {f'"{uid}"': id_ for uid, id_ in (await shop_questions.ask_mapping(ask, folders, store)).items()}


async def _between(ask: Interview) -> dict[str, dict[str, SettingValue]]:
    servers = ask.text("kafka", "Kafka (bootstrap servers)", "127.0.0.1:9092")
    tables: dict[str, dict[str, SettingValue]] = {"kafka": {"bootstrap-servers": servers}}
    try:
        async with open_admin(KafkaSettings(bootstrap_servers=servers)):
            say("  Kafka answers.")
    except KafkaUnreachable as error:
        say(f"  {error}\n  Written all the same: SASL and TLS are set under [kafka].", style="yellow")
    say("  The shop tells of orders by webhooks, if it can reach us; else orders are found within a minute.")
    question = "Address under which the shop reaches Davtari, such as https://davtari.example.ge"
    if url := ask.optional("receiver.public-url", question, address_fault):
        tables["receiver"] = {"public-url": url}
    return tables


def _written(path: Path, tables: SettingTables, shop: shop_questions.ShopConnection) -> None:
    text = fill_template(read_template(), tables, shop.name)
    _write(path, _without_other_transport(text, tables["balance"]))


def _without_other_transport(text: str, balance: object) -> str:
    """On-prem needs no number of a cloud division; the template's example must not stay."""
    on_prem = isinstance(balance, dict) and "url" in balance
    return "\n".join(line for line in text.split("\n") if not (on_prem and line.startswith("application-id")))


@command
async def init_command(
    path: Annotated[Path, typer.Option(help="Where to write it.")] = Path("davtari.toml"),
    guided: Annotated[
        bool | None, typer.Option(help="Ask step by step and try each answer; usual on a terminal.")
    ] = None,
) -> int:
    """Write a commented settings file to start from; on a terminal, ask for what belongs in it."""
    return await write_settings(path, guided=sys.stdin.isatty() if guided is None else guided)
