"""The command `davtari check`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from services.accounting.checks.findings import Finding
from services.cli import gates
from services.cli.check import systems
from services.cli.check.systems import CheckedSystem
from services.cli.command import FAILED, Json, command, read_settings
from services.cli.screen import compose, console, format_mark, print_json, styled


@command
async def check_command(
    what: Annotated[
        Literal["everything", "taxes"], typer.Argument(help="`taxes` lists the tax rates one by one.")
    ] = "everything",
    fix: Annotated[bool, typer.Option("--fix", help="Create missing topics and webhooks, enable webhooks.")] = False,
    last: Annotated[bool, typer.Option("--last", help="Show when each gate passed, or why it is closed.")] = False,
    json: Json = False,
) -> int:
    """Find what is wrong in Kafka, Balance, the shops or the settings, and how to fix it."""
    chosen = read_settings()
    if last:
        return await gates.show_gates(chosen, as_data=json)
    found = await (systems.check_taxes(chosen) if what == "taxes" else systems.check_systems(chosen, fix=fix))
    blocked = systems.find_blocked_flows(found, chosen)
    if json:
        print_json({"systems": [asdict(checked) for checked in found], "cannot_go_live": blocked})
    else:
        show_checks(found, blocked)
    return 0 if all(checked.ok for checked in found) else FAILED


def show_checks(found: Sequence[CheckedSystem], blocked: Mapping[str, Sequence[str]] | None = None) -> None:
    """Print the findings of each system, and the flows of each shop that cannot go live."""
    for one in found:
        console.print()
        console.print(
            compose(styled(one.title, "bold"), "   ", styled(f"{one.milliseconds} ms", "dim")), soft_wrap=True
        )
        for done in one.fixed:
            console.print(compose("  ", styled("fixed", "green"), f"  {done}"), soft_wrap=True)
        for finding in one.findings:
            _print_finding(finding)
    errors = sum(finding.ok is False for one in found for finding in one.findings)
    notes = sum(finding.ok is None for one in found for finding in one.findings)
    console.print()
    console.print(f"{_count(errors, 'problem')}, {_count(notes, 'note')}.")
    for shop, flows in (blocked or {}).items():
        text = f"{shop}: {', '.join(flows)} cannot go live until the problems marked ✗ are fixed; dry run is possible."
        console.print(text, soft_wrap=True)


def _print_finding(finding: Finding) -> None:
    console.print(compose("  ", format_mark(finding.ok), f" {finding.what}   {finding.message}"), soft_wrap=True)
    if finding.fix and finding.ok is not True:
        console.print(f"      {finding.fix}", style="cyan", soft_wrap=True)


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
