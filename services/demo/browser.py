"""The same story in the browser: the console over the topics of the demonstration."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from services.cli.screen import compose, console, styled
from services.console.access.database import open_access
from services.console.access.passwords import Passwords
from services.console.access.roles import ConsoleRole
from services.console.access.users import add_user
from services.demo import accountant, storefront
from services.demo.environment import ALL_LIVE, SandboxEnvironment, find_free_port
from services.demo.service_runner import run_services
from services.engine.clock import utc_now
from services.settings.model import Settings

NAME = "demo"


async def stay(environment: SandboxEnvironment) -> None:
    """Serve the console until cancelled, and say where it is and how to sign in."""
    settings = environment.write_settings(
        ALL_LIVE,
        **storefront.storefront_settings(),
        **accountant.accountant_settings(),
        console={"port": find_free_port()},
    )
    password = await add_demo_user(settings.state.directory)
    async with run_services(("console",)) as pages:
        await pages.start(settings)
        print_address(settings, password)
        await asyncio.Event().wait()


async def add_demo_user(directory: Path) -> str:
    """Add a person with every role. Returns the password, which is new in each demonstration."""
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    async with open_access(directory) as access, access.write() as connection:
        await add_user(connection, NAME, await Passwords().hash(password), ConsoleRole, utc_now())
    return password


def print_address(settings: Settings, password: str) -> None:
    """Print where the pages are."""
    assert settings.console is not None, "the demonstration has a console"
    address = styled(settings.console.address, "bold")
    console.print(compose("The same story in the browser: ", address), soft_wrap=True)
    console.print_lines(f"Name: {NAME}   Password: {password}\nPress Ctrl-C to stop.")
