"""`davtari console user`: add the first administrator, and help when a password is lost."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from services.cli.command import InvalidArgument, Json, command, read_settings
from services.cli.requests import user_name
from services.cli.screen import ask, build_table, console, print_json
from services.console.access import users
from services.console.access.audit import write_audit
from services.console.access.database import open_access
from services.console.access.passwords import PasswordRefused, Passwords, require_acceptable
from services.console.access.roles import ConsoleRole
from services.console.access.users import UserRefused, normalize_name

app = typer.Typer(no_args_is_help=True, help="Add and change the people who may use the console's pages.")
user_app = typer.Typer(no_args_is_help=True, help="The people who may sign in to the console.")
app.add_typer(user_app, name="user")

Name = Annotated[str, typer.Argument(help="The name to sign in with.")]
Roles = Annotated[list[ConsoleRole], typer.Option("--role", help="May be given several times.")]
FromInput = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@asynccontextmanager
async def _changing(name: str, action: str, detail: str = "") -> AsyncIterator[AsyncConnection]:
    """A transaction on the access database, with its entry in the audit log. Raises `InvalidArgument`."""
    async with open_access(read_settings().state.directory) as access, access.write() as connection:
        try:
            yield connection
        except UserRefused as error:
            raise InvalidArgument(str(error)) from None
        by = f"{user_name()} (command line)"
        await write_audit(connection, datetime.now(UTC), by, action, name, detail, result="done")


@user_app.command("add")
@command
async def add_command(name: Name, role: Roles, password_stdin: FromInput = False) -> int:
    """Add a person."""
    name = _stored_name(name)
    hashed = await _ask_for_password(name, from_input=password_stdin)
    async with _changing(name, "add-person", " ".join(role)) as connection:
        await users.add_user(connection, name, hashed, role, datetime.now(UTC))
    settings = read_settings()
    where = settings.console.address if settings.console else "the console, once davtari.toml has a section [console]"
    console.print(f"{name} may sign in at {where}", soft_wrap=True)
    return 0


@user_app.command("password")
@command
async def password_command(name: Name, password_stdin: FromInput = False) -> int:
    """Set a new password; every session of the person ends."""
    name = await _known(name)
    hashed = await _ask_for_password(name, from_input=password_stdin)
    async with _changing(name, "set-password") as connection:
        await users.set_password(connection, name, hashed)
        await users.set_active(connection, name, active=True)
    console.print(f"{name} signs in with the new password from now on", soft_wrap=True)
    return 0


@user_app.command("roles")
@command
async def roles_command(name: Name, role: Roles) -> int:
    """Replace the roles of a person."""
    name = await _known(name)
    async with _changing(name, "change-roles", " ".join(role)) as connection:
        await users.set_roles(connection, name, role)
    console.print(f"{name}: {', '.join(role)}", soft_wrap=True)
    return 0


@user_app.command("disable")
@command
async def disable_command(name: Name) -> int:
    """End the access of a person, with all sessions and API tokens."""
    name = await _known(name)
    async with _changing(name, "end-access") as connection:
        await users.set_active(connection, name, active=False)
    console.print(f"{name} may no longer sign in; davtari console user password {name} restores it", soft_wrap=True)
    return 0


@user_app.command("list")
@command
async def list_command(json: Json = False) -> int:
    """List the people who may sign in."""
    async with open_access(read_settings().state.directory) as access, access.read() as connection:
        found = await users.list_users(connection)
    if json:
        print_json([{"name": one.name, "roles": one.roles, "active": one.active} for one in found])
    else:
        rows = [(one.name, ", ".join(one.roles), "" if one.active else "access ended") for one in found]
        console.print(build_table(("name", "roles", ""), rows))
    return 0


def _stored_name(name: str) -> str:
    try:
        return normalize_name(name)
    except UserRefused as error:
        raise InvalidArgument(str(error)) from None


async def _known(name: str) -> str:
    name = _stored_name(name)
    async with open_access(read_settings().state.directory) as access, access.read() as connection:
        if await users.read_user(connection, name) is None:
            raise InvalidArgument(f"There is no person {name!r}; davtari console user list names them")
    return name


async def _ask_for_password(name: str, *, from_input: bool) -> str:
    """The hash of a new password. Raises `InvalidArgument` for one that is not acceptable."""
    given = sys.stdin.readline().rstrip("\n") if from_input else _ask_twice()
    try:
        require_acceptable(given, name)
    except PasswordRefused as error:
        raise InvalidArgument(str(error)) from None
    return await Passwords().hash(given)


def _ask_twice() -> str:
    given = ask("Password", None, hide_input=True)
    if ask("Again", None, hide_input=True) != given:
        raise InvalidArgument("The two passwords are not the same")
    return given
