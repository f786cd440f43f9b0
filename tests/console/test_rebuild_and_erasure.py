"""The query database is a cache: it is built again, and goes on after a kill. A forgotten person is gone from it."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from contracts.envelope import Envelope
from contracts.model import Event
from contracts.privacy import ForgetRequested
from services.console.model.handlers import SERVICE
from services.console.queries.order_detail import read_order
from services.console.queries.orders import OrderFilter, search_orders
from services.engine.privacy.forgetting import carry_out_requests
from services.engine.state.files import PARTS, database_path
from tests.cli.day_events import open_dead_letter
from tests.console.console_bench import ConsoleBench, open_console
from tests.subscribers.story import what_is_followed
from tests.support.exporting import KEY, ORDER, PAID, SHOP, buyer, line, order, recorded_sale, settings

ORDERS = 40
PERSON = buyer(email="nino.secret@example.test", phone="+995 599 12 34 56")
BOUGHT = order(line(1, "20.00", sku="CUP-1"), person=PERSON)


def story() -> list[Event]:
    """Orders with their Sales, and some that failed."""
    found: list[Event] = []
    for n in range(1, ORDERS + 1):
        bought = order(line(1, "20.00"), order_id=n, number=str(n))
        found += [bought, recorded_sale(bought, settings())]
        found += [open_dead_letter(f"receipt:{SHOP}:{n}", f"{SHOP}:{n}")] if n % 5 == 0 else []
    return found


async def shown(console: ConsoleBench) -> list[object]:
    page = await console.ask(search_orders, OrderFilter(), None, 500)
    return [*page.items, *[await console.ask(read_order, one.shop, one.order_id) for one in page.items[:5]]]


def wrapped(console: ConsoleBench) -> list[Envelope[Event]]:
    return [console.wrap(event, PAID) for event in story()]


async def test_a_deleted_database_is_built_again_to_the_same(tmp_path: Path) -> None:
    async with open_console(tmp_path) as console:
        await console.take_envelopes(wrapped(console))
        before = await shown(console)
    for part in PARTS:
        path = database_path(tmp_path, SERVICE)
        path.with_name(path.name + part).unlink(missing_ok=True)
    async with open_console(tmp_path, caught_up=False) as console:
        assert (await console.ask(search_orders, OrderFilter())).items == ()
        for envelope in (envelopes := wrapped(console)):
            await console.take_envelopes([envelope])
        await console.engine.finish_catch_up()
        assert len(envelopes) > ORDERS
        assert await shown(console) == before


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.console.console_bench import open_console
from tests.console.test_rebuild_and_erasure import wrapped

async def main():
    async with open_console(Path(sys.argv[1]), caught_up=False) as console:
        for number, envelope in enumerate(wrapped(console), 1):
            await console.take_envelopes([envelope])
            print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 23, 70])
async def test_a_console_that_is_killed_goes_on_where_it_was(tmp_path: Path, after: int) -> None:
    """The events after the kill are all given again, as after a lost offset: nothing is lost and nothing is twice."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(killed), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async for text in process.stdout:
        if int(text) == after:
            os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    async with open_console(whole) as console:
        await console.take_envelopes(wrapped(console))
        expected = await shown(console)
    async with open_console(killed, caught_up=False) as console:
        await console.take_envelopes(wrapped(console)[max(0, after - 3) :])
        await console.engine.finish_catch_up()
        assert await shown(console) == expected


async def test_a_forgotten_person_is_in_no_byte_of_the_file(tmp_path: Path) -> None:
    failed = open_dead_letter(f"client:{KEY}", KEY).model_copy(
        update={"person_ref": BOUGHT.person_ref, "person": {"person_ref": BOUGHT.person_ref, "email": PERSON.email}}
    )
    async with open_console(tmp_path) as console:
        await console.take(BOUGHT, failed, recorded_sale(BOUGHT, settings()))
        (found,) = (await console.ask(search_orders, OrderFilter(text=PERSON.email, people=True))).items
        assert found.order_id == ORDER
        assert b"nino.secret" in contents(tmp_path)
        request = ForgetRequested(
            command_id="f", asked_by="gia", asked_at=PAID, person_ref=BOUGHT.person_ref, why="asked for it"
        )
        await console.take(request)
        assert await carry_out_requests(console.engine) == 1
        assert (await console.ask(search_orders, OrderFilter(text=PERSON.email, people=True))).items == ()
        detail = await console.ask(read_order, SHOP, ORDER, people=True)
        assert detail.person is None
        assert "the buyer's personal data was erased" in str(detail.timeline[-1].message)
    for secret in (b"nino.secret", b"599 12 34 56", b"995599123456", PERSON.billing.last_name.encode()):
        assert secret not in contents(tmp_path), secret


def contents(folder: Path) -> bytes:
    """Every byte of the database, with its write-ahead log."""
    return b"".join(path.read_bytes() for path in folder.glob("console*"))


async def test_every_event_is_taken_and_described(tmp_path: Path) -> None:
    async with open_console(tmp_path) as console:
        await console.take_envelopes(what_is_followed())
        await console.engine.decide_due()
    with sqlite3.connect(database_path(tmp_path, SERVICE)) as database:
        texts = [text for (text,) in database.execute("SELECT body FROM timeline")]
        own = database.execute("SELECT count(*) FROM outbox_events").fetchone()[0]
    assert len(texts) > 20
    assert not [text for text in texts if '"text":"{type}"' in text]
    assert own == 0, "the console announces nothing of its own about good events"
