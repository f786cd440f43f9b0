"""`davtari forget`: have every service erase its copies of a buyer's personal data, and delete the keys."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
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
from services.cli.person.related import RelatedPerson, describe_related, find_related
from services.cli.registry import configured_services
from services.cli.requests import command_header, user_name
from services.cli.screen import confirm, console, errors, print_json
from services.engine.client.commands import decoded_events, issue, open_answers
from services.engine.client.reader import read_events
from services.engine.clock import local_date
from services.engine.state.files import find_leftovers
from services.settings.model import Settings

ERASE_FIRST = (
    "erase the buyer in the shop first (WordPress → Tools → Erase Personal Data; WooCommerce's privacy settings can "
    "include orders), otherwise the next change of such an order brings the data back"
)
Why = Annotated[str, typer.Option("--reason", help="The reason, recorded for the audit. Do not name anyone in it.")]
Person = Annotated[str, typer.Option("--person", help="The person_ref, if known, instead of an order.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Related = Annotated[
    bool | None,
    typer.Option(
        "--related/--not-related",
        help="Also forget what is probably the same person's: guest orders, an account, other shops. (default: ask)",
    ),
]
Unbooked = Annotated[
    bool, typer.Option("--unbooked-too", help="Continue even if orders of the person are not in the books yet.")
]


@dataclass(frozen=True, slots=True)
class ForgetAnswers:
    """The services' answers, and the services that did not answer every command in time (`silent`)."""

    answers: tuple[CommandSettled, ...]
    silent: tuple[str, ...]

    def count(self, service: str, figure: str) -> int:
        """The sum of a figure (`copies`, `waiting`) over a service's answers."""
        return sum(each.figures.get(figure, 0) for each in self.answers if each.service == service)


@command
async def forget_command(
    why: Why,
    order_id: Annotated[int, typer.Argument(metavar="ORDER", show_default=False)] = 0,
    shop: Shop = "",
    person: Person = "",
    unbooked_too: Unbooked = False,
    yes: Yes = False,
    related: Related = None,
    dry_run: DryRun = False,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Erase a buyer's personal data from Davtari. Documents and the client in Balance are kept.

    Erase the buyer in the shop first. Davtari erases the sealed copies in the log (the keys are deleted at once, and
    leave Kafka's disks at the next compaction), the copies in the services' state databases, and those in unpublished
    events. Not erased: unsealed copies that were published before sealing was introduced, which a rebuilt state
    database reads again; exported files; backups; data in the shop and in Balance.
    """
    chosen = read_settings()
    shop = shop if person and not shop else select_shop(chosen, shop)
    refs = await _read_person_refs(chosen, shop, order_id, person)
    others = await _find_related(chosen, refs)
    if others and _includes_related(others, related, dry_run=dry_run):
        refs |= {one.ref for one in others}
    found = build_dossier(refs, await _read_sealed_events(chosen, TOPICS))
    live = [name for name, each in chosen.shops.items() if each.flows.orders == "live"]
    unbooked, files = found.unbooked(live), find_leftovers(chosen.state.directory)
    if not json:
        print_lines(describe_dossier(found, unbooked, files))
    if unbooked and not (unbooked_too or dry_run):
        errors.print("Wait until they are in the books, or add --unbooked-too: their Sales then use the retail client.")
        return FAILED
    if not (dry_run or yes or _confirm()):
        return FAILED
    answers = await forget_people(chosen, found, shop or None, why, patience, dry_run=dry_run)
    if json:
        print_json(forget_report(found, unbooked, files, answers))
    else:
        print_lines(describe_answers(answers, configured_services(chosen), len(found.keys), dry_run=dry_run))
    return NO_ANSWER if answers.silent else 0


async def _read_person_refs(chosen: Settings, shop: str, order_id: int, person: str) -> frozenset[str]:
    """Raises `InvalidArgument` unless one known order or person is named."""
    if bool(person) == bool(order_id):
        raise InvalidArgument("Name an order of the person, or --person REF: davtari forget ORDER --reason …")
    order = order_key(shop, order_id)
    refs = frozenset({person}) if person else find_person_refs(order, await _read_sealed_events(chosen, ORDER_TOPICS))
    if not refs:
        raise InvalidArgument(f"Unknown order {order_id} of shop {shop}")
    return refs


async def _find_related(chosen: Settings, refs: Collection[str]) -> list[RelatedPerson]:
    return find_related(refs, [envelope async for envelope in read_events(chosen, ORDER_TOPICS)])


def _includes_related(others: Sequence[RelatedPerson], related: bool | None, *, dry_run: bool) -> bool:
    """Whether to forget the related references, too: people may share a phone, so a person decides.

    Raises `InvalidArgument` if nobody can be asked.
    """
    if related is not None:
        return related
    for line in describe_related(others):
        errors.print(line, soft_wrap=True)
    if dry_run:
        return False
    if not sys.stdin.isatty():
        raise InvalidArgument("Decide whether these belong to the person: --related forgets them too, or --not-related")
    return confirm("Forget these orders of the person, too?")


async def _read_sealed_events(chosen: Settings, topics: Iterable[str]) -> list[Envelope[Event]]:
    return [envelope async for envelope in read_events(chosen, topics, as_sealed=True)]


def _confirm() -> bool:
    if not sys.stdin.isatty():
        raise InvalidArgument("Forgetting cannot be undone: confirm with --yes")
    return confirm("Forget this person? This cannot be undone.")


async def forget_people(
    chosen: Settings, found: Dossier, shop: str | None, why: str, patience: float, *, dry_run: bool
) -> ForgetAnswers:
    """Delete the keys of these people and have every service erase them; a dry run only counts."""
    if not dry_run:
        await delete_keys(chosen, found, why)
    commands = build_forget_commands(found, shop, why, dry_run=dry_run)
    return await request_forgetting(chosen, commands, configured_services(chosen), patience)


def build_forget_commands(found: Dossier, shop: str | None, why: str, *, dry_run: bool) -> list[ForgetRequested]:
    """One command for each reference of the person."""
    return [
        ForgetRequested(person_ref=ref, shop=shop, why=why, dry_run=dry_run, **command_header())
        for ref in sorted(found.refs)
    ]


async def delete_keys(settings: Settings, found: Dossier, why: str) -> None:
    """Replace every key of the person by a deletion event.

    Must be done before the services are asked: they seal what they publish about the person afterwards with a new key,
    which must not be replaced.
    """
    now = datetime.now(UTC)
    for event, version in key_deletions(found.keys, user_name(), why, now):
        await issue(settings, event, asked_by=user_name(), version=version)


async def request_forgetting(
    settings: Settings, commands: Sequence[ForgetRequested], services: Collection[str], patience: float
) -> ForgetAnswers:
    """Send the commands and wait up to `patience` seconds for the answer of every service to every command."""
    answers: dict[tuple[str, str], CommandSettled] = {}
    expected = {(each.command_id, service) for each in commands for service in services}
    async with open_answers(settings.kafka, "operations") as consumer:
        for each in commands:
            await issue(settings, each, asked_by=user_name())
        with suppress(TimeoutError):  # services without an answer are listed as silent
            async with asyncio.timeout(patience):
                await _collect_answers(consumer, answers, expected)
    silent = tuple(name for name in services if any((each.command_id, name) not in answers for each in commands))
    return ForgetAnswers(tuple(answers.values()), silent)


async def _collect_answers(
    consumer: AIOKafkaConsumer, answers: dict[tuple[str, str], CommandSettled], expected: set[tuple[str, str]]
) -> None:
    async for envelope in decoded_events(consumer):
        event = envelope.data
        if isinstance(event, CommandSettled) and (event.command_id, event.service) in expected:
            answers[event.command_id, event.service] = event
        if answers.keys() >= expected:
            return


def describe_dossier(found: Dossier, unbooked: Sequence[str], files: Sequence[Path]) -> list[str]:
    """Lines about what is known of the person, and warnings about what forgetting does not reach."""
    since = f" since {local_date(found.since)}" if found.since else ""
    return [
        f"{_count_of(len(found.orders), 'order')}{since}: {_list_orders(found.orders)}",
        f"in the log: {_describe_copies(found)}",
        f"in Balance: {_describe_kept(found)}",
        *(f"! {each}" for each in _list_warnings(found, unbooked, files)),
    ]


def _describe_copies(found: Dossier) -> str:
    sealed, unsealed = found.copies["sealed"], found.copies["person"]
    keys = f" with {_count_of(len(found.keys), 'key')}" if found.keys else ", unreadable: no key left" if sealed else ""
    kept = ", published before sealing was introduced: not erased" if unsealed else ""
    return f"{_count_of(sealed, 'sealed copy')}{keys}; {unsealed} unsealed{kept}"


def _describe_kept(found: Dossier) -> str:
    clients = [f"client {code or uid}" for uid, code in found.clients.items()]
    kept = [*clients, *(_count_of(count, name) for name, count in found.documents.items())]
    return f"{', '.join(kept)}: kept as accounting records" if kept else "nothing"


def _count_of(number: int, name: str) -> str:
    many = f"{name[:-1]}ies" if name.endswith("y") and name != "key" else f"{name}s"
    return f"{number} {name if number == 1 else many}"


def _list_warnings(found: Dossier, unbooked: Sequence[str], files: Sequence[Path]) -> Iterable[str]:
    if unerased := found.unerased():
        yield f"not erased in the shop when last read: {_list_orders(unerased)}; {ERASE_FIRST}"
    if unbooked:
        yield f"not in the books yet: {_list_orders(unbooked)}; a Sale exported after this has no buyer"
    if files:
        yield f"older state databases may contain copies; delete them: {', '.join(map(str, files))}"


def _list_orders(orders: Iterable[str]) -> str:
    return ", ".join(sorted(orders)) or "none"


def describe_answers(answers: ForgetAnswers, services: Sequence[str], keys: int, *, dry_run: bool) -> list[str]:
    """Lines about the deleted keys, and the result of each service."""
    results = [f"{service}: {_describe_answer(answers, service)}" for service in services]
    return [f"{_count_of(keys, 'key')} {'would be ' if dry_run else ''}deleted", *results]


def _describe_answer(answers: ForgetAnswers, service: str) -> str:
    if service in answers.silent:
        return "no answer; the command is stored and will be processed when the service runs (davtari status)"
    waiting = answers.count(service, "waiting")
    pending = f"; pending, with personal data until completed: {_count_of(waiting, 'delivery')}" if waiting else ""
    return _count_of(answers.count(service, "copies"), "copy") + pending


def print_lines(lines: Iterable[str]) -> None:
    """Print lines; those that start with `!` are warnings."""
    for line in lines:
        console.print(line, style="yellow" if line.startswith("!") else None, soft_wrap=True)


def forget_report(
    found: Dossier, unbooked: Sequence[str], files: Sequence[Path], answers: ForgetAnswers
) -> dict[str, Any]:
    """The result for `--json`."""
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
        "answers": [each.content() for each in answers.answers],
        "silent": list(answers.silent),
    }
