"""What the API needs of the service that it runs in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request

from services.console.access.database import AccessDatabase
from services.console.api.change_feed import ChangeFeed
from services.console.api.cursors import CursorSigner
from services.engine.client.commands import IssueSigned
from services.engine.clock import Clock
from services.engine.state.store import Partition

OpenView = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
"""Opens a consistent view of the query database."""


@dataclass(frozen=True, slots=True)
class ApiContext:
    """The databases, the clock, and the address of the console for links.

    `log_ends`: where each partition of the topics ends now, as far as known. `issuing`: held while a command is issued.
    """

    access: AccessDatabase
    open_view: OpenView
    clock: Clock
    address: str
    log_ends: Callable[[], Mapping[Partition, int]]
    issue: IssueSigned
    feed: ChangeFeed = field(default_factory=ChangeFeed)
    issuing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def cursors(self) -> CursorSigner:
        """Signs the cursors of lists."""
        return CursorSigner(self.access.signing_key)


def context_of(request: Request) -> ApiContext:
    """The context of the application that answers a request."""
    return cast(ApiContext, request.app.state.context)
