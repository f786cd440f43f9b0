"""Who may read what over the JSON API: tokens, scopes, roles, and people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from services.console.access.audit import list_audit
from services.console.access.database import open_access
from services.console.access.roles import ConsoleRole
from services.console.access.tokens import Scope
from services.console.access.users import set_active
from services.console.api.problems import ProblemCode
from tests.console.api_bench import ApiBench, problem_of, serve_api
from tests.console.story import BOUGHT, KEY, ORDER

READING = (Scope.READ, Scope.PEOPLE)
PATHS = ("/orders", f"/orders/main/{ORDER}", "/dead-letters", "/dead-letter-groups", "/changes", "/token")


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiBench]:
    async with serve_api(tmp_path) as bench:
        yield bench


async def test_people_are_masked_unless_scope_and_role_allow_it_and_each_look_is_audited(api: ApiBench) -> None:
    client = await api.reader(ConsoleRole.ACCOUNTANT, *READING)
    email = BOUGHT.person.email if BOUGHT.person else ""
    for path in ("/orders", f"/orders/main/{ORDER}"):
        assert email not in (await client.get(path)).text
        assert email in (await client.get(path, params={"people": "true"})).text
    assert (await client.get("/orders", params={"text": email})).json()["orders"] == []
    only = await client.get("/orders", params={"text": email, "people": "true"})
    assert ORDER in [one["order_id"] for one in only.json()["orders"]]
    async with open_access(api.directory) as access, access.read() as connection:
        entries = [(one.user, one.action, one.subject, one.reason) for one in await list_audit(connection)]
    assert entries[-2:] == [
        ("accountant", "see-people", KEY, "API token warehouse"),
        ("accountant", "see-people", "orders", "API token warehouse"),
    ]
    without_scope = await api.reader(ConsoleRole.ACCOUNTANT)
    refused = await without_scope.get("/orders", params={"people": "true"})
    problem_of(refused, 403, ProblemCode.SCOPE_MISSING)
    assert 'scope="people"' in refused.headers["www-authenticate"]
    without_role = await api.reader(ConsoleRole.VIEWER, *READING)
    problem_of(await without_role.get("/orders", params={"people": "true"}), 403, ProblemCode.NOT_PERMITTED)


@pytest.mark.parametrize("path", PATHS)
async def test_only_a_valid_token_is_answered(api: ApiBench, path: str) -> None:
    problem_of(await api.client(None).get(path), 401, ProblemCode.TOKEN_MISSING)
    for header in ("Basic abc", "Bearer", "davtari_guess"):
        problem_of(await api.client(None, authorization=header).get(path), 401, ProblemCode.TOKEN_MISSING)
    answer = await api.client("davtari_guess").get(path)
    problem_of(answer, 401, ProblemCode.TOKEN_INVALID)
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def _expire(api: ApiBench) -> None:
    api.clock.advance(days=31)


async def _end_access(api: ApiBench) -> None:
    async with open_access(api.directory) as access, access.write() as connection:
        await set_active(connection, "accountant", active=False)


@pytest.mark.parametrize("end", [_expire, ApiBench.revoke, _end_access])
async def test_a_token_ends(api: ApiBench, end: Callable[[ApiBench], Any]) -> None:
    client = await api.reader()
    assert (await client.get("/token")).json()["token"]["scopes"] == ["read"]
    await end(api)
    problem_of(await client.get("/token"), 401, ProblemCode.TOKEN_INVALID)


async def test_scopes_and_roles_are_checked_for_each_resource(api: ApiBench) -> None:
    sender = await api.reader(ConsoleRole.ACCOUNTANT, Scope.COMMANDS)
    admin = await api.reader(ConsoleRole.ADMIN)
    for path in PATHS[:-1]:
        problem_of(await sender.get(path), 403, ProblemCode.SCOPE_MISSING)
        assert "storefront" in problem_of(await admin.get(path), 403, ProblemCode.NOT_PERMITTED)["detail"]
