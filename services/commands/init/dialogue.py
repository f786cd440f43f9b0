"""`davtari init`: settings to start from; on a terminal asked for step by step, each answer tried at once."""

from __future__ import annotations

import secrets
from importlib.resources import files
from pathlib import Path

from pydantic import SecretStr

from services.commands.codes import FAILED
from services.commands.init import balance_answers, shop_answers
from services.commands.init.asking import ask, ask_or_nothing, say, write_secret
from services.commands.init.settings_text import Answers, Value, filled
from services.commands.screen import errors
from services.shared.balance.client import Balance
from services.shared.messaging.connection import admin
from services.shared.messaging.reaching import KafkaUnreachable
from services.shared.settings import load
from services.shared.settings.kafka import KafkaSettings
from services.shared.upstream.errors import UpstreamError

NEXT = """
Every flow is in dry run: nothing will be written to either system.
  davtari --settings {path} check            what is still wrong, and what mends it
  davtari --settings {path} topics create    the Kafka topics
  davtari --settings {path} up               all services; each plan is an event (davtari events tail)
  davtari --settings {path} sync-matrix      what goes where, and in which mode
When the plans are right: set flows under [shops.{shop}.flows] to "live", one by one, and start again.
A live flow writes only after its checks have passed."""


def template() -> str:
    """The commented settings."""
    return files("services.commands.init").joinpath("template.toml").read_text(encoding="utf-8")


async def init(path: Path, *, guided: bool) -> int:
    """Write the settings file; gives the exit code. A file that is there is never overwritten."""
    if is_there(path):
        errors.print(f"[red]{path} is there already; it is not overwritten.[/]", soft_wrap=True)
        return FAILED
    if guided:
        return await _guided(path, path.parent.absolute())
    _write(path, template())
    say(f"{path} written. Fill in the connections, then: davtari --settings {path} check")
    return 0


def is_there(path: Path) -> bool:
    """Whether there is such a file, or something else of that name."""
    return path.exists() or path.is_symlink()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


async def _guided(path: Path, folder: Path) -> int:
    say("1  Balance", style="bold")
    balance = await balance_answers.connection()
    say("\n2  The shop", style="bold")
    shop = await shop_answers.connection(folder)
    say("\n3  What is sold", style="bold")
    tables: dict[str, dict[str, Value]] = {"balance": balance.values, f"shops.{shop.name}": shop.values}
    for name, values in (await _sold(balance, shop)).items():
        tables[f"shops.{shop.name}.{name}"] = values
    say("\n4  The way between them", style="bold")
    tables |= await _between()
    _written(path, tables, shop)
    _secrets(folder, balance, shop)
    load(path, environ={})
    say(f"\n{path} written, and the secrets beside it into {folder / 'secrets'} (readable by you only).")
    say(NEXT.format(path=path, shop=shop.name))
    return 0


async def _sold(balance: balance_answers.Connection, shop: shop_answers.Connection) -> dict[str, dict[str, Value]]:
    """Warehouses, price types and groups, as far as both systems tell; without answer they stay open."""
    found: dict[str, dict[str, Value]] = {}
    if not balance.answers:
        say("  Balance did not let us in: warehouses, price types and groups stay open.")
        return found
    async with balance.open() as client:
        try:
            found["stock"], found["orders"] = await balance_answers.warehouses(client)
            found["prices"] = await balance_answers.price_types(client, balance.settings)
            if shop.answers:
                found["catalogue.groups"] = await _groups(client, balance, shop)
        except UpstreamError as error:
            say(f"  {error.message}\n  What comes after that stays open; davtari check names it.", style="red")
    return {name: values for name, values in found.items() if values}


async def _groups(
    client: Balance, balance: balance_answers.Connection, shop: shop_answers.Connection
) -> dict[str, Value]:
    folders = await balance_answers.groups(client, balance.settings)
    async with shop.open() as store:
        categories = sorted(await store.categories(), key=lambda category: category.name)
    return {f'"{uid}"': id_ for uid, id_ in shop_answers.mapping(folders, categories).items()}


async def _between() -> dict[str, dict[str, Value]]:
    servers = ask("Kafka (bootstrap servers)", "127.0.0.1:9092")
    tables: dict[str, dict[str, Value]] = {"kafka": {"bootstrap-servers": servers}}
    try:
        async with admin(KafkaSettings(bootstrap_servers=servers)):
            say("  Kafka answers.")
    except KafkaUnreachable as error:
        say(f"  {error}\n  Written all the same: SASL and TLS stand under [kafka].", style="yellow")
    say("  The shop tells of orders by webhooks, if it can reach us; else orders are found within a minute.")
    if url := ask_or_nothing("Address under which the shop reaches Davtari, such as https://davtari.example.ge"):
        tables["receiver"] = {"public-url": url}
    return tables


def _written(path: Path, tables: Answers, shop: shop_answers.Connection) -> None:
    text = filled(template(), tables, shop.name)
    _write(path, _without_other_transport(text, tables["balance"]))


def _without_other_transport(text: str, balance: object) -> str:
    """On-prem needs no number of a cloud division; the template's example must not stay."""
    on_prem = isinstance(balance, dict) and "url" in balance
    return "\n".join(line for line in text.split("\n") if not (on_prem and line.startswith("application-id")))


def _secrets(folder: Path, balance: balance_answers.Connection, shop: shop_answers.Connection) -> None:
    write_secret(folder / balance_answers.PASSWORD_FILE, balance.password)
    write_secret(folder / f"secrets/{shop.name}-key", shop.key)
    write_secret(folder / f"secrets/{shop.name}-secret", shop.secret)
    write_secret(folder / f"secrets/{shop.name}-webhook", SecretStr(secrets.token_urlsafe(32)))
