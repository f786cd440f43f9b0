"""What the exporters' tests are given: settings, orders, refunds, links, and the recorded orders of a real shop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from contracts.catalog import ProductLinked
from contracts.ledger import SaleRecorded
from contracts.operations import PushRequested
from contracts.shop import Address, LineTax, OrderChanged, OrderLine, Person, RefundIssued, RefundLine, TaxRate
from services.accounting.documents.order_edits import books_digest, stated_tax
from services.connectors.woocommerce.order import order_changed
from services.connectors.woocommerce.refund import refund_issued
from services.order_exporter.announcements import sale_content
from services.order_exporter.sale import build_sale
from services.order_exporter.sale_document import sale_document
from services.order_exporter.tasks import SaleTask
from services.sandbox.recorded import Recording
from services.settings.model import Settings
from services.settings.orders import OrderSettings

SHOP, ORDER = "main", 1042
KEY = f"{SHOP}:{ORDER}"
PLACED = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
PAID = datetime(2026, 3, 1, 21, 30, tzinfo=UTC)
"""Half past one at night of 2 March in Tbilisi."""
WAREHOUSE, RETAIL = "11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000001"
SHIPPING, FEE, ROUNDING, AMOUNT = (f"33333333-0000-4000-8000-00000000000{n}" for n in range(1, 5))
VAT, ZERO_VAT = 1, 2
RATES = {VAT: Decimal(18), ZERO_VAT: Decimal(0)}
PERSONAL_ID = "99001012345"
COMPANY_ID = "999567890"


def item_of(product: int) -> str:
    """The uid of the item that a product is linked to."""
    return f"00000000-0000-4000-8000-{product:012d}"


def settings(
    flow: str = "live",
    *,
    balance: Mapping[str, Any] | None = None,
    shop: str = SHOP,
    receipts: Mapping[str, Any] | None = None,
    **orders: Any,
) -> Settings:
    """Settings with one shop; `flow` holds for orders, refunds and, where rules of `receipts` are given, for payments.

    `orders` lies over working order settings.
    """
    working = {"warehouse": WAREHOUSE, "retail_client": RETAIL, "shipping_item": SHIPPING, "fee_item": FEE}
    return Settings.model_validate(
        {
            "balance": {"application_id": "1234", "user_name": "davtari", "password_file": "none", **(balance or {})},
            "shops": {
                shop: {
                    "url": "https://shop.example",
                    "key_file": "none",
                    "secret_file": "none",
                    "flows": {"orders": flow, "refunds": flow, "payments": flow if receipts else "off"},
                    "orders": working | orders,
                    "payments": receipts or {},
                }
            },
        }
    )


def line(
    line_id: int,
    gross: str,
    *,
    kind: str = "product",
    quantity: str = "1",
    product: int = 311,
    rate: int | None = VAT,
    before: str | None = None,
    **fields: Any,
) -> OrderLine:
    """An order line by its gross amount; net and tax are parted as WooCommerce does with prices that include tax."""
    net, tax = _parted(gross, rate)
    full_net, full_tax = _parted(before or gross, rate)
    given = {
        "line_id": line_id,
        "kind": kind,
        "product_id": product if kind == "product" else 0,
        "quantity": Decimal(quantity),
        "total": net,
        "total_tax": tax,
        "subtotal": full_net,
        "subtotal_tax": full_tax,
        "taxes": () if rate is None else (LineTax(rate_id=rate, total=tax),),
        "tax_class": "zero-rate" if rate == ZERO_VAT and kind != "shipping" else "",
    }
    return OrderLine.model_validate(given | fields)


def _parted(gross: str, rate: int | None) -> tuple[Decimal, Decimal]:
    amount, percent = Decimal(gross), RATES[rate] if rate else Decimal(0)
    tax = (amount * percent / (100 + percent)).quantize(Decimal("0.01"))
    return amount - tax, tax


def order(*lines: OrderLine, **fields: Any) -> OrderChanged:
    """A paid order with these lines, whose total is their sum."""
    rates = tuple(
        TaxRate(rate_id=id_, percent=percent, tax_total=Decimal(0), shipping_tax_total=Decimal(0))
        for id_, percent in RATES.items()
    )
    given: dict[str, Any] = {
        "shop": SHOP,
        "order_id": ORDER,
        "number": str(ORDER),
        "status": "processing",
        "currency": "GEL",
        "payment_method": "bog",
        "prices_include_tax": True,
        "total": sum((each.total + each.total_tax for each in lines), Decimal("0.00")),
        "total_tax": sum((each.total_tax for each in lines), Decimal("0.00")),
        "lines": lines,
        "tax_rates": rates,
        "created_at": PLACED,
        "modified_at": PAID,
        "paid_at": PAID,
        "person_ref": "p-1",
    }
    return OrderChanged.model_validate(given | fields)


def buyer(**fields: Any) -> Person:
    """The personal part of an order."""
    address = Address(first_name="ნინო", last_name="სატესტო", address_1="ნიმუშის ქ. 3", city="თბილისი", country="GE")
    given = {"person_ref": "p-1", "billing": address, "email": "nino@example.test", "phone": "+995599000001"}
    return Person.model_validate(given | fields)


def refund(amount: str, *lines: RefundLine, refund_id: int = 1051, **fields: Any) -> RefundIssued:
    """A refund of the order."""
    given = {
        "shop": SHOP,
        "order_id": ORDER,
        "refund_id": refund_id,
        "currency": "GEL",
        "amount": Decimal(amount),
        "lines": lines,
        "created_at": datetime(2026, 3, 5, 11, 20, tzinfo=UTC),
        "person_ref": "p-1",
    }
    return RefundIssued.model_validate(given | fields)


def given_back(order_line: int | None, gross: str, *, quantity: str = "0", **fields: Any) -> RefundLine:
    """A refund line by its gross amount, at 18 % unless the fields say else."""
    net, tax = _parted(gross, VAT)
    given = {
        "line_id": 9000 + (order_line or 0),
        "refunded_line_id": order_line,
        "kind": "product",
        "quantity": Decimal(quantity),
        "total": net,
        "total_tax": tax,
    }
    return RefundLine.model_validate(given | fields)


def link(product: int, **fields: Any) -> ProductLinked:
    """The link of a product."""
    given = {
        "shop": SHOP,
        "item": item_of(product),
        "product_id": product,
        "sku": f"SKU-{product}",
        "how": "adopted",
        "linked_at": PLACED,
    }
    return ProductLinked.model_validate(given | fields)


def push(document: str = "order", **fields: Any) -> PushRequested:
    """A person asks for a document now."""
    given = {
        "command_id": "push-1",
        "asked_by": "accountant",
        "asked_at": PLACED,
        "document": document,
        "shop": SHOP,
        "order_id": ORDER,
    }
    return PushRequested.model_validate(given | fields)


def items_of(of: OrderChanged) -> dict[int, str]:
    """An item for every product line, by line id."""
    return {each.line_id: item_of(each.variation_id or each.product_id) for each in of.lines if each.kind == "product"}


def sale_task(of: OrderChanged, using: Settings) -> SaleTask:
    """The Sale of an order whose products are all linked, booked on the retail client."""
    rules: OrderSettings = using.shops[of.shop].orders
    sale = build_sale(of, items_of(of), rules, using.balance)
    return SaleTask(
        shop=of.shop,
        order_id=of.order_id,
        order_version=1,
        content_digest=books_digest(of),
        order_tax=stated_tax(of),
        sale=sale.uid,
        client=RETAIL,
        date=sale.date,
        currency=sale.currency,
        total=sale.total,
        vat=sale.vat,
        lines=sale.recorded_lines(),
        notes=sale.notes,
        document=sale_document(sale, RETAIL, {}, rules, using.balance),
    )


def recorded_sale(of: OrderChanged, using: Settings) -> SaleRecorded:
    """The Sale of an order as recorded after it was written to Balance."""
    content = sale_content(sale_task(of, using))
    content["lines"] = tuple(
        each.model_copy(update={"balance_line_uid": f"44444444-0000-4000-8000-{position:012d}"})
        for position, each in enumerate(content["lines"], start=1)
    )
    return SaleRecorded(**content, how="written", number="0000001", recorded_at=PAID)


def recorded_order(recording: Recording) -> OrderChanged:
    """A recorded order as a fact."""
    keys = OrderSettings()
    return order_changed(
        SHOP, recording.order, personal_id_keys=keys.personal_id_keys, company_id_keys=keys.company_id_keys
    )


def recorded_refunds(recording: Recording) -> Sequence[RefundIssued]:
    """The refunds that a recorded order ended with, oldest first."""
    facts = [refund_issued(SHOP, recording.order, json) for json in recording.refunds]
    return sorted(facts, key=lambda fact: fact.refund_id)
