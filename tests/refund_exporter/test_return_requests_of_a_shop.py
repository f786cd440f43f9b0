"""A return request from the shop to its plan and on to the refund's credit note; and what the command shows of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from contracts.envelope import Envelope, wrap
from contracts.ledger import CreditNoteRecorded
from contracts.model import Event
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from contracts.returns import ReturnPlanned, ReturnRequested
from services.accounting.documents.return_requests import MetaSource, RequestInvalid, find_return_request
from services.cli import push as pushing
from services.cli.app import app
from services.console.model.event_text import describe_event
from services.refund_exporter.deliveries import deliveries
from services.refund_exporter.handlers import LANE, handlers
from services.settings.balance import Dialect
from services.settings.model import Settings
from tests.outbox.bench import Bench, open_bench
from tests.outbox.sample_service import record
from tests.refund_exporter.sample_returns import CUP_OF_SHOP, KEY_NAME, META, REST, TEA_OF_SHOP, Store, asks, returning
from tests.support.exporting import PAID, SHOP
from tests.support.fake_books import FakeBooks
from tests.support.memory_state import NOON, Consumer


async def pushed(store: Store, using: Settings) -> ReturnRequested:
    """The request as the command reads it in the shop."""
    async with store.client(using) as client:
        found = await find_return_request(client, SHOP, using.shops[SHOP].returns, store.order_id, None)
    return asks(order_id=store.order_id, request=found.id, lines=found.lines)


async def deliver(bench: Bench, books: FakeBooks) -> None:
    lane = deliveries(books, Dialect(), lambda: PAID)[LANE]
    rows = await bench.engine.claim(LANE, 10, ())
    for row, outcome in zip(rows, await lane(rows), strict=True):
        await bench.settle(row, outcome)


@pytest.mark.claim("S0.25")
@pytest.mark.parametrize("returns", [META, REST], ids=["custom-field", "route"])
async def test_a_request_is_planned_nothing_is_written_and_the_refund_becomes_that_note_once(
    tmp_path: Path, returns: Mapping[str, Any]
) -> None:
    # given an order with its Sale, and a buyer who asks to give two of the three packets of tea back
    store, using, books = Store(), returning(returns=returns), FakeBooks()
    asked = [{"id": "R-7", "lines": [{"product_id": TEA_OF_SHOP, "quantity": 2}]}]
    await (store.asks_by_meta(asked) if returns is META else store.asks_by_route(asked))
    async with open_bench(tmp_path, handlers(using)) as bench:
        await bench.take(record(store.sale(using)))
        # when the request is pushed
        await bench.take(record(await pushed(store, using)))
        await deliver(bench, books)
        # then its credit note is planned, and Balance was not even asked
        [plan] = await bench.events_of(ReturnPlanned)
        [answer] = await bench.events_of(CommandSettled)
        assert (str(plan.total), plan.request, answer.outcome) == ("13.33", "R-7", "done")
        assert (books.calls, await bench.rows()) == ([], {})
        # and when the shop refunds it, that refund gets the one credit note
        await bench.take(record(store.refunds(store.line(TEA_OF_SHOP), 2, "13.33")))
        await deliver(bench, books)
        [note] = await bench.events_of(CreditNoteRecorded)
    assert [(r.order_line_id, r.quantity, r.amount, r.vat) for r in note.lines] == [
        (r.order_line_id, r.quantity, r.amount, r.vat) for r in plan.lines
    ]
    assert books.puts("SalesCredit") == 1


@pytest.mark.claim("S0.25")
@pytest.mark.parametrize(
    ("returns", "wanted", "message"),
    [
        (META, None, "there is no return request"),
        (REST, None, "there is no return request"),
        ({}, None, 'returns.source is "off"'),
    ],
)
async def test_a_shop_without_a_request_reports_that(
    returns: Mapping[str, Any], wanted: str | None, message: str
) -> None:
    store, using = Store(), returning(returns=returns)
    async with store.client(using) as client:
        with pytest.raises(RequestInvalid, match=f"order {store.order_id} of shop main: {message}"):
            await find_return_request(client, SHOP, using.shops[SHOP].returns, store.order_id, wanted)
        with pytest.raises(RequestInvalid, match=r'no such order|is "off"'):
            await find_return_request(client, SHOP, using.shops[SHOP].returns, 999, wanted)


async def test_the_last_custom_field_of_the_name_counts() -> None:
    metas = [{"key": name, "value": value} for name, value in ((KEY_NAME, "old"), ("_else", "no"), (KEY_NAME, "new"))]
    assert await MetaSource(KEY_NAME).read({"id": 1, "meta_data": metas}) == "new"
    assert await MetaSource(KEY_NAME).read({"id": 1, "meta_data": dict(enumerate(metas))}) == "new"
    assert await MetaSource("_none").read({"id": 1, "meta_data": []}) is None


# -- the command


class PushSession:
    """The command beside a shop and a refund-exporter that answers at once, without Kafka."""

    def __init__(self, store: Store, using: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.exporter = store, Consumer(handlers(using))
        self.exporter.take(store.sale(using))
        monkeypatch.setattr(pushing, "read_settings", lambda: using)
        monkeypatch.setattr(pushing, "open_shop", lambda *_: store.client(using))
        monkeypatch.setattr(pushing, "push_return_request", self.answer)

    async def answer(self, _: Settings, asked: ReturnRequested, patience: float) -> Event:
        """What the watching command hears first: the word that it is done, then the plan."""
        assert patience == 60.0
        message = self.exporter.take(asked)[f"{SHOP}:{asked.order_id}"].announce

        async def heard() -> AsyncIterator[Envelope[Event]]:
            for event in reversed(message):
                yield wrap(event, version=1, source="/refund-exporter", time=NOON)

        return await pushing.wait_for_return_plan(asked, heard())

    def push(self, *options: str) -> Result:
        """`davtari push return-request ORDER … --shop main`."""
        arguments = ["push", "return-request", str(self.store.order_id), *options, "--shop", SHOP]
        return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


@pytest.fixture(name="store")
def _store() -> Store:
    return Store()


@pytest.fixture(name="session")
def _session(store: Store, monkeypatch: pytest.MonkeyPatch) -> PushSession:
    return PushSession(store, returning(), monkeypatch)


async def _asked(store: Store) -> None:
    lines = [{"product_id": TEA_OF_SHOP, "quantity": 2}, {"product_id": CUP_OF_SHOP, "quantity": 1}]
    await store.asks_by_meta([{"id": "R-7", "lines": lines[:1]}, {"id": "R-8", "lines": lines}])


@pytest.fixture(name="_requests")
async def _requests(store: Store) -> None:
    await _asked(store)


@pytest.mark.claim("S0.25")
@pytest.mark.usefixtures("_requests")
def test_the_accountant_sees_the_planned_note_and_that_nothing_is_written(session: PushSession) -> None:
    shown = session.push("R-8")
    assert shown.exit_code == 0
    assert "Return request R-8" in shown.output and "a credit note of 18.83 GEL" in shown.output
    assert "Nothing was written" in shown.output
    rows = [line.split() for line in shown.output.splitlines() if line.endswith("0.00")]
    assert [(row[0], *row[2:]) for row in rows] == [
        (str(session.store.line(TEA_OF_SHOP)), "2", "13.33", "0.00"),
        (str(session.store.line(CUP_OF_SHOP)), "1", "5.50", "0.00"),
    ]


@pytest.mark.usefixtures("_requests")
def test_the_command_prints_data_and_marks_a_dry_run(session: PushSession) -> None:
    assert json.loads(session.push("R-7", "--json").output)["total"] == "13.33"
    dry = json.loads(session.push("R-7", "--dry-run", "--json").output)
    assert (dry["outcome"], "not kept, since it is a dry run" in dry["detail"]) == ("done", True)


@pytest.mark.usefixtures("_requests")
def test_a_request_that_is_not_named_or_not_there_ends_with_its_reason_code(session: PushSession) -> None:
    for options, message in (((), "name one: R-7, R-8"), (("R-9",), "no return request R-9")):
        failed = session.push(*options)
        assert failed.exit_code == 1
        assert Reason.REFUND_REQUEST_INVALID in failed.output and message in failed.output


def test_without_a_source_the_command_names_the_setting(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = PushSession(store, returning(returns={}), monkeypatch).push()
    assert failed.exit_code == 2
    assert 'shops.main.returns.source is "off"' in failed.output


def test_the_passport_shows_the_request_and_its_plan(store: Store) -> None:
    service = Consumer(handlers(returning()))
    service.take(store.sale(returning()))
    asked = asks((store.line(CUP_OF_SHOP), "1"), order_id=store.order_id)
    [plan, _] = service.take(asked)[f"{SHOP}:{store.order_id}"].announce
    assert (
        str(describe_event(asked))
        == f"return request R-7 (1 of line {store.line(CUP_OF_SHOP)}) requested by accountant"
    )
    assert str(describe_event(plan)) == "return request R-7 would become a credit note of 5.50 GEL"
