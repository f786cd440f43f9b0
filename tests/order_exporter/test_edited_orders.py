"""An order counts as edited only where the books would differ, whatever the shop shows differently later."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from contracts.ledger import SaleDiverged, SaleRecorded
from contracts.shop import LineTax, OrderChanged, OrderLine, StoreCredit, TaxRate
from services.accounting.documents.ids import client_uid
from services.accounting.documents.order_edits import books_digest, describe_edit
from services.engine.outbox.decision import NOTHING
from services.order_exporter.announcements import divergence
from services.order_exporter.handlers import handlers
from services.order_exporter.projection import KnownOrder
from services.order_exporter.tasks import SaleTask
from services.refund_exporter.handlers import handlers as refund_handlers
from services.refund_exporter.tasks import CreditNoteTask
from tests.order_exporter.edited_orders import BOUGHT, CUP, PARCEL, change_line, change_order, with_decimals
from tests.refund_exporter.refund_bench import recorded_note
from tests.support.exporting import (
    COMPANY_ID,
    KEY,
    PAID,
    PERSONAL_ID,
    VAT,
    ZERO_VAT,
    buyer,
    item_of,
    line,
    link,
    order,
    recorded_sale,
    settings,
)
from tests.support.memory_state import NOON, Consumer

pytestmark = pytest.mark.claim("K27")

POLICIES = ["report", "credit", "credit-and-new-sale"]


def lines(*changed: OrderLine) -> dict[str, Any]:
    return {"lines": changed}


def rates(*percents: str, label: str = "") -> tuple[TaxRate, ...]:
    return tuple(
        TaxRate(rate_id=id_, percent=Decimal(text), label=label, tax_total=Decimal(0), shipping_tax_total=Decimal(0))
        for id_, text in zip((VAT, ZERO_VAT), percents, strict=True)
    )


SAME: dict[str, OrderChanged] = {
    "product deleted": change_order(**lines(change_line(CUP, product_id=0, variation_id=0, sku=""), PARCEL)),
    "variation deleted": change_order(**lines(change_line(CUP, variation_id=0), PARCEL)),
    "product given another SKU and name": change_order(**lines(change_line(CUP, sku="MUG", name="Mug"), PARCEL)),
    "rate renamed": change_order(tax_rates=rates("18", "0", label="დღგ")),
    "rate shown with other decimals": change_order(tax_rates=rates("18.0000", "0.0000")),
    "rate's percent changed in the table": change_order(tax_rates=rates("20", "0")),
    "rate's percent lost": change_order(tax_rates=rates("0", "0")),
    "rate deleted from the order": change_order(tax_rates=()),
    "rate of another id": change_order(
        **lines(change_line(CUP, taxes=(LineTax(rate_id=9, total=CUP.total_tax),)), PARCEL),
        tax_rates=(*rates("18", "0"), *(each.model_copy(update={"rate_id": 9}) for each in rates("18", "0")[:1])),
    ),
    "no decimals": with_decimals(BOUGHT, "1"),
    "three decimals": with_decimals(BOUGHT, "0.001"),
    "six decimals": with_decimals(BOUGHT, "0.000001"),
    "line order": change_order(**lines(PARCEL, CUP)),
    "lines written again": change_order(**lines(change_line(CUP, line_id=71), change_line(PARCEL, line_id=72))),
    "lines written again, product deleted": change_order(
        **lines(change_line(CUP, line_id=71, product_id=0, variation_id=0), PARCEL)
    ),
    "a free shipping line more": change_order(**lines(CUP, PARCEL, line(13, "0.00", kind="shipping"))),
    "shipping renamed": change_order(
        **lines(CUP, change_line(PARCEL, name="კურიერი", method_id="local_pickup", instance_id="3"))
    ),
    "coupon renamed": change_order(coupon_codes=("NEW",)),
    "discount shown otherwise": change_order(**lines(change_line(CUP, subtotal=Decimal("99.00")), PARCEL)),
    "note, phone and address": change_order(person=buyer(personal_id=PERSONAL_ID, phone="1", comment="!")),
    "number erased": change_order(person=buyer()),
    "person forgotten": change_order(person=None),
    "completed": change_order(status="completed", completed_at=PAID),
    "paid another way": change_order(payment_method="cod", transaction_id="x", created_via="admin", number="A-1042"),
    "signs of credit": change_order(store_credits=(StoreCredit(name="_funds_used"),)),
}

EDITED: dict[str, tuple[OrderChanged, str]] = {
    "more pieces at the same amount": (
        change_order(**lines(change_line(CUP, quantity=Decimal(3)), PARCEL)),
        "3 of Cup instead of 2",
    ),
    "price": (order(line(11, "100.01", quantity="2"), PARCEL), "total is 105.01 GEL instead of 105.00"),
    "price of one line, taken off another": (
        change_order(**lines(line(11, "99.00", quantity="2", name="Cup"), line(12, "6.00", kind="shipping"))),
        "Cup costs 99.00 instead of 100.00",
    ),
    "line added": (change_order(**lines(CUP, PARCEL, line(13, "0.00", name="Gift"))), "Gift was added"),
    "line taken away": (change_order(**lines(CUP)), "line 12 over 5.00 was removed"),
    "line in place of another": (
        change_order(**lines(change_line(CUP, line_id=71, quantity=Decimal(1)), PARCEL)),
        "Cup was added",
    ),
    "another product in its place": (
        change_order(**lines(change_line(CUP, line_id=71, variation_id=3121), PARCEL)),
        "Cup was added",
    ),
    "currency": (change_order(currency="USD"), "its currency is USD instead of GEL"),
    "VAT": (
        change_order(**lines(change_line(CUP, total=Decimal("100.00"), total_tax=Decimal(0), taxes=()), PARCEL)),
        "has 0 of VAT instead of 15.25",
    ),
    "VAT at another rate": (
        change_order(
            **lines(
                change_line(CUP, total=Decimal("100.00"), total_tax=Decimal(0), taxes=(LineTax(rate_id=2, total=0),)),
                PARCEL,
            )
        ),
        "has 0 of VAT instead of 15.25",
    ),
    "another buyer": (change_order(person=buyer(personal_id="01001099999")), "its buyer has another number"),
    "a company buys": (change_order(person=buyer(company_id=COMPANY_ID)), "its buyer has another number"),
    "price, seen without decimals": (
        with_decimals(order(line(11, "140.00", quantity="2"), PARCEL), "1"),
        "total is 145",
    ),
}


def sale(of: OrderChanged = BOUGHT, **orders: Any) -> SaleRecorded:
    """The Sale as this version records it."""
    number = client_uid(PERSONAL_ID) if of.person and of.person.personal_id else ""
    return recorded_sale(of, settings(**orders)).model_copy(update={"buyer": number})


def consumer(policy: str, *, old: bool = False) -> Consumer:
    """An order with its recorded Sale; an `old` one was recorded before the buyer was."""
    service = Consumer(handlers(settings(after_sale=policy)))
    stored = sale().model_copy(update={"buyer": None}) if old else sale()
    service.take(link(3111), link(3121), BOUGHT, stored)
    return service


@pytest.mark.parametrize("old", [False, True], ids=["", "recorded before the upgrade"])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", SAME)
def test_what_the_shop_shows_differently_later_is_no_edit(name: str, policy: str, old: bool) -> None:
    assert consumer(policy, old=old).take(SAME[name])[KEY] == NOTHING


@pytest.mark.parametrize("name", EDITED)
def test_an_edit_is_announced_once_with_what_it_is(name: str) -> None:
    edited, text = EDITED[name]
    service = consumer("report")
    [event] = service.take(edited)[KEY].announce
    assert isinstance(event, SaleDiverged)
    assert event.what == "edited"
    assert text in event.detail
    service.take(event)
    assert service.take(change_order(edited, status="completed"))[KEY] == NOTHING


@pytest.mark.parametrize("name", SAME)
def test_no_policy_credits_anything_for_it(name: str) -> None:
    service = Consumer(refund_handlers(settings(after_sale="credit-and-new-sale")))
    events = consumer("credit-and-new-sale").take(SAME[name])[KEY].announce
    assert service.take(sale(), *events)[KEY] == NOTHING


def test_an_edit_that_an_older_version_announced_by_mistake_is_withdrawn() -> None:
    deleted = SAME["product deleted"]
    before = recorded_divergence(deleted, books_digest(deleted))
    service = consumer("credit-and-new-sale")
    service.take(before)
    [event] = service.take(deleted)[KEY].announce
    assert isinstance(event, SaleDiverged)
    assert (event.what, event.content_digest != before.content_digest) == ("equal-again", True)
    service.take(event)
    assert service.take(change_order(deleted, status="completed"))[KEY] == NOTHING


def test_an_edit_that_an_older_version_announced_is_not_announced_again() -> None:
    edited = EDITED["price"][0]
    service = consumer("credit-and-new-sale")
    service.take(recorded_divergence(edited, books_digest(edited)))
    assert service.take(edited)[KEY] == NOTHING


def recorded_divergence(of: OrderChanged, digest: str) -> SaleDiverged:
    event = divergence(KnownOrder(order=EDITED["price"][0], version=2), sale(), None, "report", NOON)
    assert event is not None
    return event.model_copy(update={"content_digest": digest, "order_total": of.total})


def test_an_edit_stays_announced_if_a_product_of_it_is_deleted() -> None:
    service, edited = consumer("report"), change_order(**lines(change_line(CUP, quantity=Decimal(3)), PARCEL))
    service.take(*service.take(edited)[KEY].announce)
    assert service.take(
        change_order(**lines(change_line(CUP, quantity=Decimal(3), product_id=0, variation_id=0), PARCEL))
    )[KEY] == (NOTHING)


def test_an_order_that_gets_a_number_has_another_buyer() -> None:
    service = Consumer(handlers(settings()))
    bought = order(CUP, person=buyer())
    service.take(link(3111), bought, sale(bought))
    [event] = service.take(order(CUP, person=buyer(company_id=COMPANY_ID)))[KEY].announce
    assert isinstance(event, SaleDiverged)
    assert "its buyer now has a number" in event.detail


def test_what_an_accountant_has_changed_in_balance_is_no_edit_of_the_order() -> None:
    held = sale()
    by_hand = held.lines[0].model_copy(update={"amount": Decimal("90.00"), "vat": Decimal("13.73")})
    adopted = held.model_copy(update={"total": Decimal("95.00"), "lines": (by_hand, *held.lines[1:])})
    assert describe_edit(SAME["product deleted"], adopted) == ""


def test_a_new_sale_after_a_reversal_takes_the_items_of_deleted_products_from_the_one_before() -> None:
    service = consumer("credit-and-new-sale")
    edited = change_order(
        **lines(change_line(CUP, product_id=0, variation_id=0, sku="", name="Cup"), change_line(PARCEL, line_id=99))
    )
    edited = change_order(edited, lines=(edited.lines[0], line(99, "6.00", kind="shipping")), total=Decimal("106.00"))
    books = Consumer(refund_handlers(settings(after_sale="credit-and-new-sale")))
    [event] = service.take(edited)[KEY].announce
    [delivery] = books.take(sale(), event)[KEY].deliveries
    note = recorded_note(CreditNoteTask.model_validate(delivery.payload))
    [_, again] = service.take(event, note)[KEY].deliveries
    task = SaleTask.model_validate(again.payload)
    assert (task.lines[0].item, task.total, task.revision) == (item_of(3111), Decimal("106.00"), 1)


def test_the_sale_remembers_whose_number_the_order_gave() -> None:
    service = Consumer(handlers(settings(retail_client="r", create_clients=False)))
    [_, delivery] = service.take(link(3111), BOUGHT)[KEY].deliveries
    assert delivery.payload["buyer"] == client_uid(PERSONAL_ID)
