"""A shop and a Balance, both sandboxes in this process, with clients of ours toward them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from services.cli.clients import transfer
from services.connectors.balance.client import Balance
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.customers import IdentityKeys
from services.sandbox.balance import clients as balance_clients
from services.sandbox.balance.app import create_balance
from services.sandbox.balance.books import SandboxBooks
from services.sandbox.faults import FaultInjector
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.customers import Customers
from services.sandbox.woocommerce.shop import SandboxShop
from services.sandbox.woocommerce.shop import SandboxShopSettings as ShopSandbox
from services.settings.balance import BalanceSettings, ListTexts
from tests.support.exporting import settings
from tests.support.memory_state import NOON

KEY, SECRET = SecretStr("ck_sandbox"), SecretStr("cs_sandbox")


@dataclass
class Both:
    """Our clients, and the state behind each."""

    balance: Balance
    shop: WooCommerce
    books: SandboxBooks
    store: SandboxShop
    faults: FaultInjector
    """Of the shop."""
    office_faults: FaultInjector

    def account(self, email: str, **fields: Any) -> int:
        """A customer account in the shop; gives its number. Other words than fields are custom fields."""
        meta = [{"key": key, "value": value} for key, value in fields.pop("meta", {}).items()]
        made = Customers(self.store).create({"email": email, "meta_data": meta, **fields}, strict=True)
        return int(made["id"])

    def client(self, **fields: Any) -> str:
        """A client in Balance; gives its uid."""
        return str(balance_clients.put_client(self.books.clients, fields, self.books.settings)["uid"])

    def numbers(self) -> set[str]:
        """The numbers of all clients."""
        return {str(row["ID"]) for row in self.books.clients.rows()}


@asynccontextmanager
async def both() -> AsyncIterator[Both]:
    """Empty systems on both sides."""
    office = create_balance(clock=lambda: NOON)
    shop = create_shop(ShopSandbox(home_url="https://shop.example"), now=lambda: NOON)
    office_faults, faults = FaultInjector(office), FaultInjector(shop)
    rules = settings().shops["main"]
    exchange = BalanceSettings.model_validate(
        {"transport": "on-prem", "url": "http://balance.test/Balance_Exchange/hs/Exchange"}
        | {"user_name": "integration", "password_file": "none"}
    )
    async with (
        Balance(exchange, SecretStr("sandbox"), transport=httpx.ASGITransport(office_faults)) as balance,
        WooCommerce("main", rules, KEY, SECRET, clock=lambda: NOON, transport=httpx.ASGITransport(faults)) as client,
    ):
        yield Both(balance, client, office.books, shop.state.shop, faults, office_faults)


RULES = transfer.ImportRules("main", IdentityKeys(("billing_personal_id",), ("billing_company_code",)), ListTexts())
