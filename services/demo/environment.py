"""An environment for Davtari: a sandbox shop, a sandbox Balance, and a folder with settings and secrets."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from services.cli.command_keys import KEY_FILE, PUBLIC_KEY_FILE, create_key_pair
from services.cli.init.interview import write_secret
from services.sandbox.balance import app as balance_app
from services.sandbox.balance import catalogue as balance_catalogue
from services.sandbox.balance.goods import CLOTHES, DRINKS, FOOD, GOODS, HOME, PAPER
from services.sandbox.balance.stock_and_prices import GEL
from services.sandbox.faults import FaultInjector
from services.sandbox.server import Endpoint, serve
from services.sandbox.woocommerce import app as shop_app
from services.sandbox.woocommerce.placing import load_catalogue
from services.sandbox.woocommerce.shop import SandboxShop
from services.settings import Settings, load

SOLD = (GOODS, DRINKS, FOOD, HOME, PAPER, CLOTHES)
"""The folders of the sandbox Balance that the shop sells; the others stay unmapped, and therefore invisible."""
OPERATOR = "davtari-operator"
"""The Kafka user of people's commands."""
WEBHOOK_SECRET = "sandbox-webhook-secret"
PRIVACY_SECRET = "the sandbox invents its people: nothing here is secret"
ALL_LIVE = dict.fromkeys(("catalogue", "prices", "stock", "orders", "refunds"), "live")
ALL_DRY = dict.fromkeys(ALL_LIVE, "dry-run")


@dataclass(frozen=True, slots=True)
class SandboxEnvironment:
    """Addresses, folder and clients of one environment. `shop` and `balance` are clients of the sandboxes."""

    folder: Path
    kafka: str
    prefix: str
    shop_at: Endpoint
    balance_at: Endpoint
    shop: httpx.AsyncClient
    balance: httpx.AsyncClient
    legend: Mapping[str, Any]
    categories: Mapping[str, int]
    receiver_port: int
    receiver_url: str | None = None
    original: SandboxShop | None = None
    """The state of the sandbox shop, to clone it."""
    users: Path | None = None
    """Passwords of the Kafka users, by name; None for a Kafka without."""

    @property
    def settings_file(self) -> Path:
        """The settings file."""
        return self.folder / "davtari.toml"

    def write_settings(self, flows: Mapping[str, str], **changes: Mapping[str, Any]) -> Settings:
        """Write the settings with these flows and load them; `changes` replace keys of top-level tables."""
        tables = _tables(self, flows)
        for name, values in changes.items():
            _table(tables, name.replace("__", ".")).update(values)
        self.settings_file.write_text(_toml(tables), encoding="utf-8")
        return load(self.settings_file, environ={})

    async def books(self) -> dict[str, Any]:
        """Documents, clients and counts of the sandbox Balance."""
        answer = await self.balance.get("/_sandbox/state", params={"parts": "sales,credit_notes,clients,counts"})
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    async def storefront(self) -> dict[str, Any]:
        """Orders, products and webhooks of the sandbox shop."""
        found: dict[str, Any] = (await self.shop.get("/_sandbox/state")).raise_for_status().json()
        return found


@asynccontextmanager
async def start_environment(
    folder: Path, kafka: str, prefix: str, stock: int = 50, users: Path | None = None
) -> AsyncIterator[SandboxEnvironment]:
    """Start both sandboxes with the recorded catalogue and write the secrets."""
    shop, balance = shop_app.create_shop(), balance_app.create_balance()
    load_catalogue(shop.state.shop, stock=stock)
    legend = balance_catalogue.fill_catalogue(balance.books)
    write_secrets(folder)
    async with (
        serve(FaultInjector(shop), tls=True, ca_file=folder / "shop-ca.pem") as shop_at,
        serve(balance) as balance_at,
        open_clients(shop_at.url, balance_at.url, folder) as (to_shop, to_balance),
    ):
        found = await find_or_create_categories(to_shop)
        at = (shop_at, balance_at, to_shop, to_balance)
        original = shop.state.shop
        yield SandboxEnvironment(
            folder, kafka, prefix, *at, legend, found, find_free_port(), original=original, users=users
        )


@asynccontextmanager
async def open_clients(
    shop: str, balance: str, folder: Path
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Open clients of both sandboxes; the shop's certificate is verified against `shop-ca.pem` in the folder."""
    trusted = httpx.create_ssl_context(verify=str(folder / "shop-ca.pem"))
    async with (
        httpx.AsyncClient(base_url=shop, verify=trusted, auth=("ck_sandbox", "cs_sandbox")) as to_shop,
        httpx.AsyncClient(base_url=balance) as to_balance,
    ):
        yield to_shop, to_balance


async def find_or_create_categories(shop: httpx.AsyncClient) -> dict[str, int]:
    """Return the id of the shop's category for each folder in `SOLD`, creating missing ones."""
    return {path: await _category(shop, path) for path in SOLD}


async def _category(shop: httpx.AsyncClient, path: str) -> int:
    name = path.rpartition("/")[2]
    answer = (await shop.post("/wp-json/wc/v3/products/categories", json={"name": name})).json()
    return int(answer.get("id") or answer["data"]["resource_id"])


def write_secrets(folder: Path) -> None:
    """Write the secret files that the settings name."""
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    texts = {"balance-password": "sandbox", "key": "ck_sandbox", "secret": "cs_sandbox", "webhook": WEBHOOK_SECRET}
    texts["privacy"] = PRIVACY_SECRET
    for name, text in texts.items():
        write_secret(secrets / name, text)
    create_key_pair(folder)


def find_free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _tables(environment: SandboxEnvironment, flows: Mapping[str, str]) -> dict[str, Any]:
    return {
        "balance": {
            "transport": "on-prem",
            "url": f"{environment.balance_at.url}/Balance_Exchange/hs/Exchange",
            "allow-http": True,
            "user-name": "integration",
            "password-file": "secrets/balance-password",
            "currencies": {"GEL": GEL},
            "dialect": {"paging": ["Items"]},
        },
        "shops": {"main": _shop(environment, flows)},
        "kafka": {"bootstrap-servers": environment.kafka, "topic-prefix": environment.prefix, **_sign_in(environment)},
        "privacy": {"secret-file": "secrets/privacy"},
        "commands": {"key-file": KEY_FILE, "public-key-file": PUBLIC_KEY_FILE},
        "state": {"directory": "state"},
        "receiver": {
            "port": environment.receiver_port,
            "public-url": environment.receiver_url or f"http://127.0.0.1:{environment.receiver_port}",
        },
        "schedule": {"sweep": 2.0, "stock": "* * * * *", "prices": "* * * * *", "items": "* * * * *"},
        "retry": {"first-wait": 0.2, "longest-wait": 1.0},
    }


def _sign_in(environment: SandboxEnvironment) -> dict[str, Any]:
    """How people use Kafka here; services have users of their own."""
    if environment.users is None:
        return {}
    plain = {"security-protocol": "SASL_PLAINTEXT", "sasl-mechanism": "PLAIN"}
    return plain | {"user-name": OPERATOR, "password-file": str(environment.users / OPERATOR)}


def _shop(environment: SandboxEnvironment, flows: Mapping[str, str]) -> dict[str, Any]:
    legend = environment.legend
    return {
        "url": environment.shop_at.url,
        "key-file": "secrets/key",
        "secret-file": "secrets/secret",
        "webhook-secret-files": ["secrets/webhook"],
        "ca-file": "shop-ca.pem",
        "flows": dict(flows),
        "catalogue": {"groups": {legend["groups"][path]: id_ for path, id_ in environment.categories.items()}},
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


RECEIVER_PORT = 8480


@dataclass(frozen=True, slots=True)
class SystemAddresses:
    """Addresses of systems that are already running. `shop_ca` is the sandbox shop's CA certificate.

    `users`: the folder with the passwords of the Kafka users and the keys of commands.
    """

    shop: str
    shop_ca: Path
    balance: str
    kafka: str
    receiver: str
    users: Path | None = None


@asynccontextmanager
async def attach_environment(folder: Path, at: SystemAddresses) -> AsyncIterator[SandboxEnvironment]:
    """Attach to the systems at these addresses; writes secrets and the shop's CA certificate to the folder."""
    write_secrets(folder)
    copy_command_keys(at.users, folder)
    await _copy_certificate(at.shop_ca, folder / "shop-ca.pem")
    async with open_clients(at.shop, at.balance, folder) as (shop, balance):
        found, legend = await _categories(shop), (await _catalogue(balance)).json()
        shop_at, balance_at = Endpoint(at.shop, str(folder / "shop-ca.pem")), Endpoint(at.balance, None)
        yield SandboxEnvironment(
            folder, at.kafka, topic_prefix(at.shop_ca), shop_at, balance_at, shop, balance, legend, found,
            RECEIVER_PORT, at.receiver, users=at.users,
        )  # fmt: skip


def copy_command_keys(users: Path | None, folder: Path) -> None:
    """Use the keys of commands that the services of this installation know."""
    if users is None:
        return
    for file in (KEY_FILE, PUBLIC_KEY_FILE):
        (folder / file).write_bytes((users / Path(file).name).read_bytes())


def topic_prefix(shop_ca: Path) -> str:
    """The topic prefix, derived from the CA certificate: a restarted sandbox is empty and has a new certificate."""
    return f"sandbox-{hashlib.sha256(shop_ca.read_bytes()).hexdigest()[:8]}."


retry_until_available = retry(
    retry=retry_if_exception_type((OSError, httpx.HTTPError)),
    wait=wait_fixed(0.5),
    stop=stop_after_delay(60),
    reraise=True,
)


@retry_until_available
async def _copy_certificate(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


@retry_until_available
async def _categories(shop: httpx.AsyncClient) -> dict[str, int]:
    return await find_or_create_categories(shop)


@retry_until_available
async def _catalogue(balance: httpx.AsyncClient) -> httpx.Response:
    return (await balance.get("/_sandbox/catalogue")).raise_for_status()
