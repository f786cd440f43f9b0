"""A sandbox of Balance with the standard catalogue, and Davtari's client of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from services.connectors.balance.client import Balance
from services.sandbox.balance import catalogue
from services.sandbox.balance.app import BalanceSandbox, create_balance
from services.sandbox.balance.settings import BalanceSandboxSettings
from services.settings.balance import BalanceSettings, Dialect
from tests.balance.balance_double import NOON, at_once


def sandbox(**settings: Any) -> BalanceSandbox:
    app = create_balance(BalanceSandboxSettings().changed(settings), lambda: NOON)
    catalogue.fill_catalogue(app.books)
    return app


def client_of(app: BalanceSandbox | None, url: str = "http://balance.test", **dialect: Any) -> Balance:
    """Our client: in the process for an app, over the network for a URL alone."""
    settings = BalanceSettings(
        transport="on-prem",
        url=f"{url}/Balance_Exchange/hs/Exchange",
        user_name="integration",
        password_file=Path("password"),
        dialect=Dialect.model_validate(dialect),
    )
    transport = httpx.ASGITransport(app=app) if app else None
    return Balance(settings, SecretStr("sandbox"), transport=transport, clock=lambda: NOON, sleep=at_once)
