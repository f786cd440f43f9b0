"""`davtari push`: exports one order or refund now, or plans a return request (claim S0.25)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
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
from services.accounting.documents.return_requests import find_return_request
from services.cli import requests
from services.cli.command import (
    FAILED,
    WRONG_SETTINGS,
    DryRun,
    Json,
    OrderId,
    Patience,
    Shop,
    command,
    read_settings,
    select_shop,
    show_answer,
)
from services.cli.requests import NoAnswer, command_header, user_name
from services.cli.screen import build_table, console, errors, print_json, styled
from services.connectors.upstreams import open_shop
from services.console.model.event_text import describe_event
from services.engine.client.commands import decoded_events, issue, open_answers
from services.engine.client.reader import read_events
from services.engine.clock import utc_now
from services.engine.outbox.dead_letters import order_key_of
from services.settings import Settings, SettingsError

RETURN_TOPICS = ("ledger.documents", "operations")


async def read_return_request(
    settings: Settings, shop: str, order_id: int, request: str | None, *, dry_run: bool
) -> ReturnRequested:
    """Read a return request in the shop, as a command.

    Raises `RequestInvalid`, `UpstreamError`, and `SettingsError` for a shop without return requests.
    """
    if shop not in settings.shops:
        raise SettingsError(f"Unknown shop {shop!r}. Known shops: {', '.join(settings.shops)}")
    rules = settings.shops[shop].returns
    if rules.source == "off":
        raise SettingsError(f'shops.{shop}.returns.source is "off": set where this shop stores return requests')
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
    """Request the plan. Returns it, or the exporter's answer in a dry run or refusal. Raises `NoAnswer`."""
    async with open_answers(settings.kafka, *RETURN_TOPICS) as consumer:
        await issue(settings, asked, asked_by=user_name())
        try:
            async with asyncio.timeout(patience):
                return await wait_for_return_plan(asked, decoded_events(consumer))
        except TimeoutError:
            raise NoAnswer(
                f"No service answered within {patience:g} s. The request is kept and will be planned. "
                f"Check davtari status and davtari order {asked.order_id} --shop {asked.shop}"
            ) from None


async def wait_for_return_plan(
    asked: ReturnRequested, events: AsyncIterator[Envelope[Event]]
) -> ReturnPlanned | CommandSettled:
    """Wait for the plan, or for the answer in a dry run or refusal; both may arrive in any order."""
    async for envelope in events:
        event = envelope.data
        match event:
            case ReturnPlanned(command_id=asked.command_id):
                return event
            case CommandSettled(command_id=asked.command_id) if asked.dry_run or event.outcome == "refused":
                return event
    raise RuntimeError("reading the topics ended unexpectedly")


def show_return_plan(plan: ReturnPlanned) -> None:
    """Print the planned credit note line by line."""
    rows = [(line.order_line_id or "", line.item, number(line.quantity), line.amount, line.vat) for line in plan.lines]
    console.print(
        f"Return request {plan.request} of order {plan.order_id} would become a credit note of {plan.total} "
        f"{plan.currency}, VAT {plan.vat}, dated {plan.date}, on Sale {plan.sale}.",
        soft_wrap=True,
    )
    console.print(build_table(("order line", "item", "quantity", "amount", "VAT"), rows, right=(2, 3, 4)))
    console.print("Nothing was written. A refund in the shop will become the credit note.", soft_wrap=True)


WATCHED = ("ledger.documents", "dead-letters", "operations")
DOCUMENTS = (SaleRecorded, CreditNoteRecorded)
EXPORTERS = {
    "order": ("store-feed", "order-exporter"),
    "refund": ("store-feed", "order-exporter", "refund-exporter"),
}
"""Services whose dead letters end a push; failed order notes and statuses do not."""
PLANS = (SalePlanned, CreditNotePlanned, SalesOrderPlanned)


async def push_document(settings: Settings, command: PushRequested, patience: float) -> Event:
    """Push, and return the document, the planned document, the dead letter, or the exporter's refusal.

    Raises `NoAnswer`, and `SettingsError` for an unknown shop.
    """
    if command.shop not in settings.shops:
        raise SettingsError(f"Unknown shop {command.shop!r}. Known shops: {', '.join(settings.shops)}")
    if not command.dry_run and (known := await _known(settings, command, DOCUMENTS)):
        return known
    messages: list[str] = []
    async with open_answers(settings.kafka, *WATCHED) as consumer:
        await issue(settings, command, asked_by=user_name())
        try:
            async with asyncio.timeout(patience):
                return await _outcome(settings, command, decoded_events(consumer), messages)
        except TimeoutError:
            raise NoAnswer(_describe_timeout(command, patience, messages)) from None


async def _outcome(
    settings: Settings, command: PushRequested, events: AsyncIterator[Envelope[Event]], messages: list[str]
) -> Event:
    """Wait for the event that ends the push; messages of the exporter are added to `messages`."""
    async for envelope in events:
        event = envelope.data
        if _is_about(command, event):
            return event
        if isinstance(event, CommandSettled) and event.command_id == command.command_id:
            messages.append(event.detail)
            if found := await _settled(settings, command, event):
                return found
    raise RuntimeError("reading the topics ended unexpectedly")


async def _settled(settings: Settings, command: PushRequested, answer: CommandSettled) -> Event | None:
    """The event with which an exporter's answer ends the push: its refusal, or an earlier plan."""
    if answer.outcome == "refused":
        return answer
    flows = settings.shops[command.shop].flows
    mode = flows.orders if command.document == "order" else flows.refunds
    only_planned = command.dry_run or mode == "dry-run"
    return await _known(settings, command, (*DOCUMENTS, *PLANS)) if only_planned else None


async def _known(settings: Settings, command: PushRequested, kinds: tuple[type[Event], ...]) -> Event | None:
    """Find the newest of these events about the pushed document."""
    found = None
    async for envelope in read_events(settings, ["ledger.documents"]):
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


def _describe_timeout(command: PushRequested, patience: float, messages: list[str]) -> str:
    return (
        f"No document of {command.document} {command.order_id} of shop {command.shop} within {patience:g} s"
        f"{': ' + '; '.join(messages) if messages else '; no service answered: davtari status'} "
        f"(davtari order {command.order_id} --shop {command.shop} shows its state)"
    )


Number = Annotated[
    str | None,
    typer.Argument(metavar="[REFUND|REQUEST]", help="The id of the refund, or of one of several return requests."),
]


@command
async def push_command(
    document: Literal["order", "refund", "return-request"],
    order_id: OrderId,
    number: Number = None,
    shop: Shop = "",
    dry_run: DryRun = False,
    patience: Patience = 60.0,
    json: Json = False,
) -> int:
    """Export one order or refund now, or plan a return request. Safe to repeat.

    A return request is read from the source in shops.SHOP.returns, and its credit note is planned and shown.
    Nothing is written, because the refund in the shop will get its own credit note. A dry run stores no plan.
    """
    chosen = read_settings()
    shop = select_shop(chosen, shop)
    if document == "return-request":
        return await _return_request(shop, order_id, number, dry_run, patience, json)
    if document == "refund" and not (number and number.isdecimal()):
        errors.print(styled("Add the refund's id: davtari push refund ORDER REFUND", "red"))
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
    with console.print_status(f"Pushing {document} {order_id}…"):
        settled = await push_document(chosen, asked, patience)
    print_json(settled.content()) if json else console.print(str(describe_event(settled)), soft_wrap=True)
    return FAILED if isinstance(settled, DeadLettered | CommandSettled) else 0


async def _return_request(
    shop: str, order_id: int, request: str | None, dry_run: bool, patience: float, json: bool
) -> int:
    with console.print_status(f"Reading the return request of order {order_id}…"):
        chosen = read_settings()
        asked = await read_return_request(chosen, shop, order_id, request, dry_run=dry_run)
        found = await push_return_request(chosen, asked, patience)
    if isinstance(found, CommandSettled):
        return show_answer(found, json)
    print_json(found.content()) if json else show_return_plan(found)
    return 0
