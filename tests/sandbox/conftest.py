"""Fixtures of the WooCommerce sandbox's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from services.sandbox.faults import FaultInjector
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.shop import SandboxShopSettings
from tests.sandbox.woocommerce_bench import HOME, KEY, Receiver, Woo
from tests.sandbox.woocommerce_world import Clock


@pytest.fixture
async def woo() -> AsyncIterator[Woo]:
    """A shop at https://127.0.0.1:8443 whose webhooks wait until they are asked for."""
    clock, receiver = Clock(), Receiver()
    inbox = Starlette(routes=[Route("/{path:path}", receiver.take, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(inbox)) as sender:
        app = create_shop(SandboxShopSettings(home_url=HOME, hold_deliveries=True), now=clock, client=sender)
        faults = FaultInjector(app, now=clock)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(faults), base_url=HOME, auth=KEY) as client:
            yield Woo(app, faults, clock, receiver, client)
