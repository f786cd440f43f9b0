"""A console for tests: people of every role, and a client that acts as a browser without JavaScript."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher

from contracts.model import Event
from services.console.access.database import AccessDatabase, open_access
from services.console.access.roles import ConsoleRole
from services.console.access.users import add_user
from services.console.pages.assembly import assemble_site
from services.console.pages.site import create_console
from services.console.pages.visit import ReadEnds, ReadModel
from services.settings.console import ConsoleSettings
from services.settings.model import Settings

PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""The cost of a hash is part of it, so signing in is as fast as the hash that is stored."""
ADDRESS = "http://console.test"
SETTINGS = {
    "balance": {"application-id": "1234", "user-name": "davtari", "password-file": "secrets/balance-password"},
    "shops": {"main": {"url": "https://shop.example.ge", "key-file": "k", "secret-file": "s"}},
}


@dataclass(slots=True)
class ManualClock:
    """A clock that tests move."""

    now: datetime = field(default_factory=lambda: datetime(2026, 11, 20, 10, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Move the clock."""
        self.now += timedelta(**by)


@dataclass(frozen=True, slots=True)
class PageBench:
    """The running application with its access database and clock."""

    app: Any
    access: AccessDatabase
    clock: ManualClock
    settings: Settings
    sent: list[Event] = field(default_factory=list)

    def browser(self, language: str = "en", **options: Any) -> httpx.AsyncClient:
        """A client with cookies of its own."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url=ADDRESS,
            headers={"accept-language": language},
            **options,
        )

    async def signed_in(self, name: str, language: str = "en") -> httpx.AsyncClient:
        """A client of a person who has signed in."""
        client = self.browser(language)
        answer = await submit(client, "/sign-in", name=name, password=PASSWORD, next="/account")
        assert answer.status_code == 303, answer.text
        return client


@asynccontextmanager
async def start_pages(
    directory: Path,
    model: ReadModel | None = None,
    *,
    clock: ManualClock | None = None,
    broken: Exception | None = None,
    ends: ReadEnds = dict,
    **changes: Any,
) -> AsyncIterator[PageBench]:
    """A console with one person of each role, named like it."""
    clock, settings = clock or ManualClock(), Settings.model_validate(SETTINGS)
    console = ConsoleSettings.model_validate(changes)
    async with open_access(directory) as access:
        sent: list[Event] = []

        async def give(command: Event, asked_by: str) -> None:
            if broken is not None:
                raise broken
            sent.append(command)

        site = assemble_site(settings, console, access, model, clock, give, ends)
        hashed = CHEAP.hash(PASSWORD)
        async with access.write() as connection:
            for role in ConsoleRole:
                await add_user(connection, role.value, hashed, [role], clock())
        yield PageBench(create_console(site), access, clock, settings, sent)


async def submit(
    client: httpx.AsyncClient, page: str, to: str = "", headers: dict[str, str] | None = None, **fields: Any
) -> httpx.Response:
    """Open a page and send a form from it to `to` (the page itself without it)."""
    shown = await client.get(page)
    return await client.post(to or page, data={"form": form_token(shown.text), **fields}, headers=headers)


def form_token(html: str) -> str:
    """The token of the last form on a page."""
    return unescape(re.findall(r'name="form" value="([^"]*)"', html)[-1])
