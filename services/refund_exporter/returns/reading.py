"""Reading return requests from JSON: tolerant of the shapes that plugins write, clear about what is wrong.

A list of requests, one request, or the bare lines of one; as JSON or as text that holds it; a PHP list with gaps is an
object with numbers for names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts.model import ABSURD
from services.refund_exporter.returns.request import Request, RequestInvalid, Wanted
from services.settings.returns import ReturnFields

ID = re.compile(r"[\w.#/-]{1,64}")
FINEST = Decimal("0.000001")


def requests_of(value: Any, fields: ReturnFields) -> tuple[Request, ...]:
    """The requests that the shop's answer holds; none where it is empty. Raises `RequestInvalid`."""
    answer = _parsed(value)
    rows = _rows(_inside(answer, fields.requests), "the requests")
    if rows and not any(isinstance(row, dict) and fields.lines in row for row in rows):
        rows = [{fields.lines: rows}]
    found = tuple(_request(row, place, fields) for place, row in enumerate(rows, start=1))
    if len({request.id for request in found}) < len(found):
        raise RequestInvalid(f"two requests have the same {fields.id}: each needs one of its own")
    return found


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_float=Decimal) if value.strip() else None
    except (ValueError, RecursionError):
        raise RequestInvalid("what stands there is no JSON") from None


def _inside(answer: Any, name: str) -> Any:
    return answer[name] if isinstance(answer, dict) and name in answer else answer


def _rows(value: Any, what: str) -> list[Any]:
    """A list, also as PHP writes one with gaps; an object that is none is a list of itself."""
    if value is None or value == "":
        return []
    if isinstance(value, dict):
        return list(value.values()) if all(str(key).isdigit() for key in value) else [value]
    if not isinstance(value, list):
        raise RequestInvalid(f"{what} are no list")
    return value


def _request(row: Any, place: int, fields: ReturnFields) -> Request:
    row = _object(row, f"request {place}")
    id_ = str(row.get(fields.id) or place)
    if not ID.fullmatch(id_):
        raise RequestInvalid(f"request {place}: its {fields.id} is no number or short name")
    what = f"request {id_}"
    lines = [_wanted(line, what, fields) for line in _rows(_parsed(row.get(fields.lines)), f"the lines of {what}")]
    asked = tuple(line for line in lines if line.quantity)
    if not asked:
        raise RequestInvalid(f"{what} asks for nothing: no line of {fields.lines} has a {fields.quantity}")
    return Request(id_, asked)


def _wanted(line: Any, what: str, fields: ReturnFields) -> Wanted:
    line = _object(line, f"a line of {what}")
    wanted = Wanted(
        quantity=_quantity(line.get(fields.quantity), f"{what}: {fields.quantity}"),
        line=_number(line.get(fields.line), f"{what}: {fields.line}"),
        product=_number(line.get(fields.product), f"{what}: {fields.product}"),
        sku=str(line.get(fields.sku) or "").strip(),
    )
    if wanted.line is None and wanted.product is None and not wanted.sku:
        raise RequestInvalid(f"a line of {what} names none of {fields.line}, {fields.product} and {fields.sku}")
    return wanted


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise RequestInvalid(f"{what} is no object")


def _quantity(value: Any, what: str) -> Decimal:
    """0 for a line that is only listed."""
    if value is None or value == "":
        return Decimal(0)
    try:
        quantity = Decimal(str(value))
    except InvalidOperation:
        raise RequestInvalid(f"{what} is no number") from None
    if not quantity.is_finite() or not 0 <= quantity < ABSURD or quantity % FINEST:
        raise RequestInvalid(f"{what} is no quantity that can come back")
    return quantity


def _number(value: Any, what: str) -> int | None:
    """An id; plugins write 0 or an empty text for none."""
    if value in (None, "", 0, "0"):
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise RequestInvalid(f"{what} is no id")
    return int(text)
