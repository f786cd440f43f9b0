"""order-notifier on the real engine, between a shop in the process and the documents of its orders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from contracts.envelope import Envelope
from contracts.ledger import CreditNoteRecorded, SalePlanned, SaleRecorded
from contracts.model import Event
from contracts.operations import DeadLettered, FailedDelivery
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.order import order_changed
from services.order_notifier.app import shop_lanes
from services.order_notifier.handlers import handlers
from services.sandbox.faults import FaultInjector
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.orders import Orders
from services.sandbox.woocommerce.shop import SandboxShop
from services.sandbox.woocommerce.shop import SandboxShopSettings as SandboxSettings
from services.settings.model import Settings
from tests.catalog_importer.catalogue_bench import Wire
from tests.outbox.bench import Bench, open_bench
from tests.outbox.sample_service import NOW, record, record_of

HOME, MAIL = "https://shop.test", "nino@example.test"
SINCE = "2026-03-01"
NOTES = {"mode": "live", "since": SINCE, "language": "en"}
MOVES = {"mode": "live", "since": SINCE, "posted": {"processing": "completed"}, "credited": {"on-hold": "cancelled"}}


def settings(flow: str = "live", **shop: Any) -> Settings:
    """One shop, `main`; nothing goes back to it unless `notes` or `statuses` say so."""
    main = {"url": HOME, "key_file": "k", "secret_file": "s", "flows": {"orders": flow, "refunds": flow}}
    balance = {"application_id": "1234", "user_name": "davtari", "password_file": "none"}
    return Settings.model_validate({"balance": balance, "shops": {"main": main | shop}})


@dataclass
class World:
    """A shop, and the events about its orders so far."""

    using: Settings
    shop: SandboxShop
    faults: FaultInjector
    client: WooCommerce
    bench: Bench
    version: int = 0

    def sells(self, status: str = "processing", **fields: Any) -> int:
        """An order of tea is placed; its number."""
        tea = {"product_id": 10, "quantity": 1, "subtotal": "60.00", "total": "60.00"}
        body = {"status": status, "billing": {"email": MAIL}, "line_items": [tea], **fields}
        placed = int(Orders(self.shop).create(body, strict=False)["id"])
        self.shop.mails.clear()
        return placed

    async def reads(self, order: int) -> None:
        """store-feed reads the order from the shop."""
        await self.take(order_changed("main", Orders(self.shop).read(order)))

    async def take(self, *events: Event) -> None:
        """Facts and documents arrive, one batch."""
        self.version += 1
        await self.bench.take(*[record(event, self.version) for event in events])

    async def sold(self, order: int, **fields: Any) -> None:
        """The order was read, and its Sale recorded."""
        await self.reads(order)
        await self.take(sale(order, **fields))

    async def works(self) -> None:
        """Deliver until nothing is due."""
        lanes = {lane.name: lane.deliver for lane in shop_lanes(self.using, "main", self.client, lambda: NOW)}
        busy = True
        while busy:
            busy = False
            for name, deliver in lanes.items():
                for row in await self.bench.engine.claim(name, 10, ()):
                    [outcome] = await deliver([row])
                    await self.bench.settle(row, outcome)
                    busy = True

    async def events(self) -> list[Event]:
        """What order-notifier has announced, dead letters aside."""
        return [one.data for one in await self.bench.published() if one.data.TOPIC == "shop.notices"]

    def notes(self, order: int) -> list[tuple[str, bool]]:
        """The notes of an order: their text, and whether customers see them."""
        return [(one["note"], one["customer_note"]) for one in self.shop.notes.values() if one["order_id"] == order]

    def status(self, order: int) -> str:
        """The order's status in the shop."""
        return str(self.shop.orders[order]["status"])

    def by_hand(self, order: int, status: str) -> None:
        """Somebody moves the order in the shop."""
        Orders(self.shop).update(order, {"status": status}, strict=True)

    def writes(self) -> list[str]:
        """The writes that reached the shop."""
        return [f"{one.method} {one.path}" for one in self.faults.journal.entries if one.method != "GET"]


@asynccontextmanager
async def world(
    folder: Path, using: Settings, like: World | None = None, key: str = "ck_sandbox"
) -> AsyncIterator[World]:
    """A shop and the notifier over an empty database; `like`: the shop of an earlier world."""
    app = create_shop(SandboxSettings(home_url=HOME, hold_deliveries=True), now=lambda: NOW)
    faults = like.faults if like else FaultInjector(app)
    transport = Wire(httpx.ASGITransport(faults))
    shop = like.shop if like else app.state.shop
    secret = SecretStr(key.replace("ck", "cs", 1))
    client = WooCommerce("main", using.shops["main"], SecretStr(key), secret, clock=lambda: NOW, transport=transport)
    async with client, open_bench(folder, handlers(using), caught_up=like is None) as bench:
        yield World(using, shop, faults, client, bench)


async def rebuilt(into: World, facts: Sequence[Event], published: Sequence[Envelope[Event]] = ()) -> None:
    """An empty database reads the topics again, and works."""
    await into.bench.take(*[record(fact, n) for n, fact in enumerate(facts, 1)], *map(record_of, published))
    await into.bench.engine.finish_catch_up()
    await into.works()


def _document(order: int, total: str, **fields: Any) -> dict[str, Any]:
    given = {
        "shop": "main",
        "order_id": order,
        "date": "2026-03-02T00:00:00",
        "total": Decimal(total),
        "vat": Decimal(0),
    }
    return given | {"currency": "GEL", "lines": (), "content_digest": "d", "sent": {}} | fields


def sale(order: int, total: str = "60.00", at: datetime = NOW, **fields: Any) -> SaleRecorded:
    """The Sale of an order is recorded in Balance."""
    known = {"sale": f"sale-of-{order}", "client": "c", "order_version": 1, "number": "0000123"} | fields
    return SaleRecorded.model_validate(_document(order, total, **known) | {"how": "written", "recorded_at": at})


def plan(order: int, total: str = "60.00") -> SalePlanned:
    """The Sale that a dry run would make."""
    known = {"sale": f"sale-of-{order}", "client": "c", "order_version": 1}
    return SalePlanned.model_validate(_document(order, total, **known) | {"planned_at": NOW})


def credit(order: int, total: str, refund: int = 51, at: datetime = NOW) -> CreditNoteRecorded:
    """A credit note of the order's Sale is recorded in Balance."""
    known = {
        "refund_id": refund,
        "credit_note": f"note-{refund}",
        "sale": f"sale-of-{order}",
        "number": f"00000{refund}",
    }
    return CreditNoteRecorded.model_validate(_document(order, total, **known) | {"how": "written", "recorded_at": at})


def parked(order: int, reason: str = "sale.item-not-linked", service: str = "order-exporter") -> DeadLettered:
    """The order's Sale waits for a person."""
    key = f"main:{order}"
    failed = FailedDelivery(
        delivery_id=f"sale:{key}", subject=key, kind="sale", lane="balance.documents", payload={"order": key}
    )
    return DeadLettered(
        dead_letter=f"dead-letter-{order}",
        service=service,
        original_key=key,
        reason=reason,
        detail="TEA-100 of nobody",
        about=f"sale:{key}",
        delivery=failed,
        digest="d",
        at=NOW,
    )
