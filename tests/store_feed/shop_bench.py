"""store-feed between a WooCommerce sandbox on a real port and a real state database."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
from pydantic import SecretStr

from contracts.model import Event
from contracts.shop import OrderChanged
from services.connectors.identity.status import with_identity
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.webhooks import WEBHOOK_TOPICS
from services.engine.outbox.engine import Engine
from services.engine.outbox.outcome import Outcome, Retry
from services.sandbox.faults import FaultInjector, InjectedFault
from services.sandbox.server import serve
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.delivery import WebhookQueue
from services.sandbox.woocommerce.order_document import render_order
from services.sandbox.woocommerce.orders import Orders
from services.sandbox.woocommerce.refunds import OrderRefunds
from services.sandbox.woocommerce.shop import Release, SandboxShop
from services.sandbox.woocommerce.shop import SandboxShopSettings as SandboxSettings
from services.sandbox.woocommerce.webhooks import Webhooks
from services.settings.model import ScheduleSettings
from services.settings.shop import ShopSettings
from services.store_feed.deliveries import OrderReadDeliveries
from services.store_feed.handlers import handlers, order_lane_name
from services.store_feed.inbox import Inbox
from services.store_feed.records import NAME, SWEPT, HintSource, request_refreshes
from services.store_feed.sweep import OrderSweep, RefundCheck
from services.store_feed.webhook import WebhookReceiver
from services.store_feed.webhook_health import SignatureMonitor
from tests.support.engine_bench import Clock, Ledger, opened

MAIN = "main"
SECRET = "throwaway-webhook-secret"
HOOK = "http://127.0.0.1:9/webhooks/main"
"""Nobody listens there; deliveries reach a receiver of this process by another way."""
SCHEDULE = ScheduleSettings()


@dataclass
class Store:
    """A feed under test beside its shop; nothing runs by itself."""

    app: Any
    faults: FaultInjector
    woocommerce: WooCommerce
    engine: Engine
    directory: Path
    clock: Clock
    ledger: Ledger
    shop_clock: Clock
    schedule: ScheduleSettings

    @property
    def shop(self) -> SandboxShop:
        """The shop's own records."""
        found: SandboxShop = self.app.state.shop
        return found

    @property
    def hooks(self) -> WebhookQueue:
        """The shop's webhook queue."""
        found: WebhookQueue = self.app.state.deliveries
        return found

    @property
    def sweep(self) -> OrderSweep:
        """The sweep of the shop."""
        return OrderSweep(self.engine, MAIN, self.woocommerce, self.schedule)

    @property
    def refund_check(self) -> RefundCheck:
        """The check for deleted refunds."""
        return RefundCheck(self.engine, MAIN, self.schedule)

    def passes(self, **by: float) -> None:
        """Time passes, here and in the shop."""
        self.clock.forward(**by)
        self.shop_clock.at += timedelta(**by)

    def places(self, **more: Any) -> int:
        """A buyer places an order, a second after whatever was before; gives its id."""
        self.passes(seconds=1)
        line = {"name": "ყავა", "product_id": 10, "quantity": 1, "subtotal": "12.00", "total": "12.00"}
        body = {"status": "processing", "line_items": [line], "payment_method": "cod"} | more
        return int(Orders(self.shop).create(body, strict=False)["id"])

    def changes(self, order_id: int, **fields: Any) -> None:
        """Somebody changes an order, a second later."""
        self.passes(seconds=1)
        Orders(self.shop).update(order_id, fields, strict=False)

    def refunds(self, order_id: int, amount: str, *, after: float = 1) -> int:
        """An amount is given back, by default a second later; gives the refund's id."""
        self.passes(seconds=after)
        body = {"amount": amount, "api_refund": False}
        return int(OrderRefunds(self.shop, order_id).create(body, strict=False)["id"])

    def trouble(self, kind: str, match: str, **more: Any) -> int:
        """Start a fault of the shop."""
        return self.faults.add(InjectedFault.model_validate({"kind": kind, "match": match, **more}))

    def reads(self, order_id: int | None = None) -> int:
        """How often orders were read by id, or one of them."""
        wanted = str(order_id or "")
        paths = [entry.path.partition("/orders/")[2] for entry in self.faults.journal.entries]
        return sum(path == wanted if wanted else path.isdigit() for path in paths)

    async def looks(self) -> list[Event]:
        """Serve every hint that is due; gives what was stated."""
        while outcomes := await self._look():
            assert not [outcome for outcome in outcomes if isinstance(outcome, Retry)], "the shop is not available"
        return await self.ledger.news()

    async def looks_once(self) -> list[Event]:
        """Try every hint that is due once; gives what was stated."""
        await self._look()
        return await self.ledger.news()

    async def _look(self) -> Sequence[Outcome]:
        looks = OrderReadDeliveries(self.woocommerce, ShopSettings.model_fields["orders"].default, self.clock)
        rows = await self.engine.claim(order_lane_name(MAIN), 50, ())
        outcomes = await looks.deliver(rows)
        await self.engine.settle(list(zip(rows, outcomes, strict=True)))
        return outcomes

    async def hints(self, *orders: int) -> None:
        """Somebody says: look at these orders."""
        self.passes(seconds=1)
        async with self.engine.work() as work:
            await request_refreshes(work, {f"{MAIN}:{order_id}": HintSource() for order_id in orders})

    async def hinted(self, *orders: int) -> list[Event]:
        """Somebody says: look at these orders; gives what was stated."""
        await self.hints(*orders)
        return await self.looks()

    async def asks(self, command: Event) -> list[Event]:
        """A person's command arrives; gives what follows."""
        async with self.engine.work() as work:
            await work.announce([(command, None)])
        return [event for event in await self.looks() if event != command]

    async def swept(self) -> list[Event]:
        """Sweep, and serve the hints; gives what was stated."""
        await self.sweep.once()
        return await self.looks()

    def subscribes(self, url: str = HOOK, secret: str = SECRET) -> None:
        """The shop sends webhooks to this address."""
        for topic in WEBHOOK_TOPICS:
            body = {"topic": topic, "delivery_url": url, "secret": secret}
            Webhooks(self.shop).create(body, strict=True)
        for hook in self.shop.webhooks.values():
            hook["ping_due"] = ""

    async def delivers(self, receiver: WebhookReceiver) -> list[int | None]:
        """The shop sends its queued webhooks to a receiver in this process; gives the answers."""
        return await self._deliver(httpx.ASGITransport(receiver))

    async def delivers_to_nobody(self) -> list[int | None]:
        """The shop sends its queued webhooks while nobody listens; gives the answers."""
        return await self._deliver(httpx.MockTransport(_refused))

    async def _deliver(self, transport: httpx.AsyncBaseTransport) -> list[int | None]:
        before = len(self.hooks.sent)
        async with httpx.AsyncClient(transport=transport) as client:
            self.hooks.client = client
            await self.hooks.drain()
        self.hooks.client = None
        return [one.status for one in list(self.hooks.sent)[before:]]


@dataclass
class Intake:
    """A receiver with its inbox and its alarm, in this process."""

    receiver: WebhookReceiver
    inbox: Inbox
    alarm: SignatureMonitor

    async def hints(self, engine: Engine) -> None:
        """Turn all that was received into hints."""
        while await self.inbox.process(engine):
            continue


def intake(engine: Engine, *secrets: str) -> Intake:
    """An intake for the shop `main` that trusts these secrets."""
    inbox, alarm = Inbox(engine.database), SignatureMonitor()
    known = {MAIN: [secret.encode() for secret in secrets or (SECRET,)]}
    return Intake(WebhookReceiver(known, inbox.accept, alarm.record, Random(1)), inbox, alarm)


@asynccontextmanager
async def open_store(
    directory: Path, schedule: ScheduleSettings = SCHEDULE, release: Release = "9.9.5", **skew: float
) -> AsyncIterator[Store]:
    """A feed beside an empty shop that queues its webhooks; `skew` is by how much the shop's clock is ahead."""
    clock, shop_clock = Clock(), Clock()
    shop_clock.forward(**skew)
    app = create_shop(SandboxSettings(hold_deliveries=True, version=release), now=shop_clock)
    faults = FaultInjector(app, now=shop_clock)
    async with serve(faults) as served, opened(NAME, with_identity(handlers([MAIN])), directory, clock) as engine:
        settings = ShopSettings.model_validate({"url": served.url, "key_file": "key", "secret_file": "secret"})
        async with client(settings, clock) as woocommerce:
            yield Store(app, faults, woocommerce, engine, directory, clock, Ledger(engine), shop_clock, schedule)


def client(settings: ShopSettings, clock: Clock) -> WooCommerce:
    """The shop's client; calls that were not sent are tried again at once."""
    return WooCommerce(MAIN, settings, SecretStr("ck_sandbox"), SecretStr("cs_sandbox"), clock=clock, sleep=_at_once)


def _refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused", request=request)


async def _at_once(_: float) -> None:
    return


def order_ids(events: list[Event]) -> list[int]:
    """The ids of the orders that were announced, in order."""
    return [event.order_id for event in events if isinstance(event, OrderChanged)]


async def sweep_position(store: Store) -> object:
    """The modification time up to which the sweep has read."""
    async with store.engine.work() as work:
        return (await work.get_many(SWEPT, [MAIN]))[MAIN].modified_at


def list_rows(store: Store, *orders: int) -> list[dict[str, Any]]:
    """The orders as the shop's list contains them."""
    found: list[dict[str, Any]] = json.loads(
        json.dumps([render_order(store.shop, store.shop.orders[i]) for i in orders])
    )
    return found
