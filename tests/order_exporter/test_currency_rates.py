"""Rate and source of another currency, over the sandbox: GEL, EUR and USD orders with a refund on another day (K23)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from contracts.ledger import CreditNoteRecorded, SaleRecorded
from services.connectors.balance.client import Balance
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done
from services.order_exporter.deliveries import deliveries as order_deliveries
from services.refund_exporter.deliveries import deliveries as refund_deliveries
from services.refund_exporter.handlers import handlers
from services.sandbox.balance import catalogue
from services.sandbox.balance.app import BalanceSandbox, create_balance
from services.sandbox.balance.catalogue import MAIN, RETAIL_CLIENT
from services.sandbox.balance.record import make_uid
from services.sandbox.balance.settings import BalanceSandboxSettings
from services.settings.model import Settings
from tests.order_exporter.export_bench import bought, consumer, task_of
from tests.support.exporting import KEY, PAID, given_back, link, refund, settings
from tests.support.memory_state import Consumer

CURRENCIES = {"USD": "55555555-0000-4000-8000-000000000001", "EUR": "55555555-0000-4000-8000-000000000002"}
TEA = make_uid("item", "sku:ჩაი-02")
OFFICIAL = {"USD": "2.7045", "EUR": "3.1210"}
NEXT_DAY = {"USD": "2.6900", "EUR": "3.1500"}


@dataclass
class World:
    """A Balance that knows official rates, and both exporters before it."""

    app: BalanceSandbox
    balance: Balance
    using: Settings

    def official(self, rates: dict[str, str]) -> None:
        given = {CURRENCIES[code]: rate for code, rate in rates.items()}
        self.app.books.settings = self.app.books.settings.changed({"rules": {"currency_rates": given}})

    async def sale(self, currency: str) -> SaleRecorded:
        service = consumer(self.using)
        task = task_of(service.take(link(311, item=TEA), bought(currency=currency))[KEY])
        event = await self._delivered(order_deliveries, "balance.documents", task.model_dump(mode="json"))
        assert isinstance(event, SaleRecorded)
        return event

    async def note(self, sale: SaleRecorded) -> CreditNoteRecorded:
        service = Consumer(handlers(self.using))
        back = refund("10.00", given_back(1, "10.00", quantity="1"), currency=sale.currency)
        [delivery] = service.take(sale, back)[KEY].deliveries
        event = await self._delivered(refund_deliveries, "balance.documents", delivery.payload)
        assert isinstance(event, CreditNoteRecorded)
        return event

    async def _delivered(self, of: Any, lane: str, payload: dict[str, Any]) -> Any:
        row = Row(f"x:{KEY}", "x", lane, KEY, KEY, payload, (), 1)
        [outcome] = await of(self.balance, self.using.balance.dialect, lambda: PAID)[lane]([row])
        assert isinstance(outcome, Done), outcome
        return outcome.events[0]


@asynccontextmanager
async def world(folder: Path, **given: Any) -> AsyncIterator[World]:
    app = create_balance(BalanceSandboxSettings(), lambda: datetime(2026, 3, 2, 8, 30, tzinfo=UTC))
    catalogue.fill_catalogue(app.books, catalogue.STANDARD_CATALOGUE)
    (folder / "password").write_text("sandbox", encoding="utf-8")
    rates = given.pop("currency_rates", {})
    known = {"user_name": "integration", "password_file": folder / "password", "currencies": CURRENCIES}
    using = settings(balance=known | {"currency_rates": rates}, warehouse=MAIN, retail_client=RETAIL_CLIENT, **given)
    transport = httpx.ASGITransport(app=app)
    async with Balance(using.balance, SecretStr("sandbox"), transport=transport) as balance:
        made = World(app, balance, using)
        made.official(OFFICIAL)
        yield made


@pytest.mark.claim("K23", "I12")
@pytest.mark.parametrize(
    ("currency", "rate", "source"),
    [("GEL", None, None), ("EUR", Decimal("3.1210"), "balance"), ("USD", Decimal("2.7045"), "balance")],
)
async def test_the_event_of_a_sale_has_the_rate_and_source_in_balance(
    tmp_path: Path, currency: str, rate: Decimal | None, source: str | None
) -> None:
    async with world(tmp_path) as made:
        sale = await made.sale(currency)
    assert (sale.currency, sale.currency_rate, sale.rate_source) == (currency, rate, source)
    assert (sale.total, "CurrencyRate" in sale.sent) == (Decimal("20.00"), False)


@pytest.mark.claim("K23")
@pytest.mark.parametrize(
    ("policy", "currency", "rate", "source"),
    [
        ("sale", "GEL", None, None),
        ("sale", "EUR", Decimal("3.1210"), "sale"),
        ("sale", "USD", Decimal("2.7045"), "sale"),
        ("day", "USD", Decimal("2.6900"), "balance"),
    ],
)
async def test_a_refund_on_another_day_keeps_the_rate_of_its_sale_unless_the_policy_is_otherwise(
    tmp_path: Path, policy: str, currency: str, rate: Decimal | None, source: str | None
) -> None:
    async with world(tmp_path, refund_rate=policy) as made:
        sale = await made.sale(currency)
        made.official(NEXT_DAY)
        note = await made.note(sale)
    assert (note.date, sale.date) == ("2026-03-05", "2026-03-02")
    assert (note.currency, note.currency_rate, note.rate_source) == (currency, rate, source)
    assert note.total == Decimal("10.00")


@pytest.mark.claim("K23")
async def test_a_rate_of_the_settings_is_written_and_named_as_the_source(tmp_path: Path) -> None:
    async with world(tmp_path, currency_rates={"USD": "2.71"}) as made:
        sale = await made.sale("USD")
        note = await made.note(sale)
    assert (sale.sent["CurrencyRate"], sale.currency_rate, sale.rate_source) == ("2.71", Decimal("2.71"), "setting")
    assert (note.sent["Rate"], note.rate_source) == ("2.71", "sale")
