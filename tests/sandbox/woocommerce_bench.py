"""One WooCommerce sandbox under test: its clock, a receiver of its webhooks, clients with a key."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from services.sandbox.faults import FaultInjector
from services.sandbox.woocommerce.delivery import WebhookQueue
from services.sandbox.woocommerce.shop import SandboxShop
from tests.sandbox.woocommerce_world import Clock

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
    faults: FaultInjector
    clock: Clock
    receiver: Receiver
    client: httpx.AsyncClient

    @property
    def shop(self) -> SandboxShop:
        """The shop's state."""
        shop: SandboxShop = self.app.state.shop
        return shop

    @property
    def deliveries(self) -> WebhookQueue:
        """The shop's webhook queue."""
        deliveries: WebhookQueue = self.app.state.deliveries
        return deliveries

    def via(self, base_url: str, auth: tuple[str, str] | None = None) -> httpx.AsyncClient:
        """Another client of the same shop."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.faults), base_url=base_url, auth=auth)
