"""`davtari forget`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from aiokafka import AIOKafkaConsumer

from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.model import Event
from contracts.operations import CommandSettled
from contracts.privacy import ForgetRequested
from services.cli.command import (
    FAILED,
    NO_ANSWER,
    DryRun,
    InvalidArgument,
    Json,
    Patience,
    Shop,
    command,
    read_settings,
    select_shop,
)
from services.cli.forget.dossier import ORDER_TOPICS, TOPICS, Dossier, build_dossier, find_person_refs, key_deletions
from services.cli.registry import configured_services
from services.cli.requests import command_header
from services.cli.screen import console, errors, print_json
from services.engine.client.commands import decoded_events, open_answers, send_command
from services.engine.client.reader import read_events
from services.engine.runtime.tbilisi import local_date
from services.engine.state.files import leftovers
from services.settings.model import Settings

# What `davtari forget` says before and after.

ERASE_FIRST = (
    "erase the buyer in the shop first (WordPress → Tools → Erase Personal Data, orders too by WooCommerce's privacy "
    "settings): else the next change of such an order brings the data back"
)


def describe_dossier(found: Dossier, unbooked: Sequence[str], files: Sequence[Path]) -> list[str]:
    """What is known of the person, and what forgetting does not reach."""
    since = f" since {local_date(found.since)}" if found.since else ""
    return [
        f"{_count_of(len(found.orders), 'order')}{since}: {_list_orders(found.orders)}",
        f"in the log: {_describe_copies(found)}",
        f"in Balance: {_describe_kept(found)}",
        *(f"! {each}" for each in _warnings(found, unbooked, files)),
    ]


def _describe_copies(found: Dossier) -> str:
    sealed, clear = found.copies["sealed"], found.copies["person"]
    noise = f" under {_count_of(len(found.keys), 'key')}" if found.keys else ", noise by now" if sealed else ""
    stays = ", published before there was sealing: those stay" if clear else ""
    return f"{_count_of(sealed, 'sealed copy')}{noise}; {clear} in clear{stays}"


def _describe_kept(found: Dossier) -> str:
    clients = [f"client {code or uid}" for uid, code in found.clients.items()]
    kept = [*clients, *(_count_of(count, name) for name, count in found.documents.items())]
    return f"{', '.join(kept)}: kept, accounting records" if kept else "nothing"


def _count_of(number: int, name: str) -> str:
    many = f"{name[:-1]}ies" if name.endswith("y") and name != "key" else f"{name}s"
    return f"{number} {name if number == 1 else many}"


def _warnings(found: Dossier, unbooked: Sequence[str], files: Sequence[Path]) -> Iterable[str]:
    if unerased := found.unerased():
        yield f"not erased in the shop when read last: {_list_orders(unerased)}; {ERASE_FIRST}"
    if unbooked:
        yield f"not in the books yet: {_list_orders(unbooked)}; a Sale made after this knows no buyer"
    if files:
        yield f"older state databases may hold copies; delete them: {', '.join(map(str, files))}"


def _list_orders(orders: Iterable[str]) -> str:
    return ", ".join(sorted(orders)) or "none"


def describe_answers(given: ForgetAnswers, services: Sequence[str], keys: int, *, dry_run: bool) -> list[str]:
    """What became of it, service by service."""
    told = [f"{service}: {_describe_answer(given, service)}" for service in services]
    return [f"{_count_of(keys, 'key')} {'would be ' if dry_run else ''}given up", *told]


def _describe_answer(given: ForgetAnswers, service: str) -> str:
    if service in given.silent:
        return "has not answered; the command is kept and will be carried out when it runs (davtari status)"
    waiting = sum(each.figures.get("waiting", 0) for each in given.said if each.service == service)
    waits = f"; still waits, and names the person until it is made: {_count_of(waiting, 'delivery')}" if waiting else ""
    return _count_of(given.copies(service), "copy") + waits


def print_lines(lines: Iterable[str]) -> None:
    """Print lines; a warning is marked."""
    for line in lines:
        console.print(line, style="yellow" if line.startswith("!") else None, markup=False, soft_wrap=True)


def forget_report(
    found: Dossier, unbooked: Sequence[str], files: Sequence[Path], given: ForgetAnswers | None
) -> dict[str, Any]:
    """All of it as data."""
    return {
        "person_refs": sorted(found.refs),
        "orders": sorted(found.orders),
        "since": found.since,
        "copies": {"sealed": found.copies["sealed"], "clear": found.copies["person"]},
        "keys": len(found.keys),
        "clients_kept": sorted(found.clients),
        "documents_kept": dict(found.documents),
        "not_erased_in_the_shop": sorted(found.unerased()),
        "not_in_the_books": sorted(unbooked),
        "older_databases": [str(file) for file in files],
        "answers": [each.content() for each in given.said] if given else [],
        "silent": list(given.silent) if given else [],
    }


# Giving up a person's keys, and having every service forget the person: one command for each reference.


@dataclass(frozen=True, slots=True)
class ForgetAnswers:
    """What the services said, and who has not answered for every reference in time."""

    said: tuple[CommandSettled, ...]
    silent: tuple[str, ...]

    def copies(self, service: str) -> int:
        """How many copies a service has forgotten, or would."""
        return sum(each.figures.get("copies", 0) for each in self.said if each.service == service)


def build_forget_commands(found: Dossier, shop: str | None, why: str, *, dry_run: bool) -> list[ForgetRequested]:
    """What the services are asked."""
    return [
        ForgetRequested(person_ref=ref, shop=shop, why=why, dry_run=dry_run, **command_header())
        for ref in sorted(found.refs)
    ]


async def delete_keys(settings: Settings, found: Dossier, why: str) -> None:
    """Have every key of the person replaced by what says that it is given up. Comes before the services are asked:

    what they say of the person from then on is sealed with a new key, which must not be replaced.
    """
    now = datetime.now(UTC)
    for event, version in key_deletions(found.keys, command_header()["asked_by"], why, now):
        await send_command(settings.kafka, event, now, version)


async def request_forgetting(
    settings: Settings, asked: Sequence[ForgetRequested], services: Collection[str], patience: float
) -> ForgetAnswers:
    """Send the commands and wait until each of these services has answered each, or `patience` seconds are over."""
    said: dict[tuple[str, str], CommandSettled] = {}
    wanted = {(command.command_id, service) for command in asked for service in services}
    async with open_answers(settings.kafka, "operations") as consumer:
        for command in asked:
            await send_command(settings.kafka, command, datetime.now(UTC))
        try:
            async with asyncio.timeout(patience):
                await _collect_answers(consumer, said, wanted)
        except TimeoutError:
            pass
    silent = tuple(service for service in services if any((c.command_id, service) not in said for c in asked))
    return ForgetAnswers(tuple(said.values()), silent)


async def _collect_answers(
    consumer: AIOKafkaConsumer, said: dict[tuple[str, str], CommandSettled], wanted: set[tuple[str, str]]
) -> None:
    async for envelope in decoded_events(consumer):
        event = envelope.data
        if isinstance(event, CommandSettled) and (event.command_id, event.service) in wanted:
            said[event.command_id, event.service] = event
        if said.keys() >= wanted:
            return


Why = Annotated[str, typer.Option("--reason", help="Recorded for the audit; name nobody in it.")]
Person = Annotated[str, typer.Option("--person", help="The person_ref, where it is known, instead of shop and order.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Unbooked = Annotated[bool, typer.Option("--unbooked-too", help="Also where an order is not in the books yet.")]


@command
async def forget_command(
    why: Why,
    order_id: Annotated[int, typer.Argument()] = 0,
    shop: Shop = "",
    person: Person = "",
    unbooked_too: Unbooked = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Take a buyer's personal data out of all that is ours. Documents and the client in Balance are kept.

    Erase the buyer in the shop first. Forgotten are: the sealed copies in the log (their keys go at once, and leave
    Kafka's disks when it compacts), those in the services' state databases and in what is yet to be published. Not
    reached: copies in clear, published before there was sealing, which a state database made anew reads again; files
    that people exported; backups; shop and Balance.
    """
    chosen = read_settings()
    shop = shop if person and not shop else select_shop(chosen, shop)
    found = await _read_dossier(chosen, shop, order_id, person)
    live = [name for name, each in chosen.shops.items() if each.flows.orders == "live"]
    unbooked, files = found.unbooked(live), leftovers(chosen.state.directory)
    if not json:
        print_lines(describe_dossier(found, unbooked, files))
    if unbooked and not (unbooked_too or dry_run):
        errors.print("wait until they are, or say --unbooked-too: their Sales then go to the retail client")
        return FAILED
    if not (dry_run or yes or _confirm()):
        return FAILED
    given = await _forget(chosen, found, shop or None, why, patience, dry_run=dry_run)
    if json:
        print_json(forget_report(found, unbooked, files, given))
    else:
        print_lines(describe_answers(given, configured_services(chosen), len(found.keys), dry_run=dry_run))
    return NO_ANSWER if given.silent else 0


async def _read_dossier(chosen: Settings, shop: str, order_id: int, person: str) -> Dossier:
    """Raises `WrongUse` unless somebody is named who is known."""
    if bool(person) == bool(order_id):
        raise InvalidArgument("Name the order of the person, or --person REF: davtari forget ORDER --reason …")
    order = order_key(shop, order_id)
    refs = {person} if person else find_person_refs(order, await _read_sealed_events(chosen, ORDER_TOPICS))
    if not refs:
        raise InvalidArgument(f"nothing is known of order {order_id} of shop {shop}")
    return build_dossier(refs, await _read_sealed_events(chosen, TOPICS))


async def _read_sealed_events(chosen: Settings, topics: Iterable[str]) -> list[Envelope[Event]]:
    return [envelope async for envelope in read_events(chosen.kafka, topics, as_sealed=True)]


def _confirm() -> bool:
    if not sys.stdin.isatty():
        raise InvalidArgument("this cannot be undone: say --yes")
    return typer.confirm("Forget this person? It cannot be undone.")


async def _forget(
    chosen: Settings, found: Dossier, shop: str | None, why: str, patience: float, *, dry_run: bool
) -> ForgetAnswers:
    if not dry_run:
        await delete_keys(chosen, found, why)
    asked = build_forget_commands(found, shop, why, dry_run=dry_run)
    return await request_forgetting(chosen, asked, configured_services(chosen), patience)
