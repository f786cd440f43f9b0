"""Puts the console together: the databases and the settings of a service become its web application."""

from __future__ import annotations

import asyncio

from services.console.access.database import AccessDatabase
from services.console.access.passwords import Passwords
from services.console.access.sign_in import SignIn
from services.console.pages.cookies import CookieJar
from services.console.pages.visit import ConsoleSite, ReadEnds, ReadModel
from services.engine.client.commands import IssueSigned
from services.engine.clock import Clock
from services.settings.console import ConsoleSettings
from services.settings.model import Settings


def assemble_site(
    settings: Settings,
    console: ConsoleSettings,
    access: AccessDatabase,
    model: ReadModel | None,
    clock: Clock,
    issue: IssueSigned | None = None,
    ends: ReadEnds = dict,
    *,
    has_api: bool = False,
) -> ConsoleSite:
    """What every page needs. Without `model` there are only the pages that show no data."""
    passwords = Passwords()
    return ConsoleSite(
        settings=settings,
        console=console,
        access=access,
        model=model,
        clock=clock,
        passwords=passwords,
        sign_in=SignIn(access, passwords, asyncio.Lock()),
        issue=issue,
        ends=ends,
        has_api=has_api,
        cookies=CookieJar(access.signing_key, secure=console.is_encrypted),
    )
