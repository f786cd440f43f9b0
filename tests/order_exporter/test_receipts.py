"""A receipt of its own for each payment: what the shop states, what a person enters, what a refund gives back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.ledger import PaymentPlanned, SalePlanned
from contracts.operations import CommandSettled
from contracts.reasons import Reason
from services.engine.outbox.decision import Decision
from services.order_exporter.announcements import sale_content
from tests.cli.day_events import recorded_credit_note
from tests.order_exporter.export_bench import bought, consumer
from tests.order_exporter.receipt_bench import (
    BANK,
    BY_BANK,
    NIGHT,
    USING,
    by,
    entered,
    receipt,
    receipts,
    recorded,
    sold,
    using,
)
from tests.support.exporting import KEY, PAID, given_back, link, recorded_sale, refund, sale_task, settings

LATER = datetime(2026, 3, 20, 8, 0, tzinfo=UTC)
COD = {"cod": {"document": "cash", "account": "1110", "settled": "remitted"}}
CASH = bought(payment_method="cod", status="completed", completed_at=PAID)
DOLLAR = {"USD": "55555555-0000-4000-8000-000000000001"}


def decided(service: Any) -> Decision:
    return service.again(KEY, service.state.now)  # type: ignore[no-any-return]


def answer(decision: Decision, command: str = "pay-1") -> CommandSettled:
    [reply] = [each for each in decision.announce if isinstance(each, CommandSettled) and each.command_id == command]
    return reply


@pytest.mark.claim("S0.13")
def test_a_payment_becomes_a_receipt_on_the_day_it_was_paid_bound_to_its_sale() -> None:
    service = sold(bought(transaction_id="BOG-77"))
    task = receipt(decided(service))
    assert (task.payment, task.amount, task.date, task.resource) == ("order", Decimal("20.00"), NIGHT, "BankOrder")
    assert task.document | {"uid": "", "BaseDocument": "", "Comments": ""} == {
        "uid": "",
        "Date": "2026-03-02T00:00:00",
        "OperationType": "თანხის მიღება მყიდველისგან",
        "BaseDocument": "",
        "Client": task.client,
        "Amount": "20.00",
        "PaymentType": "card",
        "PaymentAccount": "1210",
        "PrimaryDocument": "1042",
        "Comments": "",
        "ReceivablesAccount": "1410.01",
    }
    assert task.document["BaseDocument"] == task.sale
    assert "BOG-77" in task.document["Comments"]
    assert receipts(service.take(recorded(task))[KEY]) == []


@pytest.mark.claim("S0.13")
def test_receipts_are_off_until_a_shop_asks_for_them() -> None:
    service = sold(rules=settings())
    assert receipts(decided(service)) == []
    reply = answer(service.take(entered())[KEY])
    assert (reply.outcome, "flows.payments" in reply.detail) == ("refused", True)


@pytest.mark.claim("S0.13")
def test_a_receipt_waits_for_its_sale_and_then_goes() -> None:
    service, order = consumer(USING), bought()
    [waiting] = receipts(service.take(order)[KEY])
    assert waiting.blocked is not None
    assert (waiting.blocked.reason, waiting.blocked.on) == (Reason.PAYMENT_SALE_MISSING, f"sale:{KEY}")
    assert receipt(service.take(link(311), recorded_sale(order, USING))[KEY]).amount == Decimal("20.00")


def test_a_sale_that_is_only_planned_is_none_to_bind_a_receipt_to() -> None:
    service, order = consumer(USING), bought()
    plan = SalePlanned(**sale_content(sale_task(order, USING)), planned_at=PAID)
    [waiting] = receipts(service.take(order, plan)[KEY])
    assert waiting.blocked is not None


@pytest.mark.parametrize(
    ("fields", "rules"),
    [
        ({"paid_at": None}, USING),
        ({}, using(since="2026-03-03")),
        ({}, by(settled="never")),
        ({}, by(settled="completed")),
        ({}, by(settled="remitted")),
        ({"status": "cancelled"}, USING),
    ],
)
def test_what_is_not_paid_or_not_ours_to_book_makes_no_receipt(fields: dict[str, Any], rules: Any) -> None:
    decision = decided(sold(bought(**fields), rules))
    assert (receipts(decision), [each for each in decision.refuse if "receipt" in each.delivery.id]) == ([], [])


@pytest.mark.claim("S0.13")
def test_a_method_that_is_not_mapped_is_named_with_the_missing_setting() -> None:
    service = sold(bought(payment_method="flitt"))
    [refusal] = decided(service).refuse
    assert refusal.reason is Reason.PAYMENT_METHOD_NOT_MAPPED
    assert "[shops.main.payments.methods.flitt]" in refusal.detail
    assert receipt(service.take(entered(method="bog"))[KEY]).method == "bog"


@pytest.mark.claim("I12")
def test_the_bank_pays_an_instalment_out_some_days_later_and_keeps_its_fee() -> None:
    rules = by(settled="completed", after_days=3, fee_percent="2.5", fee_fixed="0.10", fee_account="7410")
    service = sold(bought(completed_at=PAID), rules)
    waiting = decided(service)
    assert (receipts(waiting), waiting.again_at) == ([], datetime(2026, 3, 4, 20, 0, tzinfo=UTC))
    task = receipt(service.again(KEY, LATER))
    assert (task.date, task.fee, task.amount) == ("2026-03-05", Decimal("0.60"), Decimal("20.00"))
    assert (task.document["FeeAmount"], task.document["FeeAccount"]) == ("0.60", "7410")


@pytest.mark.claim("S0.13", "I12")
def test_cash_on_delivery_is_settled_when_the_courier_has_remitted_it() -> None:
    service = sold(CASH, using(methods=COD))
    assert receipts(decided(service)) == []
    decision = service.take(entered(date="2026-03-01", reference="remittance 12"))[KEY]
    task = receipt(decision)
    assert (task.resource, task.date, task.reference) == ("CashIncomeOrder", "2026-03-01", "remittance 12")
    assert (answer(decision).outcome, "on its way" in answer(decision).detail) == ("done", True)


@pytest.mark.claim("S0.13")
def test_an_invoice_may_be_paid_in_parts_and_the_same_entry_counts_once() -> None:
    service = sold(bought(paid_at=None, payment_method="bog"))
    first = receipt(service.take(entered("15.00"))[KEY])
    assert len(receipts(service.take(entered("15.00", command_id="pay-2"))[KEY])) == 1
    service.take(recorded(first))
    decision = service.take(entered("15.00", command_id="pay-3", reference="second"))[KEY]
    assert receipts(decision) == []
    reply = answer(decision, "pay-3")
    assert (reply.outcome, "5.00 is left to be paid" in reply.detail) == ("refused", True)
    rest = receipt(service.take(reply, entered("5.00", command_id="pay-4"))[KEY])
    assert (rest.amount, rest.receipt != first.receipt) == (Decimal("5.00"), True)


def test_what_a_person_has_entered_is_not_booked_again_when_the_shop_says_paid() -> None:
    service = sold(bought(paid_at=None))
    service.take(recorded(receipt(service.take(entered("15.00"))[KEY])))
    task = receipt(service.take(bought())[KEY])
    assert (task.payment, task.amount) == ("order", Decimal("5.00"))


def test_an_entry_for_a_method_without_an_account_is_refused() -> None:
    reply = answer(sold(bought(paid_at=None)).take(entered(method="wire"))[KEY])
    assert (reply.outcome, "payments.methods.wire" in reply.detail) == ("refused", True)


@pytest.mark.claim("S0.13")
def test_in_dry_run_the_receipt_is_planned_whole_and_once() -> None:
    rules = settings("dry-run", receipts=BY_BANK)
    service = consumer(rules)
    service.take(link(311), bought())
    service.take(recorded_sale(bought(), rules))
    [plan] = [each for each in decided(service).announce if isinstance(each, PaymentPlanned)]
    assert (plan.sent["Amount"], receipts(decided(service))) == ("20.00", [])
    service.take(plan)
    assert [each for each in decided(service).announce if isinstance(each, PaymentPlanned)] == []


def test_a_dry_run_of_an_entry_plans_it_and_writes_nothing() -> None:
    decision = sold(bought(paid_at=None)).take(entered(dry_run=True))[KEY]
    assert ([type(each) for each in decision.announce], receipts(decision)) == ([PaymentPlanned, CommandSettled], [])


@pytest.mark.parametrize(("wanted", "amounts"), [("nothing", []), ("negative", [Decimal("-10.00")])])
def test_money_given_back_is_a_receipt_below_zero_where_that_is_wanted(wanted: str, amounts: list[Decimal]) -> None:
    order, rules = bought(), using(refunded=wanted)
    service = sold(order, rules, LATER)
    note = recorded_credit_note(refund("10.00", given_back(1, "10.00", quantity="1")), order, rules)
    assert [each for each in receipts(service.take(note)[KEY]) if "refund" in each.id] == []
    decision = service.take(recorded(receipt(decided(service))))[KEY]
    assert [Decimal(each.payload["amount"]) for each in receipts(decision)] == amounts


@pytest.mark.claim("I12")
def test_the_references_of_gateway_and_bank_are_kept_in_the_receipt() -> None:
    task = receipt(decided(sold(bought(transaction_id="T-1", payment_references=("TBC-9", "T-1")))))
    assert task.reference == "T-1 / TBC-9"


def test_a_payment_in_another_currency_is_booked_in_it() -> None:
    rules = settings(receipts=BY_BANK, balance={"currencies": DOLLAR})
    task = receipt(decided(sold(bought(currency="USD"), rules)))
    assert (task.currency, task.document["Currency"]) == ("USD", DOLLAR["USD"])


@pytest.mark.parametrize(
    ("payments", "orders", "reply"),
    [
        ({"methods": {"bog": BANK}}, {}, "payments.since"),
        (BY_BANK, {"payments": {"bog": {"type": "card", "account": "1210"}}}, "choose one"),
    ],
)
def test_settings_that_would_book_twice_or_the_whole_past_are_refused(
    payments: dict[str, Any], orders: dict[str, Any], reply: str
) -> None:
    with pytest.raises(ValidationError, match=reply):
        settings(receipts=payments, **orders)
