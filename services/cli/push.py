"""`davtari push`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.ledger import CreditNotePlanned, CreditNoteRecorded, SalePlanned, SaleRecorded
from contracts.model import Event
from contracts.operations import CommandSettled, DeadLettered, PushRequested
from contracts.placement import SalePostponed
from contracts.returns import ReturnPlanned, ReturnRequested
from contracts.sales_orders import SalesOrderPlanned, SalesOrderRecorded
from services.accounting.documents.figures import number
from services.cli import requests
from services.cli.command import (
    FAILED,
    WRONG_SETTINGS,
    DryRun,
    Json,
    Patience,
    Shop,
    command,
    read_settings,
    select_shop,
    show_answer,
)
from services.cli.orders.event_text import describe_event
from services.cli.requests import NoAnswer, command_header
from services.cli.screen import build_table, console, errors, print_json
from services.connectors.upstreams import open_shop
from services.engine.client.commands import decoded_events, open_answers, send_command
from services.engine.client.reader import read_events
from services.engine.clock import utc_now
from services.engine.outbox.dead_letters import order_key_of
from services.refund_exporter.return_requests import find_return_request
from services.settings import Settings, SettingsError

# Pushing a return request: read it in the shop, ask for its plan, and show that (claim S0.25).

RETURN_TOPICS = ("ledger.documents", "operations")


async def read_return_request(
    settings: Settings, shop: str, order_id: int, request: str | None, *, dry_run: bool
) -> ReturnRequested:
    """The command about a return request as it stands in the shop now.

    Raises `RequestInvalid`, `UpstreamError`, and `SettingsError` where the shop is unknown or has no source of them.
    """
    if shop not in settings.shops:
        raise SettingsError(f"the settings name no shop {shop!r}, only {', '.join(settings.shops)}")
    rules = settings.shops[shop].returns
    if rules.source == "off":
        raise SettingsError(f'shops.{shop}.returns.source is "off": say where this shop holds its return requests')
    async with open_shop(settings, shop, utc_now) as client:
        found = await find_return_request(client, shop, rules, order_id, request)
    return ReturnRequested(
        shop=shop,
        order_id=order_id,
        request=found.id,
        source=rules.source,
        lines=found.lines,
        refund_ids=found.refund_ids,
        dry_run=dry_run,
        **command_header(),
    )


async def push_return_request(
    settings: Settings, asked: ReturnRequested, patience: float
) -> ReturnPlanned | CommandSettled:
    """The plan that was asked for; in a dry run, or where there can be none, the exporter's word. Raises `NoAnswer`."""
    async with open_answers(settings.kafka, *RETURN_TOPICS) as consumer:
        await send_command(settings.kafka, asked, datetime.now(UTC))
        try:
            async with asyncio.timeout(patience):
                return await wait_for_return_plan(asked, decoded_events(consumer))
        except TimeoutError:
            raise NoAnswer(
                f"no service answered within {patience:g} s; the request is kept and will be planned. "
                f"Are the services running? See davtari status and davtari order {asked.order_id} --shop {asked.shop}"
            ) from None


async def wait_for_return_plan(
    asked: ReturnRequested, events: AsyncIterator[Envelope[Event]]
) -> ReturnPlanned | CommandSettled:
    """The event that ends the push: the plan and the word that it is made come in any order."""
    async for envelope in events:
        event = envelope.data
        match event:
            case ReturnPlanned(command_id=asked.command_id):
                return event
            case CommandSettled(command_id=asked.command_id) if asked.dry_run or event.outcome == "refused":
                return event
    raise RuntimeError("the reader of the topics ended")


def show_return_plan(plan: ReturnPlanned) -> None:
    """The planned credit note, line by line."""
    rows = [(line.order_line_id or "", line.item, number(line.quantity), line.amount, line.vat) for line in plan.lines]
    console.print(
        f"Return request {plan.request} of order {plan.order_id} would become a credit note of {plan.total} "
        f"{plan.currency}, VAT {plan.vat}, dated {plan.date}, on Sale {plan.sale}.",
        soft_wrap=True,
    )
    console.print(build_table(("order line", "item", "quantity", "amount", "VAT"), rows, right=(2, 3, 4)))
    console.print("Nothing is written. Refund it in the shop: that refund becomes the credit note.", soft_wrap=True)


# Pushing one order or refund: ask, then watch until its document is there or the exporter says why it is not.

WATCHED = ("ledger.documents", "dead-letters", "operations")
DOCUMENTS = (SaleRecorded, CreditNoteRecorded)
EXPORTERS = {
    "order": ("store-feed", "order-exporter"),
    "refund": ("store-feed", "order-exporter", "refund-exporter"),
}
"""The services whose dead letters end a push; a note or status that failed does not."""
PLANS = (SalePlanned, CreditNotePlanned, SalesOrderPlanned)


async def push_document(settings: Settings, command: PushRequested, patience: float) -> Event:
    """Push and give the document, the planned document, the dead letter, or the exporter's refusal.

    Raises `NoAnswer`, and `SettingsError` for a shop that the settings do not name.
    """
    if command.shop not in settings.shops:
        raise SettingsError(f"the settings name no shop {command.shop!r}, only {', '.join(settings.shops)}")
    if not command.dry_run and (known := await _known(settings, command, DOCUMENTS)):
        return known
    said: list[str] = []
    async with open_answers(settings.kafka, *WATCHED) as consumer:
        await send_command(settings.kafka, command, datetime.now(UTC))
        try:
            async with asyncio.timeout(patience):
                return await _outcome(settings, command, decoded_events(consumer), said)
        except TimeoutError:
            raise NoAnswer(_silence(command, patience, said)) from None


async def _outcome(
    settings: Settings, command: PushRequested, events: AsyncIterator[Envelope[Event]], said: list[str]
) -> Event:
    """The first event that ends the push; what the exporter says on the way is added to `said`."""
    async for envelope in events:
        event = envelope.data
        if _is_about(command, event):
            return event
        if isinstance(event, CommandSettled) and event.command_id == command.command_id:
            said.append(event.detail)
            if found := await _settled(settings, command, event):
                return found
    raise RuntimeError("the reader of the topics ended")


async def _settled(settings: Settings, command: PushRequested, answer: CommandSettled) -> Event | None:
    """What an exporter's answer ends the push with: its refusal, or a plan that was announced before already."""
    if answer.outcome == "refused":
        return answer
    flows = settings.shops[command.shop].flows
    mode = flows.orders if command.document == "order" else flows.refunds
    only_planned = command.dry_run or mode == "dry-run"
    return await _known(settings, command, (*DOCUMENTS, *PLANS)) if only_planned else None


async def _known(settings: Settings, command: PushRequested, kinds: tuple[type[Event], ...]) -> Event | None:
    """The newest of these events about what is pushed."""
    found = None
    async for envelope in read_events(settings.kafka, ["ledger.documents"]):
        if isinstance(envelope.data, kinds) and _is_about(command, envelope.data):
            found = envelope.data
    return found


def _is_about(command: PushRequested, event: Event) -> bool:
    key = order_key(command.shop, command.order_id)
    match event:
        case DeadLettered():
            return order_key_of(event) == key and event.service in EXPORTERS[command.document]
        case SaleRecorded() | SalePlanned() | SalesOrderRecorded() | SalesOrderPlanned() | SalePostponed():
            return command.document == "order" and event.key == key
        case CreditNoteRecorded() | CreditNotePlanned():
            return command.document == "refund" and (event.key, event.refund_id) == (key, command.refund_id)
        case _:
            return False


def _silence(command: PushRequested, patience: float, said: list[str]) -> str:
    return (
        f"no document of {command.document} {command.order_id} of shop {command.shop} within {patience:g} s"
        f"{': ' + '; '.join(said) if said else ', and no service answered: do they run?'} "
        f"(davtari order {command.order_id} --shop {command.shop} shows where it stands)"
    )


Number = Annotated[
    str | None,
    typer.Argument(
        metavar="[REFUND|REQUEST]", help="The refund's number; or a return request's, where the order has several."
    ),
]


@command
async def push_command(
    document: Literal["order", "refund", "return-request"],
    order_id: int,
    number: Number = None,
    shop: Shop = "",
    dry_run: DryRun = False,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Export one order or refund now, or plan a return request. Always safe: nothing is written twice.

    A return-request is read where shops.SHOP.returns says; the credit note that it would become is planned and shown,
    and nothing is written: the shop's refund gets its own credit note later. A dry run keeps no plan.
    """
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    if document == "return-request":
        return await _return_request(shop, order_id, number, dry_run, patience, json)
    if document == "refund" and not (number and number.isdecimal()):
        errors.print("[red]The refund's number is missing: davtari push refund ORDER REFUND[/]")
        return WRONG_SETTINGS
    refund_id = int(number) if number and number.isdecimal() else None
    asked = PushRequested(
        document=document,
        shop=shop,
        order_id=order_id,
        refund_id=refund_id,
        dry_run=dry_run,
        **requests.command_header(),
    )
    with console.status(f"pushing {document} {order_id}…"):
        settled = await push_document(chosen, asked, patience)
    print_json(settled.content()) if json else console.print(describe_event(settled), soft_wrap=True)
    return FAILED if isinstance(settled, DeadLettered | CommandSettled) else 0


async def _return_request(
    shop: str, order_id: int, request: str | None, dry_run: bool, patience: float, json: bool
) -> int:
    with console.status(f"reading the return request of order {order_id}…"):
        chosen = read_settings()
        asked = await read_return_request(chosen, shop, order_id, request, dry_run=dry_run)
        found = await push_return_request(chosen, asked, patience)
    if isinstance(found, CommandSettled):
        return show_answer(found, json)
    print_json(found.content()) if json else show_return_plan(found)
    return 0
