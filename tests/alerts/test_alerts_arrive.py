"""The running service on a real Kafka: each message arrives once at a webhook and in a mailbox."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.alerts import AlertSent
from contracts.envelope import Envelope, wrap
from contracts.model import Event
from services.alerts.app import blueprint
from services.demo.kafka import Broker
from services.engine.kafka.topics import create_topics
from services.engine.runtime.service import Service
from services.settings.model import RetrySettings, Settings, StateSettings
from tests.alerts.receivers import WebhookReceiver, serve_mail, serve_webhook
from tests.alerts.samples import FAST, alert_settings, dead_letter, settled, shop_settings
from tests.kafka.topics import Topics, eventually, topics_on
from tests.subscribers.receiver import free_port

pytestmark = pytest.mark.kafka
FIFTY = range(50)


@pytest.fixture
async def topics(kafka: Broker, topic_prefix: str) -> AsyncIterator[Topics]:
    """All topics, empty."""
    async with topics_on(kafka, topic_prefix) as found:
        await create_topics(found.settings)
        yield found


def facts(events: Iterable[Event], version: int = 1) -> list[Envelope[Event]]:
    """Events of order-exporter, published now."""
    return [wrap(event, version=version, source="order-exporter", time=datetime.now(UTC)) for event in events]


def open_dead_letters(numbers: Iterable[int] = FIFTY) -> list[Envelope[Event]]:
    """Dead letters of one cause, opened now."""
    return facts(dead_letter(number, at=datetime.now(UTC)) for number in numbers)


def close_dead_letters(numbers: Iterable[int] = FIFTY) -> list[Envelope[Event]]:
    """The ends of these dead letters."""
    return facts((settled(number, at=datetime.now(UTC)) for number in numbers), version=2)


def service_settings(topics: Topics, folder: Path, urls: Mapping[str, str], **more: Any) -> Settings:
    """Settings of the service with these recipients, whose URLs are in files."""
    for name, url in urls.items():
        (folder / name).write_text(url, encoding="utf-8")
    recipients = {name: {"url_file": folder / name} for name in urls}
    return shop_settings(alert_settings(recipients, **(FAST | more))).model_copy(
        update={
            "kafka": topics.settings,
            "state": StateSettings(directory=folder / "state"),
            "retry": RetrySettings(first_wait=0.05, longest_wait=0.2),
        }
    )


@asynccontextmanager
async def run_service(settings: Settings) -> AsyncIterator[Service]:
    """Run the service; the context begins when it has caught up."""
    async with blueprint(settings) as plan:
        service = Service(plan, settings)
        task = asyncio.create_task(service.run())
        try:
            async with asyncio.timeout(20):
                await service.ready.wait()
            yield service
        finally:
            task.cancel()
            await asyncio.wait([task])


async def wait_for(count: int, messages: list[Any]) -> None:
    """Wait until so many messages have arrived."""

    async def have_arrived() -> bool:
        return len(messages) >= count

    await eventually(have_arrived, f"{count} messages")


async def sent_messages(topics: Topics) -> list[str]:
    """The messages recorded as sent; a record repeated after a crash has the id of the first."""
    reported = {one.id: one.data for one in await topics.events("operations")}
    return [data.what for data in reported.values() if isinstance(data, AlertSent)]


async def wait_for_records(topics: Topics, count: int) -> None:
    """Wait until so many messages are recorded as sent."""

    async def have_arrived() -> bool:
        return len(await sent_messages(topics)) >= count

    await eventually(have_arrived, f"{count} records")


async def test_fifty_dead_letters_are_one_call_and_one_mail(topics: Topics, tmp_path: Path) -> None:
    port = free_port()
    async with serve_webhook(WebhookReceiver(), port) as hook, serve_mail() as mail_server:
        mail = f"mailto://127.0.0.1:{mail_server.port}?from=davtari@shop.example&to=nino@shop.example&mode=insecure"
        settings = service_settings(topics, tmp_path, {"hook": f"json://127.0.0.1:{port}/alerts", "mail": mail})
        await topics.send(*open_dead_letters())
        async with run_service(settings):
            await wait_for(1, hook.messages)
            await wait_for(1, mail_server.mails)
            await topics.send(*close_dead_letters())
            await wait_for(2, hook.messages)
            await wait_for(2, mail_server.mails)
            await wait_for_records(topics, 4)
    assert hook.titles == [
        "Davtari: sale.item-not-linked@main: 50 waiting",
        "Davtari: sale.item-not-linked@main: resolved",
    ]
    assert mail_server.subjects == hook.titles
    assert "What to do:" in hook.messages[0]["message"]
    assert str(mail_server.mails[0]["To"]) == "nino@shop.example"
    assert len(set(hook.ids)) == 2


async def test_an_unavailable_recipient_gets_the_message_once_when_it_is_back(topics: Topics, tmp_path: Path) -> None:
    port, hook = free_port(), WebhookReceiver(refusals=3)
    settings = service_settings(topics, tmp_path, {"hook": f"json://127.0.0.1:{port}/"})
    await topics.send(*open_dead_letters())
    async with run_service(settings) as service:

        async def is_waiting() -> bool:
            return service.relays[0].lane.breaker.state(asyncio.get_running_loop().time()) != "closed"

        await eventually(is_waiting, "a waiting lane of the recipient")
        async with serve_webhook(hook, port):
            await wait_for(1, hook.messages)
            await wait_for_records(topics, 1)
    assert (hook.calls, hook.titles) == (4, ["Davtari: sale.item-not-linked@main: 50 waiting"])


async def test_an_unavailable_recipient_delays_no_other(topics: Topics, tmp_path: Path) -> None:
    port = free_port()
    urls = {"unavailable": f"json://127.0.0.1:{free_port()}/", "hook": f"json://127.0.0.1:{port}/"}
    async with serve_webhook(WebhookReceiver(), port) as hook, run_service(service_settings(topics, tmp_path, urls)):
        await topics.send(*open_dead_letters(range(2)))
        await wait_for(1, hook.messages)
        await wait_for_records(topics, 1)


async def test_a_restart_and_a_lost_database_repeat_no_message(topics: Topics, tmp_path: Path) -> None:
    port = free_port()
    settings = service_settings(topics, tmp_path, {"hook": f"json://127.0.0.1:{port}/"})
    async with serve_webhook(WebhookReceiver(), port) as hook:
        await topics.send(*open_dead_letters())
        async with run_service(settings):
            await wait_for(1, hook.messages)
            await wait_for_records(topics, 1)
        async with run_service(settings):
            await topics.send(*open_dead_letters(range(50, 52)))
        shutil.rmtree(tmp_path / "state")
        async with run_service(settings):
            await topics.send(*close_dead_letters(range(52)))
            await wait_for(2, hook.messages)
            await wait_for_records(topics, 2)
    assert [title.rpartition(": ")[2] for title in hook.titles] == ["50 waiting", "resolved"]
    assert await sent_messages(topics) == ["opened", "resolved"]


async def test_a_dry_run_sends_nothing_and_records_what_it_would_send(topics: Topics, tmp_path: Path) -> None:
    settings = service_settings(topics, tmp_path, {"hook": "json://127.0.0.1:1/"}, dry_run=True)
    await topics.send(*open_dead_letters())
    async with run_service(settings):
        await wait_for_records(topics, 1)
    [reported] = [each.data for each in await topics.events("operations") if isinstance(each.data, AlertSent)]
    assert (reported.dry_run, reported.standing) == (True, 50)
