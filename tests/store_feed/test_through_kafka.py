"""store-feed as it runs: webhooks in over HTTP, facts out on Kafka, and a state database that may be lost."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from contracts.customers import CustomerRemoved
from contracts.shop import OrderChanged
from contracts.topics import BY_NAME
from services.connectors.woocommerce.webhooks import WEBHOOK_TOPICS
from services.demo.kafka import Broker
from services.engine.client.commands import decoded_events, open_answers
from services.engine.client.reader import read_events
from services.engine.kafka.topics import create_topics
from services.engine.runtime.service import Service
from services.sandbox.server import serve
from services.sandbox.woocommerce.app import create_shop
from services.sandbox.woocommerce.customers import Customers
from services.sandbox.woocommerce.orders import Orders
from services.sandbox.woocommerce.shop import SandboxShopSettings as SandboxSettings
from services.settings.model import Settings
from services.store_feed.app import blueprint
from tests.kafka.topics import topics_on
from tests.store_feed.conditions import free_port, is_listening, until
from tests.store_feed.shop_bench import SECRET

SECONDS = 20.0
"""How long an order may take from the shop to its topic: the sweep is set to an hour, so a webhook brought it."""


@dataclass
class Running:
    """The service and its shop."""

    app: Starlette
    settings: Settings

    def places(self, **more: Any) -> int:
        """A buyer places an order; gives its id."""
        line = {"name": "ყავა", "product_id": 10, "quantity": 1, "subtotal": "12.00", "total": "12.00"}
        body = {"status": "processing", "line_items": [line]} | more
        return int(Orders(self.app.state.shop).create(body, strict=False)["id"])

    async def stated(self, *orders: tuple[int, str]) -> list[int]:
        """Deliver the queued webhooks; returns the versions of the resulting events about these orders."""
        versions: dict[tuple[int, str], int] = {}
        async with asyncio.timeout(SECONDS), open_answers(self.settings.kafka, "shop.orders") as consumer:
            await self.app.state.deliveries.drain_all()
            async for envelope in decoded_events(consumer):
                assert isinstance(envelope.data, OrderChanged)
                versions[envelope.data.order_id, envelope.data.status] = envelope.sequence
                if versions.keys() >= set(orders):
                    break
        return [versions[order] for order in orders]


def known(url: str, kafka: Broker, topic_prefix: str, directory: Path) -> Settings:
    """The settings of a service that runs."""
    secrets = {"key": "ck_sandbox", "secret": "cs_sandbox", "webhook": SECRET}
    for name, secret in secrets.items():
        (directory / name).write_text(secret, encoding="utf-8")
    files = {"key-file": directory / "key", "secret-file": directory / "secret"}
    port = free_port()
    return Settings.model_validate(
        {
            "balance": {"application-id": "1234", "user-name": "nobody", "password-file": directory / "none"},
            "shops": {"main": {"url": url, **files, "webhook-secret-files": [directory / "webhook"]}},
            "kafka": {"bootstrap-servers": kafka.bootstrap_servers, "topic-prefix": topic_prefix},
            "state": {"directory": directory / "state"},
            "schedule": {"sweep": 3600.0},
            "receiver": {"port": port, "public-url": f"http://127.0.0.1:{port}"},
        }
    )


@asynccontextmanager
async def running(app: Starlette, settings: Settings) -> AsyncIterator[Running]:
    """The service, ready, its webhooks made."""
    async with blueprint(settings) as plan:
        service = Service(plan, settings)
        run = asyncio.create_task(service.run())
        ready = asyncio.create_task(service.ready.wait())
        await asyncio.wait([run, ready], return_when=asyncio.FIRST_COMPLETED, timeout=30)
        assert service.ready.is_set(), run
        try:
            await until(lambda: len(app.state.shop.webhooks) == len(WEBHOOK_TOPICS))
            yield Running(app, settings)
        finally:
            run.cancel()
            await asyncio.wait([run, ready])


@pytest.mark.kafka
@pytest.mark.claim("S2.13")
async def test_an_order_is_on_its_topic_seconds_after_it_changed(
    kafka: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Also after the state database was lost: then what is known is not stated again, and versions go on."""
    app = create_shop(SandboxSettings(hold_deliveries=True))
    async with httpx.AsyncClient() as client, serve(app) as served:
        app.state.deliveries.client = client
        settings = known(served.url, kafka, topic_prefix, tmp_path)
        await create_topics(settings.kafka)
        async with running(app, settings) as service:
            first, second = service.places(), service.places()
            at_first = await service.stated((first, "processing"), (second, "processing"))
        still_listening = await is_listening(settings.receiver.port)
        shutil.rmtree(tmp_path / "state")

        async with running(app, settings) as service:
            Orders(app.state.shop).update(first, {"status": "completed"}, strict=False)
            later = await service.stated((first, "completed"))
            facts = [envelope async for envelope in read_events(settings, ["shop.orders"])]

    assert (at_first, later) == ([1, 1], [2])
    assert not still_listening
    orders = [(envelope.subject, envelope.sequence) for envelope in facts]
    assert sorted(orders) == [(f"main:{first}", 1), (f"main:{first}", 2), (f"main:{second}", 1)]


BUYER = {"first_name": "Nino", "last_name": "Beridze", "email": "nino@example.test", "phone": "+995599123456"}


@pytest.mark.kafka
@pytest.mark.claim("S2.16")
async def test_personal_data_of_an_order_is_sealed_in_the_topics(
    kafka: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """The service itself reads it again after losing its state database: nothing is published again."""
    app = create_shop(SandboxSettings(hold_deliveries=True))
    async with httpx.AsyncClient() as client, serve(app) as served:
        app.state.deliveries.client = client
        settings = known(served.url, kafka, topic_prefix, tmp_path)
        await create_topics(settings.kafka)
        async with running(app, settings) as service:
            first = service.places(billing=BUYER, customer_note="second floor")
            await service.stated((first, "processing"))
        shutil.rmtree(tmp_path / "state")
        async with running(app, settings) as service:
            second = service.places(billing=BUYER)
            await service.stated((second, "processing"))
            facts = [envelope.data async for envelope in read_events(settings, ["shop.orders"])]

    async with topics_on(kafka, topic_prefix) as topics:
        stored = b"".join(record.value or b"" for record in await topics.raw(*BY_NAME))
        keys = await topics.events("privacy.keys")
    assert [text for text in (*BUYER.values(), "second floor") if text.encode() in stored] == []
    assert stored.count(b'"sealed":"') == len(facts) == 2
    assert len(keys) == len({fact.person_ref for fact in facts if isinstance(fact, OrderChanged)})
    people = [fact.person for fact in facts if isinstance(fact, OrderChanged)]
    assert [(person.email, person.billing.last_name) for person in people if person] == [
        ("nino@example.test", "Beridze")
    ] * 2


@pytest.mark.kafka
@pytest.mark.claim("S2.16")
async def test_the_end_of_an_account_is_on_its_topic_seconds_after_it(
    kafka: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    app = create_shop(SandboxSettings(hold_deliveries=True))
    customers = Customers(app.state.shop)
    customer = int(customers.create({"email": "nino@example.test"}, strict=True)["id"])
    async with httpx.AsyncClient() as client, serve(app) as served:
        app.state.deliveries.client = client
        settings = known(served.url, kafka, topic_prefix, tmp_path)
        await create_topics(settings.kafka)
        async with running(app, settings) as service:
            await service.stated((service.places(customer_id=customer), "processing"))
            async with asyncio.timeout(SECONDS), open_answers(settings.kafka, "shop.customers") as consumer:
                customers.delete(customer, force=True)
                await app.state.deliveries.drain_all()
                event = (await anext(aiter(decoded_events(consumer)))).data

    assert isinstance(event, CustomerRemoved)
    assert event.key == f"main:{customer}"
