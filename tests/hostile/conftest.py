"""Commands whose topics are in memory: a module has a fixture `story` with the events of all topics."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from contracts.envelope import Envelope
from contracts.model import Event
from services.cli import service_status
from services.cli.app import MENU
from services.cli.csv_file import write_csv
from services.demo.environment import ALL_LIVE, SandboxEnvironment, start_environment
from services.engine.client import reader
from services.engine.kafka.record import Record
from services.engine.privacy import opener
from services.settings import Settings
from tests.hostile.hostile_events import HOSTILE


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxEnvironment]:
    """Both upstreams, which answer with hostile names, and settings for them."""
    async with start_environment(tmp_path_factory.mktemp("hostile"), "127.0.0.1:1", "t.") as world:
        world.write_settings(ALL_LIVE, shops__main__catalogue={"propose-items": True})
        renamed = {"kind": "rewrite", "match": "GET .*/(products|shipping|methods|zones)", "times": 10_000}
        texts = {"fields": dict.fromkeys(("name", "title", "method_title"), HOSTILE)}
        (await world.shop.post("/_sandbox/faults", json=renamed | texts)).raise_for_status()
        write_csv(world.folder / "links.csv", ("sku", "uid"), [(HOSTILE, "no-such-item")])
        yield world


@pytest.fixture(scope="module")
def topics_in_memory(story: list[tuple[str, Envelope[Event]]]) -> Iterator[None]:
    """The commands read the events from memory."""

    async def read_events(_: Settings, topics: Iterable[str], **__: Any) -> AsyncIterator[Envelope[Event]]:
        wanted = set(topics)
        for topic, envelope in story:
            if topic in wanted:
                yield envelope

    async def no_statuses(_: object) -> list[service_status.ServiceStatus]:
        return []

    for entry in MENU:
        entry.load()
    replaced = {
        "read_events": (reader.read_events, read_events),
        "open_opener": (opener.open_opener, _nothing_sealed),
        "read_service_statuses": (service_status.read_service_statuses, no_statuses),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, (original, fake) in replaced.items():
            for module in [one for one in sys.modules.values() if getattr(one, name, None) is original]:
                patch.setattr(module, name, fake)
        yield


class _NothingSealed:
    async def records(self, records: Sequence[Record]) -> Sequence[Record]:
        return records

    async def value(self, value: bytes | None) -> bytes | None:
        return value


@asynccontextmanager
async def _nothing_sealed(_: Settings) -> AsyncIterator[_NothingSealed]:
    yield _NothingSealed()
