"""`davtari init`: writes the settings file; on a terminal asks step by step and tests each answer."""

from __future__ import annotations

import asyncio
import secrets
import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from services.cli.command import FAILED, command
from services.cli.command_keys import create_key_pair
from services.cli.init import balance_questions, shop_questions
from services.cli.init.interview import Interview, InterviewEnded, SavedAnswers, say, write_secret
from services.cli.init.settings_template import SettingTables, SettingValue, fill_template
from services.cli.screen import console, errors, styled
from services.connectors.balance.client import Balance
from services.engine.kafka.availability import KafkaUnreachable
from services.engine.kafka.connection import open_admin
from services.engine.outbox.upstream_errors import UpstreamError
from services.settings import load
from services.settings.base import address_fault
from services.settings.kafka import KafkaSettings

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 + SIGINT."""
TO_FILL_IN = ("balance.application-id", "balance.user-name", "shops.main.url")
"""Keys of the template whose values are only examples."""
SECRETS = ("balance-password", "main-key", "main-secret", "main-webhook")
NEXT = """
All flows are in dry run: nothing is written to Balance or to the shop. Next:
  davtari --settings {path} check            find remaining problems and how to fix them
  davtari --settings {path} topics create    create the Kafka topics
  davtari --settings {path} up               run all services; davtari events tail shows the plans
  davtari --settings {path} sync-matrix      show what is synchronised, and in which mode
When the plans are right, set the flows under [shops.{shop}.flows] to "live", one by one, and restart.
A live flow writes only after its checks have passed."""


def read_template() -> str:
    """The commented settings."""
    return files("services.cli.init").joinpath("template.toml").read_text(encoding="utf-8")


async def write_settings(path: Path, *, guided: bool) -> int:
    """Write the settings file. Returns the exit code. An existing file is never overwritten."""
    if exists(path):
        errors.print(styled(f"{path} already exists and is not overwritten.", "red"), soft_wrap=True)
        return FAILED
    if guided:
        return await _run_interview(path, _saved_answers(path))
    _write(path, read_template())
    _write_privacy_secret(path.parent.absolute())
    create_key_pair(path.parent.absolute())
    say(f"{path} written. Fill in {', '.join(TO_FILL_IN)}, and create these files with one line each:")
    say(f"  {', '.join(f'secrets/{name}' for name in SECRETS)}")
    say(f"davtari --settings {path} check reports what is missing. On a terminal, davtari init asks for all of it.")
    return 0


def exists(path: Path) -> bool:
    """Whether the path exists, even as a broken link."""
    return path.exists() or path.is_symlink()


def _write_privacy_secret(folder: Path) -> None:
    """Create the installation's secret. An existing one is kept: with another, known people would get other ids."""
    if not exists(secret := folder / "secrets/privacy"):
        write_secret(secret, secrets.token_urlsafe(32))


def _saved_answers(path: Path) -> SavedAnswers:
    return SavedAnswers(path.absolute().with_suffix(".answers"))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


async def _run_interview(path: Path, kept: SavedAnswers) -> int:
    """Run the interview. If it is interrupted, the answers are kept for the next run."""
    try:
        return await _ask_all(path, path.parent.absolute(), Interview(kept))
    except InterviewEnded as ended:
        asked, interrupted = f" at the question {ended.question!r}", ended.interrupted
    except asyncio.CancelledError:  # Ctrl-C during a request
        asked, interrupted = "", True
    why = "Interrupted" if interrupted else "End of input"
    errors.print()
    errors.print(f"{why}{asked}.", soft_wrap=True)
    errors.print(f"Your answers are kept in {kept.path}; run davtari init again to continue.", soft_wrap=True)
    return INTERRUPTED if interrupted else FAILED


async def _ask_all(path: Path, folder: Path, ask: Interview) -> int:
    say("1  Balance", style="bold")
    balance = await balance_questions.ask_balance_connection(ask, folder)
    console.print()
    say("2  The shop", style="bold")
    shop = await shop_questions.ask_shop_connection(ask, folder)
    console.print()
    say("3  Catalogue", style="bold")
    tables: dict[str, dict[str, SettingValue]] = {"balance": balance.values, f"shops.{shop.name}": shop.values}
    for name, values in (await _ask_catalogue(ask, balance, shop)).items():
        table = name if name == "balance" else f"shops.{shop.name}.{name}"
        tables[table] = tables.get(table, {}) | values
    console.print()
    say("4  Kafka and webhooks", style="bold")
    tables |= await _ask_kafka_and_receiver(ask)
    _write_answers(path, tables, shop)
    _write_privacy_secret(folder)
    create_key_pair(folder)
    if not exists(webhook := folder / f"secrets/{shop.name}-webhook"):
        write_secret(webhook, secrets.token_urlsafe(32))
    load(path, environ={})
    ask.kept.forget()
    console.print()
    say(f"{path} written, and the secrets in {folder / 'secrets'} (readable only by you).")
    console.print_lines(NEXT.format(path=path, shop=shop.name))
    return 0


async def _ask_catalogue(
    ask: Interview, balance: balance_questions.BalanceConnection, shop: shop_questions.ShopConnection
) -> dict[str, dict[str, SettingValue]]:
    """Ask for warehouses, price types and groups, if Balance and the shop answer."""
    found: dict[str, dict[str, SettingValue]] = {}
    if not balance.answers:
        say("  Balance refused access, so warehouses, price types and groups are not set.")
        return found
    async with balance.open() as client:
        try:
            found["stock"], found["orders"] = await balance_questions.ask_warehouses(ask, client)
            found["prices"], found["balance"] = await balance_questions.ask_prices(ask, client, balance.settings)
            if shop.answers:
                found["catalogue.groups"] = await _ask_groups(ask, client, balance, shop)
        except UpstreamError as error:
            say(f"  {error.message}", style="red")
            say("  The remaining settings are not set; davtari check lists them.", style="red")
    return {name: values for name, values in found.items() if values}


async def _ask_groups(
    ask: Interview, client: Balance, balance: balance_questions.BalanceConnection, shop: shop_questions.ShopConnection
) -> dict[str, SettingValue]:
    folders = await balance_questions.read_folders(client, balance.settings)
    async with shop.open() as store:
        return {f'"{uid}"': id_ for uid, id_ in (await shop_questions.ask_mapping(ask, folders, store)).items()}


async def _ask_kafka_and_receiver(ask: Interview) -> dict[str, dict[str, SettingValue]]:
    servers = ask.text("kafka", "Kafka (bootstrap servers)", "127.0.0.1:9092")
    tables: dict[str, dict[str, SettingValue]] = {"kafka": {"bootstrap-servers": servers}}
    try:
        async with open_admin(KafkaSettings(bootstrap_servers=servers)):
            say("  Kafka is reachable.")
    except KafkaUnreachable as error:
        say(f"  {error}", style="yellow")
        say("  The address is kept. Set SASL and TLS under [kafka].", style="yellow")
    say("  Webhooks report orders at once if the shop can reach Davtari; otherwise orders are found within a minute.")
    question = "Address at which the shop reaches Davtari, such as https://davtari.example.ge (empty: no webhooks)"
    if url := ask.optional("receiver.public-url", question, address_fault):
        tables["receiver"] = {"public-url": url}
    return tables


def _write_answers(path: Path, tables: SettingTables, shop: shop_questions.ShopConnection) -> None:
    text = fill_template(read_template(), tables, shop.name)
    _write(path, _without_other_transport(text, tables["balance"]))


def _without_other_transport(text: str, balance: object) -> str:
    """An on-premises Balance has no application id; the example is removed."""
    on_prem = isinstance(balance, dict) and "url" in balance
    return "\n".join(line for line in text.split("\n") if not (on_prem and line.startswith("application-id")))


@command
async def init_command(
    path: Annotated[Path, typer.Option(help="The file to write.")] = Path("davtari.toml"),
    guided: Annotated[
        bool | None, typer.Option(help="Ask step by step and test each answer. (default: on a terminal)")
    ] = None,
) -> int:
    """Write a commented settings file; on a terminal, ask for each value and test it."""
    return await write_settings(path, guided=sys.stdin.isatty() if guided is None else guided)
