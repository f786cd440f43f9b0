"""Invalid input, case by case: what is wrong with it, and the reason code that must be reported."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.reasons import Reason
from contracts.sample import Sample, samples
from services.demo.environment import WEBHOOK_SECRET

Order = dict[str, Any]
Change = Callable[[Order], object]
SALE, READ = "sale", "order"
"""What the dead letter is about: `sale:main:17` or `order:main:17`."""


@dataclass(frozen=True, slots=True)
class InvalidOrder:
    """An order of the shop with one invalid part; a string in `change` replaces the whole body."""

    reason: Reason
    change: Change | str
    about: str = SALE

    def body(self, order: Order) -> str:
        """The body that the shop answers with."""
        if isinstance(self.change, str):
            return self.change
        self.change(order)
        return json.dumps(order)


def _set(**fields: Any) -> Change:
    return lambda order: order.update(fields)


def _without(field: str) -> Change:
    return lambda order: order.pop(field)


def _line(**fields: Any) -> Change:
    return lambda order: order["line_items"][0].update(fields)


def _rate(**fields: Any) -> Change:
    return lambda order: [line.update(fields) for line in order["tax_lines"]]


INVALID = Reason.SHOP_ORDER_INVALID
ORDERS: Mapping[str, InvalidOrder] = {
    "no total": InvalidOrder(INVALID, _without("total"), READ),
    "no currency": InvalidOrder(INVALID, _without("currency"), READ),
    "a total that is a word": InvalidOrder(INVALID, _set(total="ten"), READ),
    "a total that is not finite": InvalidOrder(INVALID, _set(total="NaN"), READ),
    "a total out of range": InvalidOrder(INVALID, _set(total="1" + "0" * 15), READ),
    "lines that are not a list": InvalidOrder(INVALID, _set(line_items="none"), READ),
    "a quantity that is an object": InvalidOrder(INVALID, _line(quantity={"of": 2}), READ),
    "an invalid date": InvalidOrder(INVALID, _set(date_created_gmt="yesterday"), READ),
    "a status that is an object": InvalidOrder(INVALID, _set(status={"is": "paid"}), READ),
    "an unknown currency": InvalidOrder(Reason.SALE_CURRENCY_NOT_MAPPED, _set(currency="XTS")),
    "an unknown status, though paid": InvalidOrder(Reason.SALE_STATUS_UNKNOWN, _set(status="packed-by-plugin")),
    "a negative total": InvalidOrder(Reason.SALE_TOTAL_NEGATIVE, _set(total="-5.00")),
    "a total that differs from the sum of its lines": InvalidOrder(Reason.SALE_TOTAL_DIFFERS, _set(total="99999.99")),
    "a negative quantity": InvalidOrder(INVALID, _line(quantity=-1), READ),
    "a quantity of zero": InvalidOrder(Reason.SALE_QUANTITY_INVALID, _line(quantity=0)),
    "a line without a product": InvalidOrder(Reason.SALE_ITEM_NOT_LINKED, _line(product_id=0, variation_id=0, sku="")),
    "an unknown tax rate": InvalidOrder(Reason.SALE_TAX_NOT_MAPPED, _rate(rate_percent=7)),
}

UNREADABLE = {
    "broken JSON": '{"id": 17, "total": ',
    "a list instead of an order": "[1, 2, 3]",
    "a web page": "<html><title>Error</title></html>",
}
"""Responses that may also mean that the shop is unavailable: such an order waits and delays no other."""


@dataclass(frozen=True, slots=True)
class InvalidRecord:
    """A Kafka record that no service can read."""

    reason: Reason
    topic: str
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


OF_ORDER: Sample = next(sample for sample in samples() if sample.name == "OrderChanged.v1")
OF_LINK: Sample = next(sample for sample in samples() if sample.name == "ProductLinked.v1")


def _headers(sample: Sample = OF_ORDER, **changed: bytes | None) -> tuple[tuple[str, bytes | None], ...]:
    return tuple((name, changed.get(name, raw)) for name, raw in sample.raw_headers())


def _value(sample: Sample = OF_ORDER, **changed: Any) -> bytes:
    return json.dumps(sample.value | changed).encode()


DATA, HEADERS, TYPE = Reason.RECORD_INVALID_DATA, Reason.RECORD_BAD_HEADERS, Reason.RECORD_UNKNOWN_TYPE
OTHER_TYPE, OTHER_VERSION = b"some.OtherThing.v1", b"davtari.OrderChanged.v99"
RECORDS: Mapping[str, InvalidRecord] = {
    "bad JSON": InvalidRecord(DATA, "shop.orders", b'{"shop": "main", ', _headers()),
    "not JSON": InvalidRecord(DATA, "shop.orders", b"\x00\xff\xfe", _headers()),
    "an empty value": InvalidRecord(DATA, "shop.orders", b"", _headers()),
    "a field of another type": InvalidRecord(DATA, "shop.orders", _value(lines="none"), _headers()),
    "a field that is missing": InvalidRecord(DATA, "shop.orders", b'{"shop": "main"}', _headers()),
    "an amount out of range": InvalidRecord(DATA, "shop.orders", _value(total="1e30"), _headers()),
    "an unknown enum text": InvalidRecord(DATA, "catalog.links", _value(OF_LINK, how="stolen"), _headers(OF_LINK)),
    "a tombstone": InvalidRecord(Reason.RECORD_TOMBSTONE, "shop.orders", None, _headers()),
    "an unknown type": InvalidRecord(TYPE, "shop.orders", _value(), _headers(ce_type=OTHER_TYPE)),
    "an unknown version": InvalidRecord(TYPE, "shop.orders", _value(), _headers(ce_type=OTHER_VERSION)),
    "no headers": InvalidRecord(HEADERS, "shop.orders", _value(), ()),
    "a null header": InvalidRecord(HEADERS, "shop.orders", _value(), _headers(ce_id=None)),
    "a header that is not UTF-8": InvalidRecord(HEADERS, "shop.orders", _value(), _headers(ce_source=b"\xff\xfe\x80")),
    "a version that is not a number": InvalidRecord(HEADERS, "shop.orders", _value(), _headers(ce_sequence=b"newest")),
    "a time without a zone": InvalidRecord(HEADERS, "shop.orders", _value(), _headers(ce_time=b"2026-11-20T10:03:07")),
}


def sign(body: bytes, secret: str = WEBHOOK_SECRET) -> dict[str, str]:
    """The headers of a webhook with this body."""
    made = hmac.digest(secret.encode(), body, "sha256")
    return {"X-WC-Webhook-Signature": base64.b64encode(made).decode()}


SOUND = b'{"id": 1042, "status": "processing"}'
"""A webhook about an order."""
WEBHOOKS: dict[str, tuple[int, bytes, dict[str, str]]] = {
    "signed": (200, SOUND, sign(SOUND)),
    "no signature": (401, SOUND, {}),
    "a forged signature": (401, SOUND, sign(SOUND, "another secret")),
    "the signature of another body": (401, SOUND, sign(b'{"id": 1043}')),
    "a truncated signature": (401, SOUND, {"X-WC-Webhook-Signature": sign(SOUND)["X-WC-Webhook-Signature"][:20]}),
    "an empty signature": (401, SOUND, {"X-WC-Webhook-Signature": ""}),
    "a signature that is not ASCII": (401, SOUND, {"X-WC-Webhook-Signature": "ხელმოწერა"}),
    "a ping": (200, b"webhook_id=5", {}),
    "a ping with extra data": (401, b"webhook_id=5&id=1042", {}),
    "signed, broken JSON": (200, b'{"id": ', sign(b'{"id": ')),
    "signed, a list": (200, b"[1042]", sign(b"[1042]")),
    "signed, no number": (200, b'{"id": "1042"}', sign(b'{"id": "1042"}')),
    "signed, a negative number": (200, b'{"id": -5}', sign(b'{"id": -5}')),
}
"""Status, body and headers of each kind of webhook."""
