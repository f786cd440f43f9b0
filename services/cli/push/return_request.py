"""Pushing a return request: read it in the shop, ask for its plan, and show that (claim S0.25)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from contracts.envelope import Envelope
from contracts.model import Event
from contracts.operations import CommandSettled
from contracts.returns import ReturnPlanned, ReturnRequested
from services.accounting.documents.written import number
from services.cli.requests import NoAnswer, command_header
from services.cli.screen import build_table, console
from services.connectors.upstreams import open_shop
from services.engine.client.commands import decoded_events, open_answers, send_command
from services.engine.runtime.clock import utc_now
from services.refund_exporter.returns.source import find
from services.settings import Settings, SettingsError

WATCHED = ("ledger.documents", "operations")


async def read(settings: Settings, shop: str, order_id: int, request: str | None, *, dry_run: bool) -> ReturnRequested:
    """The command about a return request as it stands in the shop now.

    Raises `RequestInvalid`, `UpstreamError`, and `SettingsError` where the shop is unknown or has no source of them.
    """
    if shop not in settings.shops:
        raise SettingsError(f"the settings name no shop {shop!r}, only {', '.join(settings.shops)}")
    rules = settings.shops[shop].returns
    if rules.source == "off":
        raise SettingsError(f'shops.{shop}.returns.source is "off": say where this shop holds its return requests')
    async with open_shop(settings, shop, utc_now) as client:
        found = await find(client, shop, rules, order_id, request)
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


async def push(settings: Settings, asked: ReturnRequested, patience: float) -> ReturnPlanned | CommandSettled:
    """The plan that was asked for; in a dry run, or where there can be none, the exporter's word. Raises `NoAnswer`."""
    async with open_answers(settings.kafka, *WATCHED) as consumer:
        await send_command(settings.kafka, asked, datetime.now(UTC))
        try:
            async with asyncio.timeout(patience):
                return await outcome(asked, decoded_events(consumer))
        except TimeoutError:
            raise NoAnswer(
                f"no service answered within {patience:g} s; the request is kept and will be planned. "
                f"Are the services running? See davtari status and davtari order {asked.order_id} --shop {asked.shop}"
            ) from None


async def outcome(asked: ReturnRequested, events: AsyncIterator[Envelope[Event]]) -> ReturnPlanned | CommandSettled:
    """The event that ends the push: the plan and the word that it is made come in any order."""
    async for envelope in events:
        event = envelope.data
        match event:
            case ReturnPlanned(command_id=asked.command_id):
                return event
            case CommandSettled(command_id=asked.command_id) if asked.dry_run or event.outcome == "refused":
                return event
    raise RuntimeError("the reader of the topics ended")


def show(plan: ReturnPlanned) -> None:
    """The planned credit note, line by line."""
    rows = [(line.order_line_id or "", line.item, number(line.quantity), line.amount, line.vat) for line in plan.lines]
    console.print(
        f"Return request {plan.request} of order {plan.order_id} would become a credit note of {plan.total} "
        f"{plan.currency}, VAT {plan.vat}, dated {plan.date}, on Sale {plan.sale}.",
        soft_wrap=True,
    )
    console.print(build_table(("order line", "item", "quantity", "amount", "VAT"), rows, right=(2, 3, 4)))
    console.print("Nothing is written. Refund it in the shop: that refund becomes the credit note.", soft_wrap=True)
