"""Fixtures of the WooCommerce sandbox's tests: one shop in the process, its clock, a client with a key, a receiver."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.sandbox.woocommerce_world import Clock

from services.sandbox.faults import Faults
from services.sandbox.woocommerce.app import create
from services.sandbox.woocommerce.delivery import Deliveries
from services.sandbox.woocommerce.settings import Settings
from services.sandbox.woocommerce.shop import Shop

HOME = "https://127.0.0.1:8443"
KEY = ("ck_sandbox", "cs_sandbox")


@dataclass
class Receiver:
    """Takes webhooks; answers with `status`."""

    status: int = 200
    taken: list[tuple[httpx.Headers, bytes]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        """Keeps one delivery."""
        self.taken.append((httpx.Headers(request.headers.raw), await request.body()))
        return Response("ok", self.status)

    def signed(self) -> list[tuple[httpx.Headers, bytes]]:
        """The deliveries, pings left out."""
        return [one for one in self.taken if "x-wc-webhook-signature" in one[0]]

    def topics(self) -> list[str]:
        """The topics of the deliveries, in order of arrival."""
        return [headers["x-wc-webhook-topic"] for headers, _ in self.signed()]


@dataclass
class Woo:
    """A shop under test."""

    app: Starlette
    faults: Faults
    clock: Clock
    receiver: Receiver
    client: httpx.AsyncClient

    @property
    def shop(self) -> Shop:
        """The shop's state."""
        shop: Shop = self.app.state.shop
        return shop

    @property
    def deliveries(self) -> Deliveries:
        """The shop's webhook queue."""
        deliveries: Deliveries = self.app.state.deliveries
        return deliveries

    def via(self, base_url: str, auth: tuple[str, str] | None = None) -> httpx.AsyncClient:
        """Another client of the same shop."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.faults), base_url=base_url, auth=auth)


@pytest.fixture
async def woo() -> AsyncIterator[Woo]:
    """A shop at https://127.0.0.1:8443 whose webhooks wait until they are asked for."""
    clock, receiver = Clock(), Receiver()
    inbox = Starlette(routes=[Route("/{path:path}", receiver.take, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(inbox)) as sender:
        app = create(Settings(home_url=HOME, hold_deliveries=True), now=clock, client=sender)
        faults = Faults(app, now=clock)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(faults), base_url=HOME, auth=KEY) as client:
            yield Woo(app, faults, clock, receiver, client)
