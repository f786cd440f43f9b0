"""`davtari demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.command import NO_ANSWER, command
from services.cli.screen import errors
from services.demo.kafka import BrokerError
from services.demo.story import demo

Keep = Annotated[bool, typer.Option(help="Leave everything running until Ctrl-C.")]


@command
async def demo_command(
    keep: Keep = False,
) -> int:
    """Run the whole product against sandboxes of Balance and WooCommerce, and tell what happens."""
    try:
        return await demo(keep=keep)
    except BrokerError as error:
        errors.print(f"[red]{error}[/]")
        return NO_ANSWER
