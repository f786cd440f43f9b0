"""Who may use the console: passwords, sessions, roles, tokens, the audit log."""

from __future__ import annotations

import asyncio
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from services.console.access import users
from services.console.access.audit import list_audit
from services.console.access.database import FILE, open_access
from services.console.access.passwords import PasswordRefused, require_acceptable
from services.console.access.roles import ConsoleRole, Permission, permissions_of
from services.console.access.tokens import Scope, list_tokens, make_token, read_token, revoke_token
from services.console.access.users import UserRefused, normalize_name
from tests.console.page_bench import PASSWORD, PageBench, submit

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("nino", "nino"),
        (" Nino@Example.ge ", "nino@example.ge"),
        ("ნინო", "ნინო"),
        ("ab", None),
        ("n" * 65, None),
        ("nino\u200b", None),
        ("\u202enino", None),
        ("nіno", None),  # a Cyrillic і
        ("<b>nino</b>", None),
        ("../nino", None),
    ],
)
def test_a_name_is_readable_and_looks_like_no_other_one(name: str, stored: str | None) -> None:
    if stored is None:
        with pytest.raises(UserRefused):
            normalize_name(name)
    else:
        assert normalize_name(name) == stored


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "nino123456", "x" * 201])
def test_a_password_that_is_easy_to_guess_or_endless_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused):
        require_acceptable(password, "nino")


def test_a_long_phrase_is_accepted() -> None:
    require_acceptable(PASSWORD, "nino")


def _content(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob(f"{FILE}*"))


async def test_the_file_is_its_owners_and_holds_no_secret_in_clear(console: PageBench, tmp_path: Path) -> None:
    async with console.access.write() as connection:
        _, token = await make_token(connection, "admin", "report", [Scope.READ], 1, NOW)
        await connection.execute(text("SELECT 1"))
    client = await console.signed_in("admin")
    session = client.cookies["davtari-session"].rpartition(".")[0]
    stored = _content(tmp_path)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert b"$argon2id$" in stored
    assert [secret for secret in (PASSWORD, token, session) if secret.encode() in stored] == []


@pytest.mark.parametrize(
    ("roles", "may", "may_not"),
    [
        ((ConsoleRole.VIEWER,), {Permission.SEE_FIGURES}, {Permission.SEE_PEOPLE, Permission.RESOLVE}),
        ((ConsoleRole.ADMIN,), {Permission.ADMINISTER}, {Permission.SEE_FIGURES, Permission.SEE_PEOPLE}),
        ((ConsoleRole.STOREFRONT,), {Permission.CHANGE_CATALOGUE}, {Permission.SEE_PEOPLE, Permission.APPROVE}),
        ((ConsoleRole.OPERATOR,), {Permission.SEE_OPERATIONS}, {Permission.SEE_PEOPLE, Permission.CLOSE_DAYS}),
        (
            (ConsoleRole.VIEWER, ConsoleRole.ACCOUNTANT),
            {Permission.SEE_PEOPLE, Permission.APPROVE},
            {Permission.ADMINISTER},
        ),
    ],
)
def test_roles_add_up_and_allow_nothing_else(
    roles: tuple[ConsoleRole, ...], may: set[Permission], may_not: set[Permission]
) -> None:
    assert may <= permissions_of(roles)
    assert not may_not & permissions_of(roles)


async def test_the_last_administrator_remains(console: PageBench) -> None:
    async with console.access.write() as connection:
        with pytest.raises(UserRefused, match="last administrator"):
            await users.set_roles(connection, "admin", [ConsoleRole.VIEWER])
        with pytest.raises(UserRefused, match="last administrator"):
            await users.set_active(connection, "admin", active=False)
        await users.set_roles(connection, "viewer", [ConsoleRole.ADMIN])
        await users.set_active(connection, "admin", active=False)


async def test_a_token_is_valid_until_it_expires_is_revoked_or_its_person_leaves(console: PageBench) -> None:
    async with console.access.write() as connection:
        made, token = await make_token(connection, "accountant", "report", [Scope.READ], 7, NOW)
        _, other = await make_token(connection, "accountant", "other", [Scope.READ], 7, NOW)
        assert await read_token(connection, "davtari_wrong", NOW) is None
        assert await read_token(connection, token, NOW + timedelta(days=7)) is None
        found = await read_token(connection, token, NOW + timedelta(days=6))
        assert found is not None
        assert (found[0].scopes, found[1].name) == ((Scope.READ,), "accountant")
        assert await revoke_token(connection, made.id, NOW)
        assert not await revoke_token(connection, made.id, NOW)
        assert await read_token(connection, token, NOW) is None
        await users.set_active(connection, "accountant", active=False)
        assert await read_token(connection, other, NOW) is None
        assert len(await list_tokens(connection)) == 2


async def test_two_processes_may_change_the_same_file(tmp_path: Path) -> None:
    async with open_access(tmp_path) as one, open_access(tmp_path) as other:

        async def add(access: object, name: str) -> None:
            async with (one if access is one else other).write() as connection:
                await users.list_users(connection)
                await users.add_user(connection, name, "hash", [ConsoleRole.VIEWER], NOW)

        await asyncio.gather(*[add(access, f"user{n}") for n, access in enumerate([one, other] * 10)])
        async with one.read() as connection:
            assert len(await users.list_users(connection)) == 20


async def test_everything_that_somebody_does_is_in_the_audit_log(console: PageBench) -> None:
    client = await console.signed_in("admin")
    await submit(client, "/people", name="nino", new=PASSWORD, role=["accountant", "viewer"])
    await submit(client, "/people/nino", do="roles", role="viewer")
    await submit(client, "/people/nino", do="password", new=PASSWORD + "!")
    await submit(client, "/people/nino", do="end")
    await submit(client, "/people/nino", do="restore")
    await submit(client, "/tokens", name="report", scope="read", days="7")
    await submit(client, "/account", to="/sign-out")
    async with console.access.read() as connection:
        entries = await list_audit(connection)
    actions = [(entry.user, entry.action, entry.result) for entry in reversed(entries)]
    expected = ["sign-in", "add-person", "change-roles", "set-password", "end-access", "restore-access", "make-token"]
    assert actions == [("admin", action, "done") for action in [*expected, "sign-out"]]
