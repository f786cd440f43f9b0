"""`davtari check`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from services.cli import gates, show
from services.cli.check import systems
from services.cli.codes import FAILED
from services.cli.frame import Json, command, settings
from services.cli.screen import as_json


@command
async def check_command(
    what: Annotated[Literal["everything", "taxes"], typer.Argument(help="`taxes`: rate by rate.")] = "everything",
    mend: Annotated[bool, typer.Option("--mend", help="Make topics and webhooks, and switch webhooks on.")] = False,
    last: Annotated[bool, typer.Option("--last", help="When each gate passed, or why it is shut.")] = False,
    json: Json = False,
) -> int:
    """Find what is wrong in Kafka, Balance, the shops or the settings, and say what mends it."""
    chosen = settings()
    if last:
        return await gates.told(chosen, as_data=json)
    found = await (systems.check_taxes(chosen) if what == "taxes" else systems.check(chosen, mend=mend))
    forbidden = systems.forbidden(found, chosen)
    if json:
        as_json({"systems": [asdict(checked) for checked in found], "cannot_go_live": forbidden})
    else:
        show.checked(found, forbidden)
    return 0 if all(checked.ok for checked in found) else FAILED
