"""A small world to run Davtari in: a sandbox shop, a sandbox Balance, settings and secrets in a folder of its own."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from services.sandbox.balance import app as balance_app
from services.sandbox.balance import catalogue as balance_catalogue
from services.sandbox.balance.groups import CLOTHES, DRINKS, FOOD, GOODS, HOME, PAPER
from services.sandbox.balance.prices import GEL
from services.sandbox.faults import Faults
from services.sandbox.server import Served, serve
from services.sandbox.woocommerce import app as shop_app
from services.sandbox.woocommerce.catalogue import load_catalogue
from services.sandbox.woocommerce.shop import Shop
from services.settings import Settings, load

SOLD = (GOODS, DRINKS, FOOD, HOME, PAPER, CLOTHES)
"""The folders of the sandbox Balance that the shop sells; the others stay unmapped, so invisible."""
WEBHOOK_SECRET = "sandbox-webhook-secret"
ALL_LIVE = dict.fromkeys(("catalogue", "prices", "stock", "orders", "refunds"), "live")
ALL_DRY = dict.fromkeys(ALL_LIVE, "dry-run")


@dataclass(frozen=True, slots=True)
class World:
    """Where everything is. `shop` and `balance` talk to the sandboxes' control routes and REST APIs."""

    folder: Path
    kafka: str
    prefix: str
    shop_at: Served
    balance_at: Served
    shop: httpx.AsyncClient
    balance: httpx.AsyncClient
    legend: Mapping[str, Any]
    categories: Mapping[str, int]
    receiver_port: int
    receiver_url: str | None = None
    original: Shop | None = None
    """What the sandbox shop holds, for a copy of it."""

    @property
    def settings_file(self) -> Path:
        """The settings that were written last."""
        return self.folder / "davtari.toml"

    def settle(self, flows: Mapping[str, str], **changes: Mapping[str, Any]) -> Settings:
        """Write the settings with these flows and load them; `changes` replace keys of top-level tables."""
        tables = _tables(self, flows)
        for name, values in changes.items():
            _table(tables, name.replace("__", ".")).update(values)
        self.settings_file.write_text(_toml(tables), encoding="utf-8")
        return load(self.settings_file, environ={})

    async def books(self) -> dict[str, Any]:
        """What stands in the sandbox Balance."""
        answer = await self.balance.get("/_sandbox/state", params={"parts": "sales,credit_notes,clients,counts"})
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    async def storefront(self) -> dict[str, Any]:
        """What stands in the sandbox shop."""
        found: dict[str, Any] = (await self.shop.get("/_sandbox/state")).raise_for_status().json()
        return found


@asynccontextmanager
async def world(folder: Path, kafka: str, prefix: str, stock: int = 50) -> AsyncIterator[World]:
    """Start both sandboxes and lay out settings and secrets; the recorded catalogue is in both systems."""
    shop, balance = shop_app.create(), balance_app.create()
    load_catalogue(shop.state.shop, stock=stock)
    legend = balance_catalogue.fill(balance.books)
    lay_secrets(folder)
    async with (
        serve(Faults(shop), tls=True, ca_file=folder / "shop-ca.pem") as shop_at,
        serve(balance) as balance_at,
        clients(shop_at.url, balance_at.url, folder) as (to_shop, to_balance),
    ):
        found = await categories(to_shop)
        at = (shop_at, balance_at, to_shop, to_balance)
        yield World(folder, kafka, prefix, *at, legend, found, _free_port(), original=shop.state.shop)


@asynccontextmanager
async def clients(shop: str, balance: str, folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Clients of both sandboxes; the shop is believed by the authority whose certificate stands in the folder."""
    trusted = httpx.create_ssl_context(verify=str(folder / "shop-ca.pem"))
    async with (
        httpx.AsyncClient(base_url=shop, verify=trusted, auth=("ck_sandbox", "cs_sandbox")) as to_shop,
        httpx.AsyncClient(base_url=balance) as to_balance,
    ):
        yield to_shop, to_balance


async def categories(shop: httpx.AsyncClient) -> dict[str, int]:
    """The shop's category of each folder that is sold; made where it is missing."""
    return {path: await _category(shop, path) for path in SOLD}


async def _category(shop: httpx.AsyncClient, path: str) -> int:
    name = path.rpartition("/")[2]
    answer = (await shop.post("/wp-json/wc/v3/products/categories", json={"name": name})).json()
    return int(answer.get("id") or answer["data"]["resource_id"])


def lay_secrets(folder: Path) -> None:
    """Write the secrets' files that the settings name."""
    secrets = folder / "secrets"
    secrets.mkdir(parents=True, exist_ok=True)
    texts = {"balance-password": "sandbox", "key": "ck_sandbox", "secret": "cs_sandbox", "webhook": WEBHOOK_SECRET}
    for name, text in texts.items():
        (secrets / name).write_text(text + "\n", encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _tables(world: World, flows: Mapping[str, str]) -> dict[str, Any]:
    return {
        "balance": {
            "transport": "on-prem",
            "url": f"{world.balance_at.url}/Balance_Exchange/hs/Exchange",
            "user-name": "integration",
            "password-file": "secrets/balance-password",
            "currencies": {"GEL": GEL},
            "dialect": {"paging": ["Items"]},
        },
        "shops": {"main": _shop(world, flows)},
        "kafka": {"bootstrap-servers": world.kafka, "topic-prefix": world.prefix},
        "state": {"directory": "state"},
        "receiver": {
            "port": world.receiver_port,
            "public-url": world.receiver_url or f"http://127.0.0.1:{world.receiver_port}",
        },
        "schedule": {"sweep": 2.0, "stock": "* * * * *", "prices": "* * * * *", "items": "* * * * *"},
        "retry": {"first-wait": 0.2, "longest-wait": 1.0},
    }


def _shop(world: World, flows: Mapping[str, str]) -> dict[str, Any]:
    legend = world.legend
    return {
        "url": world.shop_at.url,
        "key-file": "secrets/key",
        "secret-file": "secrets/secret",
        "webhook-secret-files": ["secrets/webhook"],
        "ca-file": "shop-ca.pem",
        "flows": dict(flows),
        "catalogue": {"groups": {legend["groups"][path]: id_ for path, id_ in world.categories.items()}},
        "prices": {"regular-type": legend["price_types"]["regular"], "sale-type": legend["price_types"]["sale"]},
        "stock": {"policy": "aggregate", "warehouses": ["Main", "Vake"], "buffer": "2"},
        "orders": {
            "trigger": {"default": ["processing", "completed"], "cod": ["processing", "completed"]},
            "warehouse": legend["warehouses"]["Main"],
            "retail-client": legend["retail_client"],
            "shipping-item": legend["services"]["DELIVERY"],
            "fee-item": legend["services"]["FEE"],
            "rounding-item": legend["services"]["ROUNDING"],
        },
    }


def _table(tables: dict[str, Any], path: str) -> dict[str, Any]:
    found = tables
    for name in path.split("."):
        found = found.setdefault(name, {})
    return found


def _toml(tables: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    plain = {key: value for key, value in tables.items() if not isinstance(value, Mapping)}
    lines = ["", f"[{'.'.join(_key(part) for part in path)}]"] if path and plain else []
    lines += [f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in plain.items()]
    inner = [_toml(value, (*path, key)) for key, value in tables.items() if isinstance(value, Mapping)]
    return "\n".join([*lines, *inner])


def _key(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
