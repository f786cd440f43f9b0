"""`davtari approvals list`, `davtari approve shape|document`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import typer
from rich.markup import escape

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.delivery_ids import credit_note_id, refund_key, sale_id
from contracts.envelope import Envelope
from contracts.ledger import CreditNoteRecorded, SaleRecorded
from contracts.model import Event
from contracts.order_statuses import is_void
from contracts.shop import OrderChanged, OrderRemoved, RefundRemoved
from services.accounting.documents.approval import is_approved
from services.accounting.documents.digest import digest_of
from services.cli.command import Json, ReasonOption, command, read_settings
from services.cli.propose import approve_item_command
from services.cli.requests import command_header
from services.cli.screen import console, print_json
from services.engine.client.commands import send_command
from services.engine.client.reader import read_events
from services.engine.runtime.tbilisi import local_time
from services.settings import Settings
from services.settings.shop import ShopSettings

# Which documents wait for an approval, by shape, and which approvals were given by whom.

TOPICS = ("operations", "ledger.documents", "shop.orders", "shop.refunds")


class ApprovalNotFound(Exception):
    """What was named waits for no approval; the message says what to look at."""


@dataclass(frozen=True, slots=True)
class ApprovalShape:
    """A shape in a shop, with its documents that wait and the approvals that were given to it."""

    id: str
    shop: str
    shape: str
    waiting: tuple[ApprovalAsked, ...]
    given: tuple[ApprovalGiven, ...]


@dataclass(slots=True)
class ApprovalFacts:
    """What the topics say: questions by document, approvals by shape, and documents that need none any more."""

    asked: dict[str, ApprovalAsked] = field(default_factory=dict)
    given: defaultdict[tuple[str, str], list[ApprovalGiven]] = field(default_factory=lambda: defaultdict(list))
    closed: set[str] = field(default_factory=set)


def collect_shapes(envelopes: Iterable[Envelope[Event]], shops: Mapping[str, ShopSettings]) -> list[ApprovalShape]:
    """Every shape that was ever asked about or approved, those with waiting documents first."""
    told = ApprovalFacts()
    for envelope in envelopes:
        _take(told, envelope.data)
    slots = {*told.given, *((one.shop, one.shape) for one in told.asked.values())}
    found = [_shape(slot, told, shops) for slot in slots]
    return sorted(found, key=lambda one: (not one.waiting, one.shop, one.shape))


def _take(told: ApprovalFacts, event: Event) -> None:
    match event:
        case ApprovalAsked():
            told.asked[event.document] = event
        case ApprovalGiven():
            told.given[event.shop, event.shape].append(event)
        case SaleRecorded() | OrderRemoved():
            told.closed.add(sale_id(event.key))
        case CreditNoteRecorded() | RefundRemoved():
            told.closed.add(credit_note_id(refund_key(event.key, event.refund_id)))
        case OrderChanged():
            _take_order(told, event)
        case _:
            return


def _take_order(told: ApprovalFacts, order: OrderChanged) -> None:
    """An order that was given up, or came back."""
    if is_void(order):
        told.closed.add(sale_id(order.key))


def _shape(slot: tuple[str, str], told: ApprovalFacts, shops: Mapping[str, ShopSettings]) -> ApprovalShape:
    shop, given = shops.get(slot[0]), told.given.get(slot, [])
    first = shop.orders.approve_first if shop else 0
    waiting = [
        one
        for one in told.asked.values()
        if (one.shop, one.shape) == slot and first and one.document not in told.closed
        and not is_approved(one.document, first, given)
    ]  # fmt: skip
    return ApprovalShape(digest_of(slot)[:8], *slot, tuple(waiting), tuple(given))


def find_shape_of_document(found: Sequence[ApprovalShape], document: str) -> ApprovalShape:
    """The shape of a document that waits. Raises `NoSuchApproval`."""
    for shape in found:
        if any(one.document == document for one in shape.waiting):
            return shape
    raise ApprovalNotFound(f"{document} waits for no approval; davtari approvals list shows what does")


def find_shape(found: Sequence[ApprovalShape], id_: str) -> ApprovalShape:
    """The shape with this id, or with these first signs of it. Raises `NoSuchApproval`."""
    matching = [shape for shape in found if shape.id.startswith(id_)]
    if len(matching) != 1:
        raise ApprovalNotFound(f"{len(matching)} shapes are called {id_}; davtari approvals list shows them")
    return matching[0]


approvals_app = typer.Typer(no_args_is_help=True, help="Documents that wait for the accountant's approval.")
approve_app = typer.Typer(no_args_is_help=True, help="Approve a document, all of its shape, or a proposed item.")
approve_app.command(name="item")(approve_item_command)


@approvals_app.command(name="list")
@command
async def list_approvals(json: Json = False) -> int:
    """What waits, by shape, and what was approved by whom."""
    found = await _read_shapes(read_settings())
    if json:
        print_json({"shapes": [_to_dict(one) for one in found]})
    else:
        _print_shapes(found)
    return 0


@approve_app.command(name="document")
@command
async def approve_document(document: str, why: ReasonOption = "", json: Json = False) -> int:
    """Let one document go, named as `davtari approvals list` names it: sale:main:17."""
    chosen = read_settings()
    shape = find_shape_of_document(await _read_shapes(chosen), document)
    return await _approve(chosen, shape, document, why, as_data=json)


@approve_app.command(name="shape")
@command
async def approve_shape(shape_id: str, why: ReasonOption = "", json: Json = False) -> int:
    """Let every document of a shape go, now and from now on."""
    chosen = read_settings()
    return await _approve(chosen, find_shape(await _read_shapes(chosen), shape_id), None, why, as_data=json)


async def _read_shapes(chosen: Settings) -> list[ApprovalShape]:
    return collect_shapes([envelope async for envelope in read_events(chosen.kafka, TOPICS)], chosen.shops)


async def _approve(chosen: Settings, shape: ApprovalShape, document: str | None, why: str, *, as_data: bool) -> int:
    given = ApprovalGiven(shop=shape.shop, shape=shape.shape, document=document, why=why, **command_header())
    await send_command(chosen.kafka, given, datetime.now(UTC))
    if as_data:
        print_json(given.content())
    else:
        what = document or f"all of {shape.shape} in shop {shape.shop}"
        console.print(f"Approved by {escape(given.asked_by)}: {escape(what)}. It goes by itself.", soft_wrap=True)
    return 0


def _print_shapes(found: list[ApprovalShape]) -> None:
    for one in found:
        console.print(f"[bold]{one.id}[/]  {escape(one.shop)}: {escape(one.shape)}", soft_wrap=True)
        for asked in one.waiting:
            console.print(f"    waits     {asked.document}  {asked.total} {asked.currency}", soft_wrap=True)
        for given in one.given:
            what, at = given.document or "the whole shape", local_time(given.asked_at)
            console.print(f"    approved  {what} by {escape(given.asked_by)}, {at} {escape(given.why)}", soft_wrap=True)
    count = sum(len(one.waiting) for one in found)
    console.print(f"{count} documents wait for an approval." if count else "Nothing waits for an approval.")


def _to_dict(one: ApprovalShape) -> dict[str, object]:
    waiting, given = [each.content() for each in one.waiting], [each.content() for each in one.given]
    return {"id": one.id, "shop": one.shop, "shape": one.shape, "waiting": waiting, "approved": given}
