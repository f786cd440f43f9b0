"""From what a return request names to lines of its order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from contracts.returns import ReturnLine
from contracts.shop import OrderLine
from services.refund_exporter.returns.request import Request, RequestInvalid, Wanted


def chosen(requests: Sequence[Request], wanted: str | None) -> Request:
    """The request of that id, or the only one. Raises `RequestInvalid`."""
    if not requests:
        raise RequestInvalid("there is no return request")
    ids = ", ".join(request.id for request in requests)
    if wanted is None and len(requests) > 1:
        raise RequestInvalid(f"there are several return requests, name one: {ids}")
    found = [request for request in requests if wanted in (None, request.id)]
    if not found:
        raise RequestInvalid(f"there is no return request {wanted}, only {ids}")
    return found[0]


def resolved(request: Request, lines: Iterable[OrderLine]) -> tuple[ReturnLine, ...]:
    """The request by lines of the order, each once. Raises `RequestInvalid` for what is not, or not only, one line."""
    products = [line for line in lines if line.kind == "product"]
    sums: dict[int, Decimal] = {}
    for wanted in request.lines:
        line = _line(wanted, products, request)
        sums[line.line_id] = sums.get(line.line_id, Decimal(0)) + wanted.quantity
    skus = {line.line_id: line.sku for line in products}
    return tuple(ReturnLine(order_line_id=id_, quantity=sums[id_], sku=skus[id_]) for id_ in sums)


def _line(wanted: Wanted, products: Sequence[OrderLine], request: Request) -> OrderLine:
    found = [line for line in products if _is(wanted, line)]
    if not found:
        raise RequestInvalid(f"request {request.id}: {wanted.name} is no product of the order")
    if len(found) > 1:
        ids = ", ".join(str(line.line_id) for line in found)
        raise RequestInvalid(f"request {request.id}: {wanted.name} stands on lines {ids} of the order: name the line")
    return found[0]


def _is(wanted: Wanted, line: OrderLine) -> bool:
    if wanted.line is not None:
        return line.line_id == wanted.line
    if wanted.product is not None:
        return wanted.product in (line.product_id, line.variation_id)
    return line.sku == wanted.sku
