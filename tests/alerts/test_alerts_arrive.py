"""The service as it runs, on a real Kafka: messages arrive at a webhook and in a mailbox, once each."""

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
from tests.alerts.given import FAST, alerting, dead_letter, settled, using
from tests.alerts.letterbox import Hook, hook_on, post_office
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
    """What order-exporter says, at this moment."""
    return [wrap(event, version=version, source="order-exporter", time=datetime.now(UTC)) for event in events]


def opened(numbers: Iterable[int] = FIFTY) -> list[Envelope[Event]]:
    """Dead letters of one cause, opened now."""
    return facts(dead_letter(number, at=datetime.now(UTC)) for number in numbers)


def ended(numbers: Iterable[int] = FIFTY) -> list[Envelope[Event]]:
    """Their ends."""
    return facts((settled(number, at=datetime.now(UTC)) for number in numbers), version=2)


def served(topics: Topics, folder: Path, urls: Mapping[str, str], **more: Any) -> Settings:
    """Settings of the service with these recipients, whose URLs stand in files."""
    for name, url in urls.items():
        (folder / name).write_text(url, encoding="utf-8")
    recipients = {name: {"url_file": folder / name} for name in urls}
    return using(alerting(recipients, **(FAST | more))).model_copy(
        update={
            "kafka": topics.settings,
            "state": StateSettings(directory=folder / "state"),
            "retry": RetrySettings(first_wait=0.05, longest_wait=0.2),
        }
    )


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """The service, from the moment when it has caught up."""
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


async def until(count: int, things: list[Any]) -> None:
    """Wait until so many messages have arrived."""

    async def there() -> bool:
        return len(things) >= count

    await eventually(there, f"{count} messages")


async def sent(topics: Topics) -> list[str]:
    """What the service has recorded as sent; a record that a crash repeats has the id of the first."""
    reported = {one.id: one.data for one in await topics.events("operations")}
    return [data.what for data in reported.values() if isinstance(data, AlertSent)]


async def recorded(topics: Topics, count: int) -> None:
    """Wait until so many messages are recorded as sent."""

    async def there() -> bool:
        return len(await sent(topics)) >= count

    await eventually(there, f"{count} records")


async def test_fifty_dead_letters_are_one_call_and_one_mail(topics: Topics, tmp_path: Path) -> None:
    port = free_port()
    async with hook_on(Hook(), port) as hook, post_office() as post:
        mail = f"mailto://127.0.0.1:{post.port}?from=davtari@shop.example&to=nino@shop.example&mode=insecure"
        settings = served(topics, tmp_path, {"hook": f"json://127.0.0.1:{port}/alerts", "mail": mail})
        await topics.send(*opened())
        async with running(settings):
            await until(1, hook.got)
            await until(1, post.mails)
            await topics.send(*ended())
            await until(2, hook.got)
            await until(2, post.mails)
            await recorded(topics, 4)
    assert hook.titles == [
        "Davtari: sale.item-not-linked@main: 50 waiting",
        "Davtari: sale.item-not-linked@main: resolved",
    ]
    assert post.subjects == hook.titles
    assert "What to do:" in hook.got[0]["message"]
    assert str(post.mails[0]["To"]) == "nino@shop.example"
    assert len(set(hook.ids)) == 2


async def test_a_receiver_that_is_away_gets_the_message_once_when_it_is_back(topics: Topics, tmp_path: Path) -> None:
    port, hook = free_port(), Hook(refusals=3)
    settings = served(topics, tmp_path, {"hook": f"json://127.0.0.1:{port}/"})
    await topics.send(*opened())
    async with running(settings) as service:

        async def waits() -> bool:
            return service.relays[0].lane.breaker.state(asyncio.get_running_loop().time()) != "closed"

        await eventually(waits, "the lane of the recipient waits")
        async with hook_on(hook, port):
            await until(1, hook.got)
            await recorded(topics, 1)
    assert (hook.asked, hook.titles) == (4, ["Davtari: sale.item-not-linked@main: 50 waiting"])


async def test_one_recipient_that_is_away_holds_up_no_other(topics: Topics, tmp_path: Path) -> None:
    port = free_port()
    urls = {"away": f"json://127.0.0.1:{free_port()}/", "hook": f"json://127.0.0.1:{port}/"}
    async with hook_on(Hook(), port) as hook, running(served(topics, tmp_path, urls)):
        await topics.send(*opened(range(2)))
        await until(1, hook.got)
        await recorded(topics, 1)


async def test_a_restart_and_a_lost_database_repeat_nothing(topics: Topics, tmp_path: Path) -> None:
    port = free_port()
    settings = served(topics, tmp_path, {"hook": f"json://127.0.0.1:{port}/"})
    async with hook_on(Hook(), port) as hook:
        await topics.send(*opened())
        async with running(settings):
            await until(1, hook.got)
            await recorded(topics, 1)
        async with running(settings):
            await topics.send(*opened(range(50, 52)))
        shutil.rmtree(tmp_path / "state")
        async with running(settings):
            await topics.send(*ended(range(52)))
            await until(2, hook.got)
            await recorded(topics, 2)
    assert [title.rpartition(": ")[2] for title in hook.titles] == ["50 waiting", "resolved"]
    assert await sent(topics) == ["opened", "resolved"]


async def test_a_dry_run_sends_nothing_and_records_what_it_would_send(topics: Topics, tmp_path: Path) -> None:
    settings = served(topics, tmp_path, {"hook": "json://127.0.0.1:1/"}, dry_run=True)
    await topics.send(*opened())
    async with running(settings):
        await recorded(topics, 1)
    [reported] = [each.data for each in await topics.events("operations") if isinstance(each.data, AlertSent)]
    assert (reported.dry_run, reported.standing) == (True, 50)
