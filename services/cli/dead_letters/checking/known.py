"""What an edit is checked against: the topics, the settings, and Balance for the references that it changes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import typer

from contracts.shop import OrderChanged, RefundIssued
from services.cli.command import InvalidArgument
from services.cli.dead_letter_log import DeadLetter
from services.cli.dead_letters.checking.edit import Known
from services.cli.dead_letters.pointers import differences, value_at
from services.connectors.balance.client import Balance
from services.engine.kafka.reader import read_events
from services.engine.outbox.upstream_errors import UpstreamError
from services.engine.runtime.tbilisi import local_day
from services.settings import Settings
from services.settings.balance import BalanceSettings

REFERENCES = ("Warehouse", "Client", "Currency", "Item", "BaseDocument")
"""Fields of documents that name something in Balance."""


async def known_of(settings: Settings, letter: DeadLetter, now: datetime) -> Known:
    """What is known of the order, or refund, that a letter is about."""
    order, refund = await _of_shop(settings, letter)
    shop = settings.shops.get(letter.shop or "")
    dialect, template = settings.balance.dialect, settings.balance.template
    more = {dialect.posted_field, dialect.waybill_field, *template.extra}
    if shop:
        more.add(shop.orders.clients.delivery_address_field)
    return Known(
        today=local_day(now),
        order=order,
        refund=refund,
        locked_until=shop.orders.locked_until if shop else None,
        fields=frozenset(name for name in more if name),
    )


async def _of_shop(settings: Settings, letter: DeadLetter) -> tuple[OrderChanged | None, RefundIssued | None]:
    if letter.order is None:
        return None, None
    payload = letter.letter.delivery.payload if letter.letter.delivery else {}
    order: OrderChanged | None = None
    refund: RefundIssued | None = None
    async for envelope in read_events(settings.kafka, ["shop.orders", "shop.refunds"]):
        match event := envelope.data:
            case OrderChanged() if (event.shop, event.order_id) == (letter.shop, letter.order):
                order = event
            case RefundIssued() if (event.shop, event.order_id) == (letter.shop, letter.order):
                refund = event if event.refund_id == payload.get("refund_id") else refund
    return order, refund


async def unknown_references(settings: Settings, before: Mapping[str, Any], made: Mapping[str, Any]) -> list[str]:
    """References that an edit changes and that nobody could look up. Raises `WrongUse` for those that Balance lacks."""
    changed = list(_changed(before, made))
    faults = [f"{at}: {uid} is no currency of balance.currencies" for at, name, uid in changed
              if name == "Currency" and uid not in settings.balance.currencies.values()]  # fmt: skip
    asked = [one for one in changed if one[1] != "Currency"]
    doubts: list[str] = []
    try:
        faults += await _missing(settings.balance, asked) if asked else []
    except UpstreamError as error:
        doubts = [f"{at}: {uid} could not be looked up in Balance: {error.message}" for at, _, uid in asked]
    if faults:
        raise InvalidArgument(f"nothing was sent: {'; '.join(faults)}")
    return doubts


def _changed(before: Mapping[str, Any], made: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for pointer in differences(before, made) if made else ():
        name, value = pointer.rpartition("/")[2], value_at(made, pointer)
        if name in REFERENCES and isinstance(value, str):
            yield pointer, name, value


async def _missing(settings: BalanceSettings, changed: Sequence[tuple[str, str, str]]) -> list[str]:
    async with Balance(settings, settings.password()) as balance:
        return [
            f"{at}: Balance has no {name} {uid}" for at, name, uid in changed if not await _is_there(balance, name, uid)
        ]


async def _is_there(balance: Balance, name: str, uid: str) -> bool:
    match name:
        case "Client":
            return await balance.client(uid) is not None
        case "Item":
            return await balance.item(uid) is not None
        case "Warehouse":
            return any(uid in (one.uid, one.name) for one in await balance.warehouses())
        case _:
            return await balance.sale(uid) is not None


def confirmed(doubts: Sequence[str], *, yes: bool) -> None:
    """Ask a person about what is unusual. Raises `WrongUse` where nobody confirms it."""
    if not doubts or yes:
        return
    question = f"{'; '.join(doubts)}. Is that meant?"
    if not (sys.stdin.isatty() and typer.confirm(question)):
        raise InvalidArgument(f"nothing was sent: {'; '.join(doubts)}. If that is meant, confirm it with --yes")
