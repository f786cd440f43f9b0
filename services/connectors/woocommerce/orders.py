"""Orders, their refunds and notes. `order.order_changed` and `refund.refund_issued` turn the JSON into facts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import PlainValidator

from contracts.reasons import Reason
from contracts.shop import ReadableLine
from services.connectors.woocommerce import php
from services.connectors.woocommerce.api import PER_PAGE, ShopApi
from services.connectors.woocommerce.changes import Cursor, read_changes
from services.connectors.woocommerce.order import name_order
from services.connectors.woocommerce.order_json import Currency, ModifiedAt, Needed, ParentId
from services.connectors.woocommerce.pages import OnSkipped, SkippedRecord, log_skipped, read_rows
from services.connectors.woocommerce.php import format_gmt
from services.connectors.woocommerce.read import (
    Amount,
    Answered,
    Id,
    Moment,
    OptionalAmount,
    OptionalMoment,
    Rows,
    Text,
    Word,
    Yes,
    parse_amount,
    reading_record,
)
from services.engine.outbox.upstream_errors import NotFound, ReadFailed

ROUTE = "/orders"
IDENTITY_FIELDS = "id,status,date_created_gmt,total,order_key"
"""What distinguishes one order from another."""
PIECES_FIELDS = (
    "id,number,parent_id,created_via,status,line_items,refunds,"
    "date_created_gmt,date_modified_gmt,date_paid_gmt,date_completed_gmt"
)
AnswerT = TypeVar("AnswerT")


class RefundSummary(Answered):
    """A refund, as its order mentions it: `total` is negative."""

    id: Id
    total: Amount = Decimal(0)


class OrderSummary(Answered):
    """The fields of an order that the close of a day compares; without its lines."""

    id: Id
    parent_id: ParentId = 0
    number: Word = ""
    status: Needed
    currency: Currency
    created_via: Word = ""
    payment_method: Word = ""
    total: Amount
    total_tax: OptionalAmount = None
    refunds: Annotated[tuple[RefundSummary, ...], Rows] = ()
    date_created_gmt: Moment
    date_modified_gmt: ModifiedAt = None
    date_paid_gmt: OptionalMoment = None
    date_completed_gmt: OptionalMoment = None

    @property
    def modified_at(self) -> datetime:
        """When it was last saved."""
        return self.date_modified_gmt or self.date_created_gmt

    @property
    def moments(self) -> tuple[datetime, ...]:
        """When it was placed, paid, completed and last saved: its document is dated by one of them."""
        found = (self.date_created_gmt, self.date_paid_gmt, self.date_completed_gmt, self.date_modified_gmt)
        return tuple(moment for moment in found if moment is not None)


SUMMARY_FIELDS = ",".join(OrderSummary.model_fields)


class Note(Answered):
    """A note of an order; `customer_note` is one that the customer sees. `id` is 0 if it cannot be read."""

    id: Annotated[int, PlainValidator(lambda value: php.whole(value) or 0)] = 0
    note: Text = ""
    customer_note: Yes = False


class OrderCalls:
    """The calls that concern orders, refunds and notes."""

    _api: ShopApi

    async def order(self, order_id: int, *, fresh: bool = False, dp: int | None = None) -> dict[str, Any] | None:
        """An order's JSON; None if WooCommerce states that there is none. A trashed order has the status `trash`.

        `fresh` bypasses caches. `dp` requests that many decimals: never for amounts, since only the shop's own decimals
        add up (rule 3).
        """
        params = {} if dp is None else {"dp": dp}
        return await _or_none(self._api.get(f"{ROUTE}/{order_id}", fresh=fresh, **params))

    async def listed_order(self, order_id: int) -> dict[str, Any] | None:
        """An order's JSON in the order list, bypassing caches; None if it is not listed, as in the trash."""
        page = await self._api.page(ROUTE, {"include": order_id, "per_page": 1}, fresh=True)
        return next((row for row in page.rows if isinstance(row, dict) and php.whole(row.get("id")) == order_id), None)

    async def order_cache_headers(self, order_id: int) -> str:
        """What the answer to a read of this order states about caches, e.g. `Age 312`; may be empty."""
        return await self._api.cache_headers(f"{ROUTE}/{order_id}")

    async def plugin_answer(self, path: str) -> Any:
        """The JSON of a plugin's own route, e.g. `/wp-json/wc-returns/v1/orders/17`; None if the plugin has none."""
        return await _or_none(self._api.plugin_answer(path))

    async def set_status(self, order_id: int, status: str) -> dict[str, Any]:
        """Set the status of an order; its JSON afterwards. The shop changes stock and dates and sends mails.

        WooCommerce fact 41: an unknown status is refused with 400.
        """
        return await self._api.write("PUT", f"{ROUTE}/{order_id}", {"status": status})

    async def newest_orders(self, count: int) -> list[dict[str, Any]]:
        """The identity fields of the orders with the highest ids, with drafts, without trash; 100 at most."""
        return await self._identities({"orderby": "id", "order": "desc"}, count)

    async def orders_by_id(self, ids: Iterable[int]) -> list[dict[str, Any]]:
        """The identity fields of those of these orders that exist, also in the trash; 100 at most."""
        included = {"include": ",".join(map(str, sorted(ids)))}
        listed = await self._identities(included, PER_PAGE)
        return [*listed, *await self._identities({**included, "status": "trash"}, PER_PAGE)]

    async def _identities(self, params: Mapping[str, str], count: int) -> list[dict[str, Any]]:
        """The identity fields of up to `count` orders of a list; of an order on which the shop fails only the id."""
        identities = {**params, "_fields": IDENTITY_FIELDS}
        try:
            return php.records((await self._api.page(ROUTE, {**identities, "per_page": count, "page": 1})).rows)
        except ReadFailed:
            failing: list[SkippedRecord] = []
            found = await self._read_some(identities, count, failing.append)
            return [*found, *({"id": one.id} for one in failing if one.id is not None)]

    async def _read_some(self, params: Mapping[str, str], count: int, skip: OnSkipped) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async with aclosing(read_rows(self._api, ROUTE, params, skip=skip)) as rows:
            async for row in rows:
                found.append(row)
                if len(found) == count:
                    break
        return found

    def orders_changed_since(self, cursor: Cursor, *, skip: OnSkipped = log_skipped) -> AsyncIterator[dict[str, Any]]:
        """The JSON of orders modified since the cursor, oldest change first; one may come twice, none is missed.

        Drafts of a checkout are among them, trash is not. `skip` is called for each order that the shop cannot answer.
        """
        return read_changes(self._api, ROUTE, cursor, skip=skip)

    def order_pieces_changed_since(
        self, cursor: Cursor, *, skip: OnSkipped = log_skipped
    ) -> AsyncIterator[dict[str, Any]]:
        """The same with only the fields that decide which pieces an order takes out of stock."""
        return read_changes(self._api, ROUTE, cursor, skip=skip, _fields=PIECES_FIELDS)

    async def last_order_change(self) -> datetime | None:
        """When an order was last modified, by the shop's clock; None if there is no order."""
        params: dict[str, str | int] = {"per_page": 1, "orderby": "modified", "order": "desc"}
        rows = (await self._api.page(ROUTE, {**params, "_fields": "id,date_modified_gmt"})).rows
        return next((when for row in php.records(rows) if (when := php.moment(row.get("date_modified_gmt")))), None)

    def orders_concerning(
        self, begin: datetime, end: datetime, *, skip: OnSkipped = log_skipped
    ) -> AsyncIterator[dict[str, Any]]:
        """Summaries of all orders that may have been placed, paid, completed or refunded from `begin` to before `end`.

        These are the orders placed before `end` and modified since `begin`: each of those acts modifies the order.
        Trash is not listed; caches are bypassed. `skip` is called for each order that the shop cannot answer.
        """
        since = Cursor(begin, overlap=timedelta())
        return read_changes(self._api, ROUTE, since, skip=skip, before=format_gmt(end), _fields=SUMMARY_FIELDS)

    def order_summaries(self, ids: Sequence[int], *, skip: OnSkipped = log_skipped) -> AsyncIterator[dict[str, Any]]:
        """Summaries of these orders (at most 100), without unknown and trashed ones (WooCommerce facts 32 and 33)."""
        included = {"include": ",".join(map(str, ids)), "orderby": "id", "order": "asc", "_fields": SUMMARY_FIELDS}
        return read_rows(self._api, ROUTE, included, fresh=True, skip=skip)

    async def refunds(
        self, order_id: int, *, fresh: bool = False, dp: int | None = None, skip: OnSkipped = log_skipped
    ) -> list[dict[str, Any]]:
        """The JSON of every refund of an order, oldest first; `fresh` bypasses caches, `dp` requests decimals.

        `skip` is called for a refund that the shop cannot answer; the order mentions it all the same. A deleted refund
        is not listed any more, and nothing else reports that (WooCommerce fact 57). Raises `NotFound` when WooCommerce
        states that there is no such order.
        """
        params = {"orderby": "id", "order": "asc"} | ({} if dp is None else {"dp": dp})
        rows = read_rows(self._api, f"{ROUTE}/{order_id}/refunds", params, fresh=fresh, skip=skip)
        return sorted([row async for row in rows], key=lambda refund: php.id_of(refund) or 0)

    async def notes(self, order_id: int) -> list[Note]:
        """All notes of an order; the list is not paged. Raises `Rejected` (404) when the order does not exist."""
        page = await self._api.page(_notes_route(order_id), {})
        return [Note.model_validate(row) for row in page.rows]

    async def write_note(self, order_id: int, text: str, *, customer: bool) -> Note:
        """Add a note, for the shop's staff or also for the customer; returns its echo.

        A note cannot be changed, and adding one is not idempotent: look for your own first. WooCommerce fact 47: it
        fires no webhook.
        """
        return Note.model_validate(
            await self._api.write("POST", _notes_route(order_id), {"note": text, "customer_note": customer})
        )


def order_summary(shop: str, json: Mapping[str, Any]) -> OrderSummary:
    """The summary of a listed order. Raises `ReadError` (`shop.order-invalid`), naming order and field."""
    with reading_record(name_order(shop, json), Reason.SHOP_ORDER_INVALID):
        return OrderSummary.model_validate(json)


async def _or_none(call: Awaitable[AnswerT]) -> AnswerT | None:
    try:
        return await call
    except NotFound:
        return None


def _notes_route(order_id: int) -> str:
    return f"{ROUTE}/{order_id}/notes"


def read_parts(json: Mapping[str, Any]) -> dict[str, Any]:
    """The readable fields of an order that cannot be read as a whole: they reserve stock and help a person."""
    return {
        "number": php.text(json.get("number")) or "",
        "status": (php.text(json.get("status")) or "").strip(),
        "created_via": php.text(json.get("created_via")) or "",
        "parent_id": _id(json.get("parent_id")),
        "lines": tuple(_read_readable_lines(json)),
        "created_at": php.moment(json.get("date_created_gmt")),
        "paid_at": php.moment(json.get("date_paid_gmt")),
        "modified_at": read_modified_at(json),
    }


def read_modified_at(json: Mapping[str, Any]) -> datetime | None:
    """When the order was last changed; None if its JSON does not state it."""
    return php.moment(json.get("date_modified_gmt"))


def _read_readable_lines(json: Mapping[str, Any]) -> Iterator[ReadableLine]:
    for line in php.records(json.get("line_items")):
        quantity, product = parse_amount(line.get("quantity")), _id(line.get("product_id"))
        total = parse_amount(line.get("total")) or Decimal(0)
        sku = (php.text(line.get("sku")) or "").strip()
        if quantity is None or quantity <= 0 or total < 0 or not (product or sku):
            continue
        yield ReadableLine(product_id=product, variation_id=_id(line.get("variation_id")), sku=sku, quantity=quantity)


def _id(value: Any) -> int:
    return max(php.whole(value) or 0, 0)
