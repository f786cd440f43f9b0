"""A receipt is in Balance once: against the sandbox over HTTP, and wherever the process dies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from contracts.ledger import Attempt, PaymentRecorded
from contracts.reasons import Reason
from services.accounting.checks.balance import check_rights, receipt_resources
from services.connectors.balance.client import Balance
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome, Refused
from services.order_exporter.deliveries import deliver_receipts
from services.order_exporter.handlers import handlers
from services.order_exporter.tasks import ReceiptTask
from services.sandbox.balance import catalogue
from services.sandbox.balance.app import BalanceSandbox, create_balance
from services.sandbox.balance.catalogue import MAIN, RETAIL_CLIENT
from services.sandbox.balance.record import make_uid
from services.sandbox.balance.settings import BalanceSandboxSettings
from services.settings.balance import BalanceSettings, Dialect
from tests.order_exporter.export_bench import bought
from tests.order_exporter.receipt_bench import USING, receipt, sold
from tests.outbox.bench import open_bench
from tests.outbox.sample_service import record, record_of
from tests.support.exporting import KEY, PAID, link, recorded_sale
from tests.support.fake_books import FakeBooks, Killed
from tests.support.memory_state import NOON

TASK = receipt(sold().again(KEY, NOON))
TRIED = Attempt(at=PAID, outcome="unknown", detail="no answer within 60 s")
NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
SALE = {
    "uid": TASK.sale,
    "Date": "2026-03-02T00:00:00",
    "Warehouse": MAIN,
    "Client": RETAIL_CLIENT,
    "Items": [{"Item": make_uid("item", "sku:ჩაი-02"), "Quantity": "1", "Price": "20.00", "Amount": "20.00"}],
}


def row(task: ReceiptTask = TASK, *attempts: Attempt) -> Row:
    given = task.model_dump(mode="json")
    return Row(f"receipt:{KEY}:order", "receipt", "balance.receipts", KEY, KEY, given, attempts, len(attempts) + 1)


def event(outcome: Outcome) -> PaymentRecorded:
    assert isinstance(outcome, Done)
    [event] = outcome.events
    assert isinstance(event, PaymentRecorded)
    return event


@pytest.fixture
async def sandbox() -> AsyncIterator[BalanceSandbox]:
    app = create_balance(BalanceSandboxSettings(), lambda: NOW)
    catalogue.fill_catalogue(app.books, catalogue.STANDARD_CATALOGUE)
    yield app


def connected(app: BalanceSandbox, folder: Path) -> tuple[Balance, BalanceSettings]:
    password = folder / "password"
    password.write_text("sandbox", encoding="utf-8")
    found = BalanceSettings(application_id="1234", user_name="integration", password_file=password)
    return Balance(found, SecretStr("sandbox"), transport=httpx.ASGITransport(app=app)), found


@pytest.mark.claim("S0.13")
@pytest.mark.parametrize("no_match", ["not-found", "empty"])
async def test_a_receipt_is_read_first_then_written_then_read_back_over_http(
    sandbox: BalanceSandbox, tmp_path: Path, no_match: str
) -> None:
    sandbox.books.settings = sandbox.books.settings.changed({"dialect": {"no_match": no_match}})
    balance, known = connected(sandbox, tmp_path)
    task = TASK.model_copy(
        update={"client": RETAIL_CLIENT, "document": TASK.document | {"Client": RETAIL_CLIENT, "FeeAmount": "0.50"}}
    )
    async with balance:
        await balance.put_sale(SALE)
        deliver = deliver_receipts(balance, Dialect(), lambda: PAID)
        [written], [again] = await deliver([row(task)]), await deliver([row(task)])
        asked = await check_rights(balance, known, receipt_resources(USING))
    assert (event(written).how, event(again).how, event(written).amount) == ("written", "adopted", Decimal("20.00"))
    assert event(written).differences == event(again).differences == ()
    [stored] = sandbox.books.receipts["BankOrder"]
    assert (stored.revision, stored.header["PaymentAccount"], stored.header["FeeAmount"]) == (1, "1210", "0.50")
    assert [(one.what, one.ok, one.flows) for one in asked] == [("BankOrder", True, ("payments",))]


async def test_a_balance_without_such_documents_keeps_the_flow_from_going_live(tmp_path: Path) -> None:
    app = create_balance(BalanceSandboxSettings().changed({"dialect": {"receipt_resources": ()}}), lambda: NOW)
    balance, known = connected(app, tmp_path)
    async with balance:
        [found] = await check_rights(balance, known, receipt_resources(USING))
    assert (found.what, found.ok, found.flows) == ("BankOrder", False, ("payments",))


@pytest.mark.parametrize("point", range(1, 4))
async def test_a_kill_at_any_point_leaves_one_receipt(point: int) -> None:
    books = FakeBooks(fail_after={point: Killed()})
    with suppress(Killed):
        await deliver_receipts(books, Dialect(), lambda: PAID)([row()])
    books.fail_after = {}
    [outcome] = await deliver_receipts(books, Dialect(), lambda: PAID)([row(TASK, TRIED)])
    assert event(outcome).amount == Decimal("20.00")
    assert (len(books.receipts), books.puts("BankOrder")) == (1, 1)


@pytest.mark.claim("S0.13")
async def test_a_lost_database_comes_back_from_the_topics_and_no_receipt_is_written_twice(tmp_path: Path) -> None:
    books, facts = FakeBooks(), [record(bought()), record(link(311)), record(recorded_sale(bought(), USING))]
    async with open_bench(tmp_path / "old", handlers(USING)) as bench:
        await bench.take(*facts)
        [due] = await bench.engine.claim("balance.receipts", 10, ())
        [outcome] = await deliver_receipts(books, Dialect(), lambda: PAID)([due])
        await bench.settle(due, outcome)
        published = [record_of(each) for each in await bench.published()]
    async with open_bench(tmp_path / "new", handlers(USING), caught_up=False) as rebuilt:
        await rebuilt.take(*reversed([*facts, *published]))
        await rebuilt.engine.finish_catch_up()
        assert (await rebuilt.published(), await rebuilt.rows()) == ([], {})
    assert books.puts("BankOrder") == 1


async def test_a_receipt_that_differs_from_what_was_sent_is_reported() -> None:
    books = FakeBooks(change=lambda document: document | {"Amount": "2.00"})
    [outcome] = await deliver_receipts(books, Dialect(), lambda: PAID)([row()])
    assert isinstance(outcome, Refused)
    assert (outcome.reason, "total: 2.00 instead of 20.00" in outcome.detail) == (Reason.PAYMENT_NOT_AS_MEANT, True)
