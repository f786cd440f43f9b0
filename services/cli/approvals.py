"""`davtari approvals list` and `davtari approve`: documents that wait for the accountant, and their approval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import typer

from contracts.approvals import ApprovalAsked, ApprovalGiven
from contracts.delivery_ids import credit_note_id, refund_key, sale_id
from contracts.envelope import Envelope
from contracts.json_text import digest_of
from contracts.ledger import CreditNoteRecorded, SaleRecorded
from contracts.model import Event
from contracts.order_statuses import is_void
from contracts.shop import OrderChanged, OrderRemoved, RefundRemoved
from services.accounting.documents.approval import is_approved
from services.cli.command import Json, ReasonOption, command, read_settings
from services.cli.propose import approve_item_command
from services.cli.requests import command_header, user_name
from services.cli.screen import compose, console, print_json, styled
from services.engine.client.commands import issue
from services.engine.client.reader import read_events
from services.engine.clock import local_time
from services.settings import Settings
from services.settings.shop import ShopSettings

TOPICS = ("commands", "operations", "ledger.documents", "shop.orders", "shop.refunds")
approvals_app = typer.Typer(no_args_is_help=True, help="Documents that wait for the accountant's approval.")
approve_app = typer.Typer(no_args_is_help=True, help="Approve a document, every document of a shape, or an item.")
approve_app.command(name="item")(approve_item_command)


class ApprovalNotFound(Exception):
    """Nothing of this name waits for an approval; the message states where to look."""


@dataclass(frozen=True, slots=True)
class ApprovalShape:
    """A shape of documents in a shop: those that wait for an approval, and the approvals given so far."""

    id: str
    shop: str
    shape: str
    waiting: tuple[ApprovalAsked, ...]
    approvals: tuple[ApprovalGiven, ...]


@dataclass(slots=True)
class ApprovalFacts:
    """The topics' content: requests by document, approvals by shop and shape, documents that need none any more."""

    requests: dict[str, ApprovalAsked] = field(default_factory=dict)
    approvals: defaultdict[tuple[str, str], list[ApprovalGiven]] = field(default_factory=lambda: defaultdict(list))
    closed: set[str] = field(default_factory=set)


@approvals_app.command(name="list")
@command
async def list_approvals(json: Json = False) -> int:
    """List the documents that wait, by shape, and the approvals given so far."""
    shapes = await _read_shapes(read_settings())
    if json:
        print_json({"shapes": [_to_dict(one) for one in shapes]})
    else:
        _print_shapes(shapes)
    return 0


@approve_app.command(name="document")
@command
async def approve_document(document: str, why: ReasonOption = "", json: Json = False) -> int:
    """Approve one document by its name in `davtari approvals list`, for example sale:main:17."""
    chosen = read_settings()
    shape = find_shape_of_document(await _read_shapes(chosen), document)
    return await _approve(chosen, shape, document, why, as_data=json)


@approve_app.command(name="shape")
@command
async def approve_shape(shape_id: str, why: ReasonOption = "", json: Json = False) -> int:
    """Approve every document of a shape, present and future."""
    chosen = read_settings()
    return await _approve(chosen, find_shape(await _read_shapes(chosen), shape_id), None, why, as_data=json)


async def _read_shapes(chosen: Settings) -> list[ApprovalShape]:
    return collect_shapes([envelope async for envelope in read_events(chosen, TOPICS)], chosen.shops)


async def _approve(chosen: Settings, shape: ApprovalShape, document: str | None, why: str, *, as_data: bool) -> int:
    approval = ApprovalGiven(shop=shape.shop, shape=shape.shape, document=document, why=why, **command_header())
    await issue(chosen, approval, asked_by=user_name())
    if as_data:
        print_json(approval.content())
    else:
        what = document or f"every document of shape {shape.shape} in shop {shape.shop}"
        text = f"{what} approved by {approval.asked_by}. The services export it without further action."
        console.print(text, soft_wrap=True)
    return 0


def collect_shapes(envelopes: Iterable[Envelope[Event]], shops: Mapping[str, ShopSettings]) -> list[ApprovalShape]:
    """Every shape with a request or an approval; those with waiting documents come first."""
    facts = ApprovalFacts()
    for envelope in envelopes:
        _apply(facts, envelope.data)
    slots = {*facts.approvals, *((one.shop, one.shape) for one in facts.requests.values())}
    shapes = [_build_shape(slot, facts, shops) for slot in slots]
    return sorted(shapes, key=lambda one: (not one.waiting, one.shop, one.shape))


def _apply(facts: ApprovalFacts, event: Event) -> None:
    match event:
        case ApprovalAsked():
            facts.requests[event.document] = event
        case ApprovalGiven():
            facts.approvals[event.shop, event.shape].append(event)
        case SaleRecorded() | OrderRemoved():
            facts.closed.add(sale_id(event.key))
        case CreditNoteRecorded() | RefundRemoved():
            facts.closed.add(credit_note_id(refund_key(event.key, event.refund_id)))
        case OrderChanged() if is_void(event):
            facts.closed.add(sale_id(event.key))
        case _:
            return


def _build_shape(slot: tuple[str, str], facts: ApprovalFacts, shops: Mapping[str, ShopSettings]) -> ApprovalShape:
    shop, approvals = shops.get(slot[0]), facts.approvals.get(slot, [])
    first = shop.orders.approve_first if shop else 0
    waiting = [
        one
        for one in facts.requests.values()
        if (one.shop, one.shape) == slot and first and one.document not in facts.closed
        and not is_approved(one.document, first, approvals)
    ]  # fmt: skip
    return ApprovalShape(digest_of(slot)[:8], *slot, tuple(waiting), tuple(approvals))


def find_shape_of_document(shapes: Sequence[ApprovalShape], document: str) -> ApprovalShape:
    """The shape of a document that waits. Raises `ApprovalNotFound`."""
    for shape in shapes:
        if any(one.document == document for one in shape.waiting):
            return shape
    raise ApprovalNotFound(f"{document} does not wait for an approval; see davtari approvals list")


def find_shape(shapes: Sequence[ApprovalShape], prefix: str) -> ApprovalShape:
    """The shape whose id starts with `prefix`. Raises `ApprovalNotFound` unless there is exactly one."""
    matching = [shape for shape in shapes if shape.id.startswith(prefix)]
    if len(matching) != 1:
        raise ApprovalNotFound(f"{len(matching)} shapes have an id starting with {prefix}; see davtari approvals list")
    return matching[0]


def _print_shapes(shapes: list[ApprovalShape]) -> None:
    for one in shapes:
        console.print(compose(styled(one.id, "bold"), f"  {one.shop}: {one.shape}"), soft_wrap=True)
        for asked in one.waiting:
            console.print(f"    waiting   {asked.document}  {asked.total} {asked.currency}", soft_wrap=True)
        for each in one.approvals:
            what, at = each.document or "the whole shape", local_time(each.asked_at)
            console.print(f"    approved  {what} by {each.asked_by}, {at} {each.why}", soft_wrap=True)
    count = sum(len(one.waiting) for one in shapes)
    console.print(f"Documents waiting for approval: {count}." if count else "No document is waiting for approval.")


def _to_dict(one: ApprovalShape) -> dict[str, object]:
    waiting, approved = [each.content() for each in one.waiting], [each.content() for each in one.approvals]
    return {"id": one.id, "shop": one.shop, "shape": one.shape, "waiting": waiting, "approved": approved}
