"""`davtari approvals list`, `davtari approve shape|document`."""

from __future__ import annotations

from datetime import UTC, datetime

import typer
from rich.markup import escape

from contracts.approvals import ApprovalGiven
from services.cli.approvals.pending import TOPICS, Shape, of_document, of_id, shapes
from services.cli.command import Json, ReasonOption, command, read_settings
from services.cli.proposals.app import approve_item_command
from services.cli.requests import command_header
from services.cli.screen import console, print_json
from services.engine.kafka.commands import send
from services.engine.kafka.reader import read_events
from services.engine.runtime.tbilisi import local_time
from services.settings import Settings

approvals_app = typer.Typer(no_args_is_help=True, help="Documents that wait for the accountant's approval.")
approve_app = typer.Typer(no_args_is_help=True, help="Approve a document, all of its shape, or a proposed item.")
approve_app.command(name="item")(approve_item_command)


@approvals_app.command(name="list")
@command
async def list_command(json: Json = False) -> int:
    """What waits, by shape, and what was approved by whom."""
    found = await _shapes(read_settings())
    if json:
        print_json({"shapes": [_data(one) for one in found]})
    else:
        _show(found)
    return 0


@approve_app.command(name="document")
@command
async def document_command(document: str, why: ReasonOption = "", json: Json = False) -> int:
    """Let one document go, named as `davtari approvals list` names it: sale:main:17."""
    chosen = read_settings()
    shape = of_document(await _shapes(chosen), document)
    return await _give(chosen, shape, document, why, as_data=json)


@approve_app.command(name="shape")
@command
async def shape_command(shape_id: str, why: ReasonOption = "", json: Json = False) -> int:
    """Let every document of a shape go, now and from now on."""
    chosen = read_settings()
    return await _give(chosen, of_id(await _shapes(chosen), shape_id), None, why, as_data=json)


async def _shapes(chosen: Settings) -> list[Shape]:
    return shapes([envelope async for envelope in read_events(chosen.kafka, TOPICS)], chosen.shops)


async def _give(chosen: Settings, shape: Shape, document: str | None, why: str, *, as_data: bool) -> int:
    given = ApprovalGiven(shop=shape.shop, shape=shape.shape, document=document, why=why, **command_header())
    await send(chosen.kafka, given, datetime.now(UTC))
    if as_data:
        print_json(given.content())
    else:
        what = document or f"all of {shape.shape} in shop {shape.shop}"
        console.print(f"Approved by {escape(given.asked_by)}: {escape(what)}. It goes by itself.", soft_wrap=True)
    return 0


def _show(found: list[Shape]) -> None:
    for one in found:
        console.print(f"[bold]{one.id}[/]  {escape(one.shop)}: {escape(one.shape)}", soft_wrap=True)
        for asked in one.waiting:
            console.print(f"    waits     {asked.document}  {asked.total} {asked.currency}", soft_wrap=True)
        for given in one.given:
            what, at = given.document or "the whole shape", local_time(given.asked_at)
            console.print(f"    approved  {what} by {escape(given.asked_by)}, {at} {escape(given.why)}", soft_wrap=True)
    count = sum(len(one.waiting) for one in found)
    console.print(f"{count} documents wait for an approval." if count else "Nothing waits for an approval.")


def _data(one: Shape) -> dict[str, object]:
    waiting, given = [each.content() for each in one.waiting], [each.content() for each in one.given]
    return {"id": one.id, "shop": one.shop, "shape": one.shape, "waiting": waiting, "approved": given}
