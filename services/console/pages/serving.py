"""Serves the console inside of its service."""

from __future__ import annotations

from services.console.access.database import open_access
from services.console.model.progress import LogEnds
from services.console.pages.assembly import assemble_site
from services.console.pages.site import create_console
from services.engine.client.commands import Deed, issue
from services.engine.clock import Clock
from services.engine.outbox.engine import Engine
from services.engine.runtime.serving import ListenAddress, serve
from services.settings.console import ConsoleSettings
from services.settings.model import Settings


async def serve_console(
    settings: Settings, console: ConsoleSettings, ends: LogEnds, clock: Clock, engine: Engine
) -> None:
    """Serve the pages over the service's database until cancelled. Raises `CannotListen`."""

    async def give(command: Deed, asked_by: str) -> None:
        await issue(settings, command, asked_by=asked_by, source="davtari-console")

    async with open_access(settings.state.directory) as access:
        site = assemble_site(settings, console, access, engine.database.read, clock, give, lambda: ends.ends)
        await serve(create_console(site), ListenAddress(console.host, console.port, what="pages", section="console"))
