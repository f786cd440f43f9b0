"""Money keeps its currency: a mapped one goes out as Balance's own, an unmapped one waits for a person."""

from __future__ import annotations

from decimal import Decimal

import pytest

from contracts.reasons import Reason
from services.refund_exporter import handlers as refund_handlers
from services.refund_exporter.tasks import CreditNoteTask
from tests.order_exporter.export_bench import bought, consumer, task_of
from tests.support.exporting import KEY, given_back, link, recorded_sale, refund, settings
from tests.support.memory_state import Consumer

DOLLAR = "55555555-0000-4000-8000-000000000001"
USING = settings(balance={"currencies": {"USD": DOLLAR}})


@pytest.mark.claim("K23")
@pytest.mark.parametrize(("currency", "sent"), [("GEL", None), ("USD", DOLLAR)])
def test_an_order_in_a_known_currency_is_booked_in_it(currency: str, sent: str | None) -> None:
    service = consumer(USING)
    task = task_of(service.take(link(311), bought(currency=currency))[KEY])
    assert (task.currency, task.document.get("Currency"), task.total) == (currency, sent, Decimal("20.00"))


@pytest.mark.claim("K23")
def test_an_order_in_an_unknown_currency_is_parked_with_the_missing_setting_and_then_booked() -> None:
    service = consumer(USING)
    [refusal] = service.take(link(311), bought(currency="EUR"))[KEY].refuse
    assert refusal.reason is Reason.SALE_CURRENCY_NOT_MAPPED
    assert "balance.currencies.EUR" in refusal.detail
    corrected = consumer(settings(balance={"currencies": {"EUR": "e"}}))
    assert task_of(corrected.take(link(311), bought(currency="EUR"))[KEY]).document["Currency"] == "e"


@pytest.mark.claim("K23")
def test_a_refund_on_another_day_is_in_the_currency_of_its_sale() -> None:
    service = Consumer(refund_handlers.handlers(USING))
    sale = recorded_sale(bought(currency="USD"), USING)
    back = refund("10.00", given_back(1, "10.00", quantity="1"), currency="USD")
    [delivery] = service.take(sale, back)[KEY].deliveries
    task = CreditNoteTask.model_validate(delivery.payload)
    assert (task.currency, task.document["Currency"], task.date) == ("USD", DOLLAR, "2026-03-05")
    assert task.date != sale.date
    [refusal] = service.take(back.model_copy(update={"currency": "GEL"}))[KEY].refuse
    assert refusal.reason is Reason.REFUND_AMOUNT_DIFFERS and "in GEL, its Sale in USD" in refusal.detail
