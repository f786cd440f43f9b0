"""Serves the console inside of its service."""

from __future__ import annotations

import asyncio

from services.console.access.database import AccessDatabase, open_access
from services.console.api.application import create_api
from services.console.api.context import ApiContext
from services.console.model.progress import LogEnds
from services.console.pages.assembly import assemble_site
from services.console.pages.site import create_console
from services.engine.client.commands import IssueSigned, SignedEvent, issue
from services.engine.clock import Clock
from services.engine.outbox.engine import Engine
from services.engine.runtime.serving import ListenAddress, serve
from services.settings.console import ConsoleSettings
from services.settings.model import Settings


async def serve_console(
    settings: Settings, console: ConsoleSettings, ends: LogEnds, clock: Clock, engine: Engine
) -> None:
    """Serve the pages and the API over the service's database until cancelled. Raises `CannotListen`."""

    async def issue_signed(command: SignedEvent, asked_by: str) -> None:
        await issue(settings, command, asked_by=asked_by, source="davtari-console")

    async with open_access(settings.state.directory) as access:
        site = assemble_site(
            settings, console, access, engine.database.read, clock, issue_signed, lambda: ends.ends, has_api=True
        )
        context = make_context(console, ends, clock, engine, access, issue_signed)
        address = ListenAddress(console.host, console.port, what="pages", section="console")
        serving = asyncio.create_task(serve(create_console(site, create_api(context)), address))
        try:
            await asyncio.shield(serving)
        finally:
            context.feed.close()  # open streams would hold up the end of the server
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


def make_context(
    console: ConsoleSettings,
    ends: LogEnds,
    clock: Clock,
    engine: Engine,
    access: AccessDatabase,
    issue_signed: IssueSigned,
) -> ApiContext:
    """What the API needs; it is woken by every change of the query database."""
    context = ApiContext(access, engine.database.read, clock, console.address, lambda: ends.ends, issue_signed)
    engine.on_change.append(context.feed.notify)
    return context
