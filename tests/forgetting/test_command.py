"""`davtari forget` beside running services on a real Kafka: from the question to the answer of every service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import select
from typer.testing import CliRunner

from contracts.closing import DayClosed
from contracts.model import Event
from services.cli.app import app
from services.cli.command_keys import create_key_pair
from services.cli.registry import SERVICES
from services.demo.kafka import Broker
from services.engine.client.commands import issue
from services.engine.client.reader import read_events
from services.engine.clock import local_date
from services.engine.kafka.topics import create_topics
from services.engine.outbox.decision import NOTHING
from services.engine.outbox.handlers import Handlers
from services.engine.runtime.blueprint import Blueprint
from services.engine.runtime.service import Service
from services.engine.state.store import read_kind
from services.engine.state.tables import events
from services.order_exporter import handlers as order_exporter
from services.refund_exporter import handlers as refund_exporter
from services.settings import Settings, load
from services.store_feed import handlers as store_feed
from tests.forgetting.requests import WORDS, buyer_with_id, words_found_in
from tests.kafka.topics import eventually
from tests.support.exporting import PAID, SHOP, line, order, recorded_sale, settings
from tests.support.secret import SECRET

pytestmark = [pytest.mark.kafka, pytest.mark.claim("S2.16")]
FILE = """
[balance]
application-id = "1234"
user-name = "davtari"
password-file = "none"
[privacy]
secret-file = "privacy"
keep-days-after-close = 30
[shops.main]
url = "https://shop.example"
key-file = "none"
secret-file = "none"
[shops.main.flows]
orders = "live"
[state]
directory = "state"
[commands]
key-file = "secrets/command-key"
public-key-file = "secrets/command-key.pub"
[kafka]
bootstrap-servers = "{servers}"
topic-prefix = "{prefix}"
"""
BOUGHT = order(line(1, "20.00"), person=buyer_with_id())
Davtari = Callable[..., Awaitable[Result]]


@pytest.fixture
def davtari(tmp_path: Path, kafka: Broker, topic_prefix: str) -> Davtari:
    """Run the command in this process, beside running services."""
    file = tmp_path / "davtari.toml"
    (tmp_path / "privacy").write_text(SECRET, encoding="utf-8")
    create_key_pair(tmp_path)
    file.write_text(FILE.format(servers=kafka.bootstrap_servers, prefix=topic_prefix), encoding="utf-8")

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, ["--settings", str(file), *arguments])

    return run


def rules(using: Settings) -> dict[str, Handlers]:
    """The rules of the services with personal data; the others only read commands."""
    quiet = Handlers(("operations",), {}, lambda subject, state: NOTHING)
    return dict.fromkeys(SERVICES, quiet) | {
        "store-feed": store_feed.handlers([SHOP]),
        "order-exporter": order_exporter.handlers(using),
        "refund-exporter": refund_exporter.handlers(using),
    }


@asynccontextmanager
async def run_service(name: str, handlers: Handlers, using: Settings) -> AsyncIterator[Service]:
    """Run a service without lanes; the context begins when it has caught up."""
    service = Service(Blueprint(name=name, handlers=handlers, fingerprint=""), using)
    run, ready = asyncio.create_task(service.run()), asyncio.create_task(service.ready.wait())
    try:
        await asyncio.wait([run, ready], timeout=30, return_when=asyncio.FIRST_COMPLETED)
        assert ready.done(), run
        yield service
    finally:
        run.cancel()
        ready.cancel()
        await asyncio.wait([run, ready])


async def has_order(service: Service) -> bool:
    """Whether a service has an order in its state."""
    assert service.running
    return bool([key async for key, _ in read_kind(service.running.engine.database, "order")])


async def publish_order(service: Service) -> None:
    """Have store-feed publish what it has read."""
    assert service.running
    async with service.running.engine.work() as work:
        await work.announce([(BOUGHT, None)])


async def test_every_service_forgets_and_answers(davtari: Davtari, tmp_path: Path) -> None:
    using = load(tmp_path / "davtari.toml")
    await create_topics(using.kafka)
    async with AsyncExitStack() as stack:
        started = [stack.enter_async_context(run_service(name, each, using)) for name, each in rules(using).items()]
        services = dict(zip(SERVICES, await asyncio.gather(*started), strict=True))
        await publish_order(services["store-feed"])
        await eventually(lambda: has_order(services["order-exporter"]), "the order")
        assert words_found_in(using.state.directory) == set(WORDS)

        refused = await davtari("forget", SHOP, "1042", "--reason", "asked for", "--unbooked-too")
        unbooked = await davtari("forget", SHOP, "1042", "--reason", "asked for", "--yes")
        asked = ("forget", SHOP, "1042", "--reason", "asked for", "--yes", "--unbooked-too", "--json")
        done = await davtari(*asked)
        again = await davtari("forget", SHOP, "1042", "--reason", "asked for", "--dry-run", "--json")
        left = words_found_in(using.state.directory)
        people = [e.data.person async for e in read_events(using, ["shop.orders"]) if hasattr(e.data, "person")]
        story = await davtari("order", SHOP, "1042")

    assert (refused.exit_code, "--yes" in refused.output) == (2, True)
    assert (unbooked.exit_code, "--unbooked-too" in unbooked.output) == (1, True)
    report = json.loads(done.stdout)
    assert (done.exit_code, report["orders"], report["silent"]) == (0, [f"{SHOP}:1042"], [])
    assert left == set()
    assert (report["copies"], report["keys"]) == ({"sealed": 1, "clear": 0}, 1)
    copies = {each["service"]: each["figures"]["copies"] for each in report["answers"]}
    assert copies == dict.fromkeys(SERVICES, 0) | {"store-feed": 1, "order-exporter": 1}
    asked_again = json.loads(again.stdout)
    assert (asked_again["keys"], sum(each["figures"]["copies"] for each in asked_again["answers"])) == (0, 0)
    assert people == [None]
    assert "personal data was erased" in story.output


@pytest.mark.claim("I19")
async def test_a_buyer_whose_time_has_passed_is_erased_by_the_daily_job(davtari: Davtari, tmp_path: Path) -> None:
    using = load(tmp_path / "davtari.toml")
    await create_topics(using.kafka)
    async with AsyncExitStack() as stack:
        started = [stack.enter_async_context(run_service(name, each, using)) for name, each in rules(using).items()]
        services = dict(zip(SERVICES, await asyncio.gather(*started), strict=True))
        await publish_order(services["store-feed"])
        await eventually(lambda: has_order(services["order-exporter"]), "the order")
        kept = await davtari("person", "expire", "--json")
        assert words_found_in(using.state.directory) == set(WORDS)
        await announce(services["order-exporter"], recorded_sale(BOUGHT, settings()))
        await issue(using, DAY_CLOSED, asked_by="nino")
        planned = await davtari("person", "expire", "--json", "--dry-run")
        done = await davtari("person", "expire", "--json")
        again = await davtari("person", "expire", "--json")
        left = words_found_in(using.state.directory)
    figures = [json.loads(each.stdout) for each in (kept, planned, done, again)]
    assert [(each["people"], each["keys"], each["silent"]) for each in figures] == [
        (0, 0, []), (1, 1, []), (1, 1, []), (0, 0, []),
    ]  # fmt: skip
    assert (figures[2]["copies"], left) == (2, set())


DAY_CLOSED = DayClosed(
    shop=SHOP, date=local_date(BOUGHT.modified_at), green=True, totals=(), vat=(), digest="x", closed_by="nino",
    closed_at=PAID,
)  # fmt: skip


async def announce(service: Service, *stated: Event) -> None:
    assert service.running
    async with service.running.engine.work() as work:
        await work.announce([(event, None) for event in stated])
    service.running.publisher.wake()
    await eventually(lambda: _is_published(service), "the events are published")


async def _is_published(service: Service) -> bool:
    assert service.running
    async with service.running.engine.database.read() as connection:
        return not (await connection.execute(select(events))).all()
