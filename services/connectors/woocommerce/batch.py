"""Batch calls: up to 100 records at once, each with its own result, in the order of the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from contracts.reasons import Reason
from services.connectors.woocommerce import php
from services.connectors.woocommerce.api import Api
from services.connectors.woocommerce.refusals import Complaint, complaint
from services.engine.outbox.upstream_errors import UnknownOutcome

LIMIT = 100
Action = Literal["create", "update"]


@dataclass(frozen=True, slots=True)
class Stored:
    """The shop took the record; `json` is its echo, to be compared with what was meant (`echo.differences`)."""

    id: int
    json: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NotStored:
    """The shop refused this record; its neighbours are not concerned.

    `resource_id` is the product that holds the SKU already, when the shop names it: adopt that one. `sku_taken`
    without it: a product in the trash, or one being made at this moment.
    """

    code: str
    message: str
    reason: Reason
    resource_id: int | None = None
    sku_taken: bool = False


ItemResult = Stored | NotStored


async def batch(api: Api, route: str, action: Action, records: Sequence[Mapping[str, Any]]) -> list[ItemResult]:
    """One batch call. Raises ValueError above 100 records, and `UnknownOutcome` when results are missing."""
    if len(records) > LIMIT:
        raise ValueError(f"{len(records)} records in one batch: WooCommerce takes {LIMIT}")
    if not records:
        return []
    answer = await api.write("POST", f"{route}/batch", {action: [dict(record) for record in records]})
    return _results(api.shop, answer.get(action), records)


def _results(shop: str, results: Any, records: Sequence[Mapping[str, Any]]) -> list[ItemResult]:
    if not isinstance(results, list) or len(results) != len(records):
        count = len(results) if isinstance(results, list) else "no"
        raise UnknownOutcome(f"shop {shop}: a batch of {len(records)} was answered with {count} results")
    return [_result(shop, record, result) for record, result in zip(records, results, strict=True)]


def _result(shop: str, record: Mapping[str, Any], result: Any) -> ItemResult:
    known = complaint(result.get("error")) if isinstance(result, dict) else None
    if known is not None:
        return _not_stored(f"shop {shop}: {_named(record)}", known)
    if isinstance(result, dict) and (id_ := php.whole(result.get("id"))) is not None and _is_echo(record, id_):
        return Stored(id_, result)
    raise UnknownOutcome(f"shop {shop}: {_named(record)}: the batch answered neither a record nor an error")


def _is_echo(record: Mapping[str, Any], id_: int | None) -> bool:
    return id_ is not None and id_ > 0 and record.get("id") in (None, id_)


def _not_stored(what: str, known: Complaint) -> NotStored:
    text = f"{what}: {known.code}: {known.message}"
    return NotStored(known.code, text, known.reason, known.resource_id, known.sku_taken)


def _named(record: Mapping[str, Any]) -> str:
    """`product 10`, or for one to be made `new product with SKU A-1`."""
    return f"product {record['id']}" if record.get("id") else f"new product with SKU {record.get('sku') or '(none)'}"
