"""Return requests as a shop stores them: read from a custom field or a REST route, parsed, and matched to order lines.

Plugins write many shapes: a list of requests, one request, or only its lines; as JSON or as text that contains JSON; a
PHP list with gaps is an object with numbers as names (claim S0.25).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from contracts.model import ABSURD
from contracts.reasons import Reason
from contracts.returns import ReturnLine
from contracts.shop import OrderLine
from services.accounting.documents.unbookable import Unbookable
from services.connectors.woocommerce import php
from services.connectors.woocommerce.order import order_changed
from services.settings.orders import ReturnFields, ReturnSettings

ID = re.compile(r"[\w.#/-]{1,64}")
FINEST = Decimal("0.000001")
"""The smallest step of a quantity."""


class RequestInvalid(Unbookable):
    """A request that cannot be read, does not fit its order, or does not exist."""

    def __init__(self, detail: str) -> None:
        super().__init__(Reason.REFUND_REQUEST_INVALID, detail)


@dataclass(frozen=True, slots=True)
class RequestedLine:
    """A quantity of an order line, of a product or variation, or of a SKU; the first one given is used."""

    quantity: Decimal
    line: int | None = None
    product: int | None = None
    sku: str = ""

    @property
    def name(self) -> str:
        """Its name in messages."""
        if self.line is not None:
            return f"line {self.line}"
        return f"product {self.product}" if self.product is not None else f"SKU {self.sku}"

    def matches(self, line: OrderLine) -> bool:
        """Whether it means this line of the order."""
        if self.line is not None:
            return line.line_id == self.line
        if self.product is not None:
            return self.product in (line.product_id, line.variation_id)
        return line.sku == self.sku


@dataclass(frozen=True, slots=True)
class ReturnRequest:
    """A request as it was read; `id` is unique within the order."""

    id: str
    lines: tuple[RequestedLine, ...]


@dataclass(frozen=True, slots=True)
class ResolvedRequest:
    """A request by lines of its order, and the refunds that the order already has."""

    id: str
    lines: tuple[ReturnLine, ...]
    refund_ids: tuple[int, ...] = ()


class RequestShop(Protocol):
    """What is read from a shop; nothing is written."""

    async def order(self, order_id: int) -> dict[str, Any] | None:
        """An order's JSON; None if there is none."""

    async def plugin_answer(self, path: str) -> Any:
        """The JSON of a plugin's route; None if it has nothing."""


class RequestSource(Protocol):
    """A place where a shop stores the return requests of an order."""

    async def read(self, order: Mapping[str, Any]) -> Any:
        """The requests as stored; None if there are none."""


@dataclass(frozen=True, slots=True)
class MetaSource:
    """A custom field of the order; if several have the name, the last is used, as for every custom field."""

    key: str

    async def read(self, order: Mapping[str, Any]) -> Any:
        """The field's value."""
        rows = php.records(order.get("meta_data"))
        values = [row.get("value") for row in rows if row.get("key") == self.key]
        return values[-1] if values else None


@dataclass(frozen=True, slots=True)
class RestSource:
    """A REST route of the shop; `{order}` in its path is replaced by the order's id."""

    shop: RequestShop
    path: str

    async def read(self, order: Mapping[str, Any]) -> Any:
        """The route's answer."""
        return await self.shop.plugin_answer(self.path.replace("{order}", str(order["id"])))


async def find_return_request(
    shop: RequestShop, name: str, settings: ReturnSettings, order_id: int, request_id: str | None
) -> ResolvedRequest:
    """The request of an order with this id, or its only one. Raises `RequestInvalid` and `UpstreamError`."""
    try:
        source = open_source(shop, settings)
        if (order := await shop.order(order_id)) is None:
            raise RequestInvalid("the shop has no such order")
        request = select_request(parse_requests(await source.read(order), settings.fields), request_id)
        fact = order_changed(name, order)
        return ResolvedRequest(request.id, resolve_lines(request, fact.lines), fact.refund_ids)
    except RequestInvalid as error:
        raise RequestInvalid(f"order {order_id} of shop {name}: {error.detail}") from None


def open_source(shop: RequestShop, settings: ReturnSettings) -> RequestSource:
    """The source that the settings name. Raises `RequestInvalid` if it is off."""
    if settings.source == "off":
        raise RequestInvalid('returns.source is "off": set where this shop stores its return requests')
    return MetaSource(settings.meta_key) if settings.source == "meta" else RestSource(shop, settings.path)


def select_request(requests: Sequence[ReturnRequest], request_id: str | None) -> ReturnRequest:
    """The request with that id, or the only one. Raises `RequestInvalid`."""
    if not requests:
        raise RequestInvalid("there is no return request")
    ids = ", ".join(request.id for request in requests)
    if request_id is None and len(requests) > 1:
        raise RequestInvalid(f"there are several return requests, name one: {ids}")
    found = [request for request in requests if request_id in (None, request.id)]
    if not found:
        raise RequestInvalid(f"there is no return request {request_id}, only {ids}")
    return found[0]


def resolve_lines(request: ReturnRequest, lines: Iterable[OrderLine]) -> tuple[ReturnLine, ...]:
    """The request by lines of the order, each once. Raises `RequestInvalid` unless each matches exactly one line."""
    products = [line for line in lines if line.kind == "product"]
    sums: dict[int, Decimal] = {}
    for wanted in request.lines:
        line = _resolve_line(wanted, products, request)
        sums[line.line_id] = sums.get(line.line_id, Decimal(0)) + wanted.quantity
    skus = {line.line_id: line.sku for line in products}
    return tuple(ReturnLine(order_line_id=id_, quantity=sums[id_], sku=skus[id_]) for id_ in sums)


def _resolve_line(wanted: RequestedLine, products: Sequence[OrderLine], request: ReturnRequest) -> OrderLine:
    found = [line for line in products if wanted.matches(line)]
    if not found:
        raise RequestInvalid(f"request {request.id}: {wanted.name} is not a product of the order")
    if len(found) > 1:
        ids = ", ".join(str(line.line_id) for line in found)
        raise RequestInvalid(f"request {request.id}: {wanted.name} is on lines {ids} of the order: name the line")
    return found[0]


def parse_requests(value: Any, fields: ReturnFields) -> tuple[ReturnRequest, ...]:
    """The requests in the shop's answer; none if it is empty. Raises `RequestInvalid`."""
    answer = _parse_json(value)
    rows = _to_rows(_unwrap(answer, fields.requests), "the requests")
    if rows and not any(isinstance(row, dict) and fields.lines in row for row in rows):
        rows = [{fields.lines: rows}]
    requests = tuple(_parse_request(row, place, fields) for place, row in enumerate(rows, start=1))
    if len({request.id for request in requests}) < len(requests):
        raise RequestInvalid(f"two requests have the same {fields.id}: each needs its own")
    return requests


def _parse_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_float=Decimal) if value.strip() else None
    except (ValueError, RecursionError):
        raise RequestInvalid("the stored text is not valid JSON") from None


def _unwrap(answer: Any, name: str) -> Any:
    return answer[name] if isinstance(answer, dict) and name in answer else answer


def _to_rows(value: Any, what: str) -> list[Any]:
    """A list, also one that PHP wrote with gaps; any other object becomes a list of one."""
    if value is None or value == "":
        return []
    if isinstance(value, dict):
        return list(value.values()) if all(str(key).isdigit() for key in value) else [value]
    if not isinstance(value, list):
        raise RequestInvalid(f"{what} are not a list")
    return value


def _parse_request(row: Any, place: int, fields: ReturnFields) -> ReturnRequest:
    row = _check_object(row, f"request {place}")
    id_ = str(row.get(fields.id) or place)
    if not ID.fullmatch(id_):
        raise RequestInvalid(f"request {place}: its {fields.id} is not a number or short name")
    what = f"request {id_}"
    rows = _to_rows(_parse_json(row.get(fields.lines)), f"the lines of {what}")
    lines = tuple(line for line in (_parse_line(each, what, fields) for each in rows) if line.quantity)
    if not lines:
        raise RequestInvalid(f"{what} is empty: no line of {fields.lines} has a {fields.quantity}")
    return ReturnRequest(id_, lines)


def _parse_line(row: Any, what: str, fields: ReturnFields) -> RequestedLine:
    row = _check_object(row, f"a line of {what}")
    line = RequestedLine(
        quantity=_parse_quantity(row.get(fields.quantity), f"{what}: {fields.quantity}"),
        line=_parse_id(row.get(fields.line), f"{what}: {fields.line}"),
        product=_parse_id(row.get(fields.product), f"{what}: {fields.product}"),
        sku=str(row.get(fields.sku) or "").strip(),
    )
    if line.line is None and line.product is None and not line.sku:
        raise RequestInvalid(f"a line of {what} has none of {fields.line}, {fields.product} and {fields.sku}")
    return line


def _check_object(value: Any, what: str) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise RequestInvalid(f"{what} is not an object")


def _parse_quantity(value: Any, what: str) -> Decimal:
    """0 for a line that is listed without a quantity."""
    if value is None or value == "":
        return Decimal(0)
    try:
        quantity = Decimal(str(value))
    except InvalidOperation:
        raise RequestInvalid(f"{what} is not a number") from None
    if not quantity.is_finite() or not 0 <= quantity < ABSURD or quantity % FINEST:
        raise RequestInvalid(f"{what} is not a quantity that can be returned")
    return quantity


def _parse_id(value: Any, what: str) -> int | None:
    """An id; plugins write 0 or an empty text for none."""
    if value in (None, "", 0, "0"):
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise RequestInvalid(f"{what} is not an id")
    return int(text)
