"""An order counts as edited only where the books would differ, whatever the shop shows differently later."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from contracts.ledger import SaleDiverged, SaleRecorded
from contracts.shop import LineTax, OrderChanged, OrderLine, StoreCredit, TaxRate
from services.accounting.documents.ids import client_uid
from services.accounting.documents.unbookable import Unbookable
from services.engine.outbox.decision import NOTHING
from services.order_exporter.announcements import divergence
from services.order_exporter.comparison import books_digest, describe_edit
from services.order_exporter.handlers import handlers
from services.order_exporter.projection import KnownOrder
from services.order_exporter.tasks import SaleTask
from services.refund_exporter.handlers import handlers as refund_handlers
from services.refund_exporter.tasks import CreditNoteTask
from services.sandbox.recorded import get_recording, list_order_ids
from tests.refund_exporter.test_refund_handlers import recorded
from tests.support.exporting import (
    COMPANY_ID,
    KEY,
    PAID,
    PERSONAL_ID,
    ROUNDING,
    VAT,
    ZERO_VAT,
    buyer,
    item_of,
    line,
    link,
    order,
    recorded_order,
    recorded_sale,
    settings,
)
from tests.support.memory_state import NOON, Consumer

pytestmark = pytest.mark.claim("K27")

CUP = line(11, "100.00", quantity="2", variation_id=3111, sku="CUP", name="Cup")
PARCEL = line(12, "5.00", kind="shipping", name="Courier", method_id="flat_rate")
BOUGHT = order(CUP, PARCEL, person=buyer(personal_id=PERSONAL_ID))
POLICIES = ["report", "credit", "credit-and-new-sale"]
CURRENCIES = {"USD": "66666666-0000-4000-8000-000000000001", "EUR": "66666666-0000-4000-8000-000000000002"}


def other(of: OrderChanged = BOUGHT, **change: Any) -> OrderChanged:
    return of.model_copy(update=change)


def lines(*changed: OrderLine) -> dict[str, Any]:
    return {"lines": changed}


def but(of: OrderLine, **change: Any) -> OrderLine:
    return of.model_copy(update=change)


def rates(*percents: str, label: str = "") -> tuple[TaxRate, ...]:
    return tuple(
        TaxRate(rate_id=id_, percent=Decimal(text), label=label, tax_total=Decimal(0), shipping_tax_total=Decimal(0))
        for id_, text in zip((VAT, ZERO_VAT), percents, strict=True)
    )


def shown(of: OrderChanged, unit: str) -> OrderChanged:
    """The order as a shop with other decimals shows it."""

    def rounded(amount: Decimal) -> Decimal:
        return amount.quantize(Decimal(unit), ROUND_HALF_UP)

    figures = ("subtotal", "subtotal_tax", "total", "total_tax")
    again = tuple(
        but(
            each,
            **{name: rounded(getattr(each, name)) for name in figures},
            taxes=tuple(LineTax(rate_id=tax.rate_id, total=rounded(tax.total)) for tax in each.taxes),
        )
        for each in of.lines
    )
    return other(of, lines=again, total=rounded(of.total), total_tax=rounded(of.total_tax))


SAME: dict[str, OrderChanged] = {
    "product deleted": other(**lines(but(CUP, product_id=0, variation_id=0, sku=""), PARCEL)),
    "variation deleted": other(**lines(but(CUP, variation_id=0), PARCEL)),
    "product given another SKU and name": other(**lines(but(CUP, sku="MUG", name="Mug"), PARCEL)),
    "rate renamed": other(tax_rates=rates("18", "0", label="დღგ")),
    "rate shown with other decimals": other(tax_rates=rates("18.0000", "0.0000")),
    "rate's percent changed in the table": other(tax_rates=rates("20", "0")),
    "rate's percent lost": other(tax_rates=rates("0", "0")),
    "rate deleted from the order": other(tax_rates=()),
    "rate of another id": other(
        **lines(but(CUP, taxes=(LineTax(rate_id=9, total=CUP.total_tax),)), PARCEL),
        tax_rates=(*rates("18", "0"), *(each.model_copy(update={"rate_id": 9}) for each in rates("18", "0")[:1])),
    ),
    "no decimals": shown(BOUGHT, "1"),
    "three decimals": shown(BOUGHT, "0.001"),
    "six decimals": shown(BOUGHT, "0.000001"),
    "line order": other(**lines(PARCEL, CUP)),
    "lines written again": other(**lines(but(CUP, line_id=71), but(PARCEL, line_id=72))),
    "lines written again, product deleted": other(**lines(but(CUP, line_id=71, product_id=0, variation_id=0), PARCEL)),
    "a free shipping line more": other(**lines(CUP, PARCEL, line(13, "0.00", kind="shipping"))),
    "shipping renamed": other(**lines(CUP, but(PARCEL, name="კურიერი", method_id="local_pickup", instance_id="3"))),
    "coupon renamed": other(coupon_codes=("NEW",)),
    "discount shown otherwise": other(**lines(but(CUP, subtotal=Decimal("99.00")), PARCEL)),
    "note, phone and address": other(person=buyer(personal_id=PERSONAL_ID, phone="1", comment="!")),
    "number erased": other(person=buyer()),
    "person forgotten": other(person=None),
    "completed": other(status="completed", completed_at=PAID),
    "paid another way": other(payment_method="cod", transaction_id="x", created_via="admin", number="A-1042"),
    "signs of credit": other(store_credits=(StoreCredit(name="_funds_used"),)),
}

EDITED: dict[str, tuple[OrderChanged, str]] = {
    "more pieces at the same amount": (other(**lines(but(CUP, quantity=Decimal(3)), PARCEL)), "3 of Cup instead of 2"),
    "price": (order(line(11, "100.01", quantity="2"), PARCEL), "total is 105.01 GEL instead of 105.00"),
    "price of one line, taken off another": (
        other(**lines(line(11, "99.00", quantity="2", name="Cup"), line(12, "6.00", kind="shipping"))),
        "Cup costs 99.00 instead of 100.00",
    ),
    "line added": (other(**lines(CUP, PARCEL, line(13, "0.00", name="Gift"))), "Gift was added"),
    "line taken away": (other(**lines(CUP)), "line 12 over 5.00 was removed"),
    "line in place of another": (
        other(**lines(but(CUP, line_id=71, quantity=Decimal(1)), PARCEL)),
        "Cup was added",
    ),
    "another product in its place": (other(**lines(but(CUP, line_id=71, variation_id=3121), PARCEL)), "Cup was added"),
    "currency": (other(currency="USD"), "its currency is USD instead of GEL"),
    "VAT": (
        other(**lines(but(CUP, total=Decimal("100.00"), total_tax=Decimal(0), taxes=()), PARCEL)),
        "has 0 of VAT instead of 15.25",
    ),
    "VAT at another rate": (
        other(
            **lines(
                but(CUP, total=Decimal("100.00"), total_tax=Decimal(0), taxes=(LineTax(rate_id=2, total=0),)), PARCEL
            )
        ),
        "has 0 of VAT instead of 15.25",
    ),
    "another buyer": (other(person=buyer(personal_id="01001099999")), "its buyer has another number"),
    "a company buys": (other(person=buyer(company_id=COMPANY_ID)), "its buyer has another number"),
    "price, seen without decimals": (shown(order(line(11, "140.00", quantity="2"), PARCEL), "1"), "total is 145"),
}


def sale(of: OrderChanged = BOUGHT, **orders: Any) -> SaleRecorded:
    """The Sale as this version records it."""
    number = client_uid(PERSONAL_ID) if of.person and of.person.personal_id else ""
    return recorded_sale(of, settings(**orders)).model_copy(update={"buyer": number})


def consumer(policy: str, *, old: bool = False) -> Consumer:
    """An order with its recorded Sale; an `old` one was recorded before the buyer was."""
    service = Consumer(handlers(settings(after_sale=policy)))
    recorded = sale().model_copy(update={"buyer": None}) if old else sale()
    service.take(link(3111), link(3121), BOUGHT, recorded)
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
    assert service.take(other(edited, status="completed"))[KEY] == NOTHING


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
    assert service.take(other(deleted, status="completed"))[KEY] == NOTHING


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
    service, edited = consumer("report"), other(**lines(but(CUP, quantity=Decimal(3)), PARCEL))
    service.take(*service.take(edited)[KEY].announce)
    assert service.take(other(**lines(but(CUP, quantity=Decimal(3), product_id=0, variation_id=0), PARCEL)))[KEY] == (
        NOTHING
    )


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
    edited = other(**lines(but(CUP, product_id=0, variation_id=0, sku="", name="Cup"), but(PARCEL, line_id=99)))
    edited = other(edited, lines=(edited.lines[0], line(99, "6.00", kind="shipping")), total=Decimal("106.00"))
    books = Consumer(refund_handlers(settings(after_sale="credit-and-new-sale")))
    [event] = service.take(edited)[KEY].announce
    [delivery] = books.take(sale(), event)[KEY].deliveries
    note = recorded(CreditNoteTask.model_validate(delivery.payload))
    [_, again] = service.take(event, note)[KEY].deliveries
    task = SaleTask.model_validate(again.payload)
    assert (task.lines[0].item, task.total, task.revision) == (item_of(3111), Decimal("106.00"), 1)


def test_the_sale_remembers_whose_number_the_order_gave() -> None:
    service = Consumer(handlers(settings(retail_client="r", create_clients=False)))
    [_, delivery] = service.take(link(3111), BOUGHT)[KEY].deliveries
    assert delivery.payload["buyer"] == client_uid(PERSONAL_ID)


# -- every recorded order


def booked() -> Iterable[tuple[OrderChanged, SaleRecorded]]:
    for rounding, chosen in ((None, list_order_ids()), (ROUNDING, list_order_ids()[::8])):
        using = settings(balance={"currencies": CURRENCIES}, rounding_item=rounding)
        for order_id in chosen:
            bought = recorded_order(get_recording(order_id))
            try:
                yield bought, recorded_sale(bought, using)
            except Unbookable:
                continue


def test_no_recorded_order_is_edited_by_being_shown_otherwise() -> None:
    count = 0
    for bought, held in booked():
        gone = tuple(but(each, product_id=0, variation_id=0, sku="") for each in bought.lines)
        again = tuple(but(each, line_id=each.line_id + 10**6) for each in reversed(bought.lines))
        for now in (
            bought,
            other(bought, lines=gone),
            other(bought, lines=again),
            other(bought, tax_rates=()),
            shown(bought, "1"),
            shown(bought, "0.001"),
        ):
            assert describe_edit(now, held) == "", bought.order_id
        count += 1
    assert count > 280


def test_every_recorded_order_is_edited_by_a_piece_or_a_tetri_more() -> None:
    for bought, held in booked():
        first = bought.lines[0]
        piece = but(first, quantity=first.quantity + 1)
        tetri = but(first, total=first.total + Decimal("0.20"))
        if first.kind == "product" and first.total >= 0:
            assert describe_edit(other(bought, lines=(piece, *bought.lines[1:])), held), bought.order_id
        if first.total.as_tuple().exponent:
            assert describe_edit(other(bought, lines=(tetri, *bought.lines[1:])), held), bought.order_id
            assert describe_edit(other(bought, total=bought.total + Decimal("0.01")), held), bought.order_id
