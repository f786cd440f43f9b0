"""`davtari check`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Literal

import typer
from rich.markup import escape

from services.cli import gates
from services.cli.check import systems
from services.cli.check.systems import CheckedSystem
from services.cli.command import FAILED, Json, command, read_settings
from services.cli.screen import console, format_mark, print_json


@command
async def check_command(
    what: Annotated[Literal["everything", "taxes"], typer.Argument(help="`taxes`: rate by rate.")] = "everything",
    mend: Annotated[bool, typer.Option("--mend", help="Make topics and webhooks, and switch webhooks on.")] = False,
    last: Annotated[bool, typer.Option("--last", help="When each gate passed, or why it is shut.")] = False,
    json: Json = False,
) -> int:
    """Find what is wrong in Kafka, Balance, the shops or the settings, and say what mends it."""
    chosen = read_settings()
    if last:
        return await gates.show_gates(chosen, as_data=json)
    found = await (systems.check_taxes(chosen) if what == "taxes" else systems.check_systems(chosen, mend=mend))
    forbidden = systems.find_blocked_flows(found, chosen)
    if json:
        print_json({"systems": [asdict(checked) for checked in found], "cannot_go_live": forbidden})
    else:
        show_checks(found, forbidden)
    return 0 if all(checked.ok for checked in found) else FAILED


def show_checks(found: Sequence[CheckedSystem], forbidden: Mapping[str, Sequence[str]] | None = None) -> None:
    """What `davtari check` found, and which flows cannot go live before it is mended."""
    for one in found:
        console.print(f"\n[bold]{escape(one.title)}[/]   [dim]{one.milliseconds} ms[/]", soft_wrap=True)
        for done in one.mended:
            console.print(f"  [green]mended[/]  {escape(done)}", soft_wrap=True)
        for finding in one.findings:
            console.print(
                f"  {format_mark(finding.ok)} {escape(finding.what)}   {escape(finding.told)}", soft_wrap=True
            )
            if finding.fix and finding.ok is not True:
                console.print(f"      {escape(finding.fix)}", style="cyan", soft_wrap=True)
    wrong = sum(finding.ok is False for one in found for finding in one.findings)
    known = sum(finding.ok is None for one in found for finding in one.findings)
    console.print(f"\n{wrong} {'thing' if wrong == 1 else 'things'} to mend, {known} to know.")
    for shop, flows in (forbidden or {}).items():
        told = f"{shop}: {', '.join(flows)} cannot go live before the ✗ are gone; in dry run they may stay."
        console.print(escape(told), soft_wrap=True)
