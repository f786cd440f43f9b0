"""Writing the further products of items, each by the answer of the shop to its own write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from contracts.reasons import Reason
from services.catalog_importer.payload import ProductPayload
from services.catalog_importer.placement import Change
from services.catalog_importer.translations import FurtherChange
from services.catalog_importer.writing import Result, Shop, update
from services.connectors.woocommerce.batch import NotStored, Stored
from services.connectors.woocommerce.echo import differences
from services.engine.outbox.batches import Batches
from services.engine.outbox.failure import outcome_of
from services.engine.outbox.outcome import Outcome, Refused
from services.engine.outbox.upstream_errors import UpstreamError

Written = tuple[FurtherChange, ...] | Outcome


async def write_further(
    shop: Shop, changes: Sequence[tuple[ProductPayload, Change]], batches: Batches
) -> list[Written]:
    """For each item the further products that are written, without those that vanished; or why one is not."""
    every = [one for _, change in changes for one in change.further]
    results = iter(await update(shop, every, batches))
    return [_written(payload, change.further, results) for payload, change in changes]


def _written(payload: ProductPayload, further: Sequence[FurtherChange], results: Iterator[Result]) -> Written:
    outcomes = [_outcome(payload, one, next(results)) for one in further]
    failed = next((one for one in outcomes if one is not None and not isinstance(one, FurtherChange)), None)
    return failed or tuple(one for one in outcomes if isinstance(one, FurtherChange))


def _outcome(payload: ProductPayload, one: FurtherChange, result: Result) -> FurtherChange | Outcome | None:
    match result:
        case None:
            return one
        case NotStored(reason=Reason.SHOP_PRODUCT_GONE) | Refused(reason=Reason.SHOP_PRODUCT_GONE):
            return None
        case NotStored():
            return Refused(result.reason, f"translation {one.product.id} of item {payload.item}: {result.message}")
        case Stored():
            return _echoed(payload, one, result)
        case outcome:
            return outcome


def _echoed(payload: ProductPayload, one: FurtherChange, stored: Stored) -> FurtherChange | Outcome:
    try:
        found = [each for each in differences(payload.shop, one.write, stored.json) if not each.is_minor]
    except UpstreamError as error:
        return outcome_of(error)
    what = f"product {stored.id}, a translation of item {payload.item}"
    return Refused(Reason.SHOP_ECHO_DIFFERS, f"{what}: {'; '.join(map(str, found))}") if found else one
