"""`davtari demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from services.commands.frame import command
from services.demo.story import demo

Keep = Annotated[bool, typer.Option(help="Leave everything running until Ctrl-C.")]


@command
async def demo_command(
    keep: Keep = False,
) -> int:
    """Run the whole product against sandboxes of Balance and WooCommerce, and tell what happens."""
    return await demo(keep=keep)
