"""A world that runs already: sandboxes and services in containers of their own, reached by their addresses."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from services.demo.world import World, categories, clients, lay_secrets
from services.sandbox.server import Served

RECEIVER_PORT = 8480


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where things are. `shop_ca` is the certificate of the authority that the sandbox shop made for itself."""

    shop: str
    shop_ca: Path
    balance: str
    kafka: str
    receiver: str


@asynccontextmanager
async def joined(folder: Path, at: Addresses) -> AsyncIterator[World]:
    """The world at these addresses; secrets and the shop's certificate are laid out in the folder."""
    lay_secrets(folder)
    await _certificate(at.shop_ca, folder / "shop-ca.pem")
    async with clients(at.shop, at.balance, folder) as (shop, balance):
        found, legend = await _categories(shop), (await _catalogue(balance)).json()
        shop_at, balance_at = Served(at.shop, str(folder / "shop-ca.pem")), Served(at.balance, None)
        yield World(
            folder, at.kafka, prefix(at.shop_ca), shop_at, balance_at, shop, balance, legend, found,
            RECEIVER_PORT, at.receiver,
        )  # fmt: skip


def prefix(shop_ca: Path) -> str:
    """The prefix of this world's topics. A sandbox that is started anew has a new certificate, and nothing sold yet."""
    return f"sandbox-{hashlib.sha256(shop_ca.read_bytes()).hexdigest()[:8]}."


until_there = retry(
    retry=retry_if_exception_type((OSError, httpx.HTTPError)),
    wait=wait_fixed(0.5),
    stop=stop_after_delay(60),
    reraise=True,
)


@until_there
async def _certificate(made: Path, kept: Path) -> None:
    shutil.copyfile(made, kept)


@until_there
async def _categories(shop: httpx.AsyncClient) -> dict[str, int]:
    return await categories(shop)


@until_there
async def _catalogue(balance: httpx.AsyncClient) -> httpx.Response:
    return (await balance.get("/_sandbox/catalogue")).raise_for_status()
