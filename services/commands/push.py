"""Pushing one order or refund: ask, then watch the books until something is said about it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from contracts.envelope import Envelope
from contracts.ledger import CreditNotePlanned, CreditNoteRecorded, SalePlanned, SaleRecorded
from contracts.model import Event
from contracts.operations import DeadLettered, PushRequested
from services.commands.ask import NoAnswer
from services.shared.messaging.commands import answers, following, send
from services.shared.messaging.reader import read_events
from services.shared.settings.model import Settings


async def push(settings: Settings, command: PushRequested, patience: float) -> Event:
    """Push and give the document, the planned document, or the dead letter. Raises `NoAnswer`."""
    if not command.dry_run and (known := await _recorded(settings, command)):
        return known
    async with answers(settings.kafka, "ledger.documents", "dead-letters") as consumer:
        await send(settings.kafka, command, datetime.now(UTC))
        try:
            async with asyncio.timeout(patience):
                async for envelope in following(consumer):
                    if _answers(command, envelope):
                        return envelope.data
        except TimeoutError:
            pass
    raise NoAnswer(
        f"nothing was said about {command.document} {command.order_id} of shop {command.shop} within {patience:g} s. "
        f"davtari order {command.shop} {command.order_id} shows where it stands"
    )


async def _recorded(settings: Settings, command: PushRequested) -> Event | None:
    async for envelope in read_events(settings.kafka, ["ledger.documents"]):
        if isinstance(envelope.data, SaleRecorded | CreditNoteRecorded) and _answers(command, envelope):
            return envelope.data
    return None


def _answers(command: PushRequested, envelope: Envelope[Event]) -> bool:
    event, key = envelope.data, f"{command.shop}:{command.order_id}"
    if isinstance(event, DeadLettered):
        return event.original_key == key
    if command.document == "order":
        return isinstance(event, SaleRecorded | SalePlanned) and event.key == key
    return isinstance(event, CreditNoteRecorded | CreditNotePlanned) and event.refund_id == command.refund_id
