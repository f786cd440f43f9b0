"""Planning and writing products: look up, create, adopt or update in batches, and check what the shop stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from contracts.reasons import Reason
from services.accounting.catalogue.eligibility import Eligible, Skip, check_eligibility
from services.accounting.mapping import apply_commands
from services.catalog_importer import report
from services.catalog_importer.pictures import PictureSource, with_picture
from services.catalog_importer.placement import Placement, ProductChange, ProductGone, place_item
from services.catalog_importer.product import PLAN, ProductPayload
from services.catalog_importer.report import with_stored_values
from services.catalog_importer.shop_products import (
    LookUpResult,
    ProductWriter,
    Result,
    look_up_by_id,
    look_up_products,
    send_creations,
    send_updates,
    write_translations,
)
from services.connectors.woocommerce.batch import NotStored, Stored, find_differences
from services.connectors.woocommerce.products import MOST_SKUS
from services.engine.outbox.batches import Batches
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome, Refused, Unknown
from services.engine.outbox.upstream_errors import UpstreamError, outcome_of
from services.settings.shop import ShopSettings


@dataclass(frozen=True, slots=True)
class ProductJob:
    """A row with its payload."""

    row: Row
    payload: ProductPayload


log = logging.getLogger(__name__)
Outcomes = dict[str, Outcome]
"""By row id."""


class ProductDeliveries:
    """The deliveries of one shop's products, of both kinds.

    Every attempt looks up first, so that a repetition after an unknown outcome finds what the last attempt created
    (WooCommerce fact 30). Upstream failures become outcomes and are not raised.
    """

    def __init__(
        self,
        settings: ShopSettings,
        shop: ProductWriter,
        now: Callable[[], datetime],
        pictures: PictureSource | None = None,
    ) -> None:
        self._settings, self._shop, self._now, self._pictures = settings, shop, now, pictures
        self._batches, self._look_ups = Batches(settings.batch_size), Batches(MOST_SKUS)

    async def __call__(self, rows: Sequence[Row]) -> list[Outcome]:
        """Return one outcome per row, in order. Rows are of this shop and of different items."""
        jobs = [ProductJob(row, ProductPayload.model_validate(row.payload)) for row in rows]
        outcomes = self._skip_ineligible(jobs)
        allowed = [job for job in jobs if job.row.id not in outcomes]
        results = await look_up_products(self._shop, [job.payload for job in allowed], self._look_ups)
        outcomes |= await self._place_and_write(zip(allowed, results, strict=True))
        return [outcomes[row.id] for row in rows]

    def _skip_ineligible(self, jobs: Iterable[ProductJob]) -> Outcomes:
        """The rules are checked again immediately before the shop is changed (claims S0.41, S0.43)."""
        checked = ((job, self._check(job.payload)) for job in jobs if not job.payload.desired.retired)
        return {job.row.id: self._skip(job, result) for job, result in checked if isinstance(result, Skip)}

    def _check(self, payload: ProductPayload) -> Eligible | Skip:
        return check_eligibility(payload.nature, apply_commands(self._settings.catalogue, payload.commanded))

    async def _place_and_write(self, looked_up: Iterable[tuple[ProductJob, LookUpResult | Outcome]]) -> Outcomes:
        """Conclude what needs no write; write the rest."""
        placed = [(job, self._place(job, result)) for job, result in looked_up]
        changes = [(job, found) for job, found in placed if isinstance(found, ProductChange) and job.row.kind != PLAN]
        concluded = {job.row.id: self._conclude(job, found) for job, found in placed}
        if self._pictures is not None:
            changes = await asyncio.gather(*[self._add_picture(job, change, self._pictures) for job, change in changes])
        return concluded | await self._write(changes)

    async def _add_picture(
        self, job: ProductJob, change: ProductChange, pictures: PictureSource
    ) -> tuple[ProductJob, ProductChange]:
        """A picture that is not available delays no product: it is tried again with the next change."""
        try:
            return job, await with_picture(job.payload, change, pictures, self._shop)
        except UpstreamError as error:
            log.warning("picture left out", extra={"delivery": job.row.id, "why": error.message})
            return job, change

    def _place(self, job: ProductJob, result: LookUpResult | Outcome) -> Placement | Outcome:
        if isinstance(result, LookUpResult):
            return place_item(job.payload, result.found, result.linked, self._settings, result.further)
        return result

    def _conclude(self, job: ProductJob, placement: Placement | Outcome) -> Outcome:
        match placement:
            case ProductChange():
                return Done((report.planned_event(job.payload, placement, self._now()),))
            case ProductGone(product_id):
                return Done((report.unlinked_event(job.payload, product_id, self._now()),))
            case Skip(reason, detail):
                is_announced = job.row.kind == PLAN or reason == Reason.PRODUCT_NOT_MADE
                return self._skip(job, placement) if is_announced else Refused(reason, detail)
            case outcome:
                return outcome

    def _skip(self, job: ProductJob, skip: Skip) -> Done:
        return Done((report.skipped_delivery_event(job.payload, skip, self._now()),))

    async def _write(self, changes: Sequence[tuple[ProductJob, ProductChange]]) -> Outcomes:
        new = [pair for pair in changes if pair[1].action == "create"]
        existing = [pair for pair in changes if pair[1].action != "create"]
        outcomes, taken = await self._create(new)
        return outcomes | await self._adopt(taken) | await self._update(existing)

    async def _create(
        self, new: Sequence[tuple[ProductJob, ProductChange]]
    ) -> tuple[Outcomes, dict[str, tuple[ProductJob, NotStored]]]:
        """The outcomes, and the jobs whose SKU another product took in the meantime."""
        results = await send_creations(self._shop, [change for _, change in new], self._batches)
        outcomes, taken = {}, {}
        for (job, change), result in zip(new, results, strict=True):
            if isinstance(result, NotStored) and result.sku_taken:
                taken[job.row.id] = (job, result)
            else:
                outcomes[job.row.id] = self._outcome(job, change, result)
        return outcomes, taken

    async def _adopt(self, taken: dict[str, tuple[ProductJob, NotStored]]) -> Outcomes:
        """Look up again: the product that has the SKU is adopted (claim K22)."""
        results = await look_up_products(self._shop, [job.payload for job, _ in taken.values()], self._look_ups)
        placed = []
        for (job, refusal), result in zip(taken.values(), results, strict=True):
            placed.append((job, self._place(job, await self._find_holder(refusal, result)), refusal))
        adopted = [(job, found) for job, found, _ in placed if isinstance(found, ProductChange) and found.product]
        outcomes = {job.row.id: self._not_adopted(job, found, refusal) for job, found, refusal in placed}
        return outcomes | await self._update(adopted)

    async def _find_holder(self, refusal: NotStored, result: LookUpResult | Outcome) -> LookUpResult | Outcome:
        """If the SKU finds nothing, look up the product that the shop's refusal names as its holder."""
        not_found = isinstance(result, LookUpResult) and not result.found
        return await look_up_by_id(self._shop, refusal.resource_id) if not_found and refusal.resource_id else result

    def _not_adopted(self, job: ProductJob, placement: Placement | Outcome, refusal: NotStored) -> Outcome:
        if isinstance(placement, ProductChange):
            return Unknown(f"{refusal.message}; the product that has it is not visible yet")
        return self._conclude(job, placement)

    async def _update(self, changes: Sequence[tuple[ProductJob, ProductChange]]) -> Outcomes:
        results = await send_updates(self._shop, [change for _, change in changes], self._batches)
        further = await write_translations(
            self._shop, [(job.payload, change) for job, change in changes], self._batches
        )
        return {
            job.row.id: self._outcome(job, replace(change, further=written), result)
            if isinstance(written, tuple)
            else written
            for (job, change), result, written in zip(changes, results, further, strict=True)
        }

    def _outcome(self, job: ProductJob, change: ProductChange, result: Result) -> Outcome:
        match result:
            case None:
                return Done((report.linked_event(job.payload, change, None, self._now()),))
            case Stored():
                return self._check_stored(job, change, result)
            case NotStored(reason=Reason.SHOP_PRODUCT_GONE) | Refused(reason=Reason.SHOP_PRODUCT_GONE):
                return self._handle_gone(job, change)
            case NotStored(sku_taken=True):
                return Refused(Reason.PRODUCT_SKU_AMBIGUOUS, result.message)
            case NotStored():
                return Refused(result.reason, result.message)
            case outcome:
                return outcome

    def _check_stored(self, job: ProductJob, change: ProductChange, stored: Stored) -> Outcome:
        """Link the product if SKU, prices, status and categories are stored as sent.

        A name in another form is only reported, since a product without a link has no stock and no orders.
        """
        try:
            found = find_differences(job.payload.shop, change.write, stored.json)
        except UpstreamError as error:
            return outcome_of(error)
        minor = [one for one in found if one.is_minor or one.field == f"meta.{self._settings.catalogue.meta_key}"]
        if len(minor) < len(found):
            what = f"product {stored.id} with SKU {job.payload.nature.sku}"
            return Refused(Reason.SHOP_ECHO_DIFFERS, f"{what}: {'; '.join(map(str, found))}")
        for one in minor:
            log.warning("stored in another form", extra={"delivery": job.row.id, "product": stored.id, "why": str(one)})
        return Done((report.linked_event(job.payload, with_stored_values(change, stored, minor), stored, self._now()),))

    def _handle_gone(self, job: ProductJob, change: ProductChange) -> Outcome:
        """Unlink a product that is gone; one that disappeared since the look-up is looked up again."""
        if job.payload.link is None or change.product is None:
            return Unknown(f"the product with SKU {job.payload.nature.sku} disappeared between look-up and write")
        return Done((report.unlinked_event(job.payload, change.product.id, self._now()),))
