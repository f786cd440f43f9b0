"""The API on a real port over a real query database, with tokens for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from contracts.operations import Command
from services.console.access.database import open_access
from services.console.access.roles import ConsoleRole
from services.console.access.tokens import Scope, list_tokens, make_token, revoke_token
from services.console.access.users import add_user
from services.console.model.handlers import TOPICS
from services.console.model.progress import LogEnds
from services.console.pages.serving import serve_console
from services.settings.console import ConsoleSettings
from services.settings.model import Settings
from tests.console.console_bench import ConsoleBench, open_console
from tests.console.page_bench import SETTINGS, ManualClock
from tests.console.story import USING, list_events
from tests.store_feed.conditions import free_port, is_listening
from tests.support.exporting import PAID


@dataclass
class ApiBench:
    """A served console. `data` gives its database events; `log_ends` says where the topics end."""

    data: ConsoleBench
    clock: ManualClock
    directory: Path
    port: int
    log_ends: LogEnds
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    sent: list[Command] = field(default_factory=list)
    """What Kafka has taken."""
    failure: Exception | None = None
    """Why Kafka takes nothing."""

    async def issue(self, settings: Settings, command: Command, *, asked_by: str, source: str) -> None:
        """Take a command as the issuer of commands does."""
        if self.failure:
            raise self.failure
        self.sent.append(command.model_copy(update={"asked_by": asked_by}))

    @property
    def address(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def revoke(self) -> None:
        """Revoke the only token."""
        async with open_access(self.directory) as access, access.write() as connection:
            (token,) = await list_tokens(connection)
            await revoke_token(connection, token.id, self.clock())

    async def token(
        self, role: ConsoleRole = ConsoleRole.ACCOUNTANT, scopes: Iterable[Scope] = (Scope.READ,), days: int = 30
    ) -> str:
        """A new token of the person with this role."""
        async with open_access(self.directory) as access, access.write() as connection:
            _, token = await make_token(connection, role.value, "warehouse", scopes, days, self.clock())
        return token

    def client(self, token: str | None, **headers: str) -> httpx.AsyncClient:
        """A client that sends this token."""
        given = {"authorization": f"Bearer {token}"} if token else {}
        made = httpx.AsyncClient(base_url=f"{self.address}/api/v1", headers={**given, **headers}, timeout=20)
        self.clients.append(made)
        return made

    async def reader(self, role: ConsoleRole = ConsoleRole.ACCOUNTANT, *scopes: Scope) -> httpx.AsyncClient:
        """A client with a token of this role."""
        return self.client(await self.token(role, scopes or (Scope.READ,)))


@asynccontextmanager
async def serve_api(folder: Path, *, with_story: bool = True) -> AsyncIterator[ApiBench]:
    """The console with one person of each role, an hour after the last event of its story."""
    clock, port = ManualClock(PAID + timedelta(hours=1)), free_port()
    using = Settings.model_validate({**SETTINGS, "state": {"directory": str(folder)}})
    console, ends = ConsoleSettings(port=port), LogEnds(using.kafka, TOPICS)
    async with open_access(folder) as access, access.write() as connection:
        for role in ConsoleRole:
            await add_user(connection, role.value, "no password", [role], clock())
    async with open_console(folder, USING) as data:
        if with_story:
            await data.take(*list_events())
        bench = ApiBench(data, clock, folder, port, ends)
        serving = asyncio.create_task(serve_console(using, console, ends, clock, data.engine))
        try:
            await _until_listening(port)
            with patch("services.console.pages.serving.issue", bench.issue):
                yield bench
        finally:
            for client in bench.clients:
                await client.aclose()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


async def _until_listening(port: int) -> None:
    retrying = AsyncRetrying(
        wait=wait_fixed(0.02), stop=stop_after_delay(20), retry=retry_if_result(lambda listens: not listens)
    )
    await retrying(is_listening, port)


def problem_of(answer: httpx.Response, status: int, reason: str) -> Mapping[str, Any]:
    """The problem document of an answer, after a check that it is one of this status and reason."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: Mapping[str, Any] = json.loads(answer.text)
    assert (found["status"], found["reason"]) == (status, reason)
    assert found["type"].endswith(f"/api/v1/problems/{reason}")
    return found
