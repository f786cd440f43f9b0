"""A service answers `forget` only when no file of it holds the person, and keeps what the person orders afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.operations import CommandSettled
from contracts.shop import OrderChanged
from services.engine.outbox.outcome import Done, Unknown
from services.engine.privacy.forgetting import carry_out_requests
from services.engine.privacy.stripping import without_person
from services.engine.state import database as database_module
from services.engine.state.files import database_path
from services.engine.state.store import read_kind
from services.order_exporter import handlers as order_handlers
from services.store_feed import handlers as feed_handlers
from tests.forgetting.requests import ASKED, WORDS, buyer_with_id, forget, words_found_in
from tests.outbox.bench import Bench, open_bench
from tests.outbox.sample_service import record
from tests.support.exporting import SHOP, line, link, order, push, settings
from tests.support.memory_state import NOON

pytestmark = pytest.mark.claim("K35", "I19")
BOUGHT = order(line(1, "60.00", quantity="4"), person=buyer_with_id())
LATER = BOUGHT.model_copy(
    update={
        "order_id": 1043,
        "number": "1043",
        "created_at": ASKED + timedelta(seconds=1),
        "person": buyer_with_id(comment="ring twice"),
    }
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A store-feed that knows an order."""
    async with open_bench(tmp_path, feed_handlers.handlers([SHOP])) as opened:
        await opened.take(record(BOUGHT))
        yield opened


async def answers(bench: Bench) -> list[CommandSettled]:
    return [each for each in await bench.events_of(CommandSettled) if each.command_id == forget().command_id]


async def test_the_answer_waits_for_a_reader_who_still_sees_the_old_pages(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_MS", 50)
    file = database_path(tmp_path, bench.engine.rules.service)
    with closing(sqlite3.connect(file)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM records").fetchone()
        await bench.take(record(forget()))
        work = asyncio.create_task(carry_out_requests(bench.engine))
        await asyncio.wait([work], timeout=1.0)
        assert (work.done(), await answers(bench), words_found_in(tmp_path)) == (False, [], set(WORDS))
        reader.execute("COMMIT")
    assert await work == 1
    assert [each.outcome for each in await answers(bench)] == ["done"]
    assert words_found_in(tmp_path) == set()


async def test_a_service_that_ends_before_its_answer_gives_it_after_the_next_start(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ends() -> None:
        raise OSError("killed")

    await bench.take(record(forget()))
    with monkeypatch.context() as patched:
        patched.setattr(bench.database, "truncate_log", ends)
        with pytest.raises(OSError, match="killed"):
            await carry_out_requests(bench.engine)
    assert await answers(bench) == []
    assert await carry_out_requests(bench.engine) == 1
    assert [each.figures["copies"] for each in await answers(bench)] == [1]


@pytest.mark.parametrize("sent", ["in flight", "of unknown outcome"])
async def test_the_answer_waits_for_a_delivery_that_needs_its_data(sent: str, tmp_path: Path) -> None:
    async with open_bench(tmp_path, order_handlers.handlers(settings())) as bench:
        await bench.take(record(BOUGHT), record(link(311)), record(push(command_id="p-9")))
        [row] = await bench.engine.claim("balance.clients", 10, ())
        if sent == "in flight":
            bench.in_flight.add(row.id)
        else:
            await bench.settle(row, Unknown("no answer"))
        await bench.take(record(forget()))
        waits = await carry_out_requests(bench.engine), await answers(bench)
        bench.in_flight.clear()
        row = next(iter(await bench.engine.claim("balance.clients", 10, ())), row)
        await bench.settle(row, Done(()))
        assert (waits, await carry_out_requests(bench.engine)) == ((0, []), 1)
    assert words_found_in(tmp_path) == set()


async def test_databases_that_nobody_reads_any_more_are_deleted(bench: Bench, tmp_path: Path) -> None:
    service = bench.engine.rules.service
    current = database_path(tmp_path, service).name
    old = [f"{service}.v1.sqlite", f"{service}.v1.sqlite-wal", f"{current}.corrupt-20260301-090000"]
    for name in (*old, "another-service.v1.sqlite"):
        (tmp_path / name).write_text(WORDS[0], encoding="utf-8")
    await bench.take(record(forget()))
    assert await carry_out_requests(bench.engine) == 1
    assert not [name for name in old if (tmp_path / name).exists()]
    assert (tmp_path / "another-service.v1.sqlite").exists()


async def test_what_is_ordered_after_the_command_is_kept_by_a_service_that_was_down(
    bench: Bench,
) -> None:
    await bench.take(record(LATER), record(forget()))  # one topic may be read before another
    assert await carry_out_requests(bench.engine) == 1
    assert [each.figures["copies"] for each in await answers(bench)] == [1]
    kept = [body async for _, body in read_kind(bench.database, "order")]
    assert [("ring twice" in body, WORDS[0] in body) for body in kept] == [(False, False), (True, True)]


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ("2026-03-02T08:00:01Z", True),
        ("2026-03-02T12:00:01+04:00", True),
        ("2026-03-02T08:00:00Z", False),
        ("2026-03-02T09:00:00", False),
        ("yesterday", False),
        (17, False),
        (None, False),
    ],
)
def test_only_a_time_after_the_command_keeps_an_order(stated: object, kept: bool) -> None:
    held = {"created_at": stated, "person_ref": "p-1", "person": {"email": "nino@example.test"}}
    assert bool(without_person(held, "p-1", NOON)[1]) is not kept


def test_the_later_order_of_this_test_is_one() -> None:
    assert isinstance(LATER, OrderChanged)
    assert LATER.created_at > forget().asked_at >= BOUGHT.created_at
