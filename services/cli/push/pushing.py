"""Pushing one order or refund: ask, then watch until its document is there or the exporter says why it is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from contracts.delivery_ids import order_key
from contracts.envelope import Envelope
from contracts.ledger import CreditNotePlanned, CreditNoteRecorded, SalePlanned, SaleRecorded
from contracts.model import Event
from contracts.operations import CommandSettled, DeadLettered, PushRequested
from contracts.placement import SalePostponed
from contracts.sales_orders import SalesOrderPlanned, SalesOrderRecorded
from services.cli.requests import NoAnswer
from services.engine.client.commands import decoded_events, open_answers, send_command
from services.engine.client.reader import read_events
from services.engine.outbox.letter_about import order_key_of
from services.settings import Settings, SettingsError

WATCHED = ("ledger.documents", "dead-letters", "operations")
DOCUMENTS = (SaleRecorded, CreditNoteRecorded)
EXPORTERS = {
    "order": ("store-feed", "order-exporter"),
    "refund": ("store-feed", "order-exporter", "refund-exporter"),
}
"""The services whose dead letters end a push; a note or status that failed does not."""
PLANS = (SalePlanned, CreditNotePlanned, SalesOrderPlanned)


async def push(settings: Settings, command: PushRequested, patience: float) -> Event:
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
