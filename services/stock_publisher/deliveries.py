"""Writing stock figures to a shop, in batches, and checking the shop's answer to each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from contracts.reasons import Reason
from services.connectors.woocommerce import php
from services.connectors.woocommerce.batch import LIMIT, ItemResult, NotStored, Stored
from services.connectors.woocommerce.product import ProductWrite
from services.engine.outbox.batches import Batches
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Done, Outcome, Refused
from services.engine.telemetry import metrics
from services.stock_publisher.records import StockTarget, StockWrite

PRODUCTS = 0
"""The parent id of a product that is not a variation."""


class StockWriter(Protocol):
    """Writes products and variations of a shop."""

    async def update_products(self, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...

    async def update_variations(self, parent_id: int, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...


@dataclass(frozen=True, slots=True)
class StockJob:
    """One product that the figure of a row is written to."""

    id: str
    write: StockWrite
    target: StockTarget

    @property
    def may_switch_on(self) -> bool:
        """Whether stock management may be switched on for the product."""
        return self.write.switch_on is None or self.target.product_id in self.write.switch_on


Send = Callable[[Sequence[ProductWrite]], Awaitable[Sequence[ItemResult]]]
Answer = ItemResult | Outcome
Answers = dict[tuple[str, int], Answer]
"""By row id and product."""


class StockDeliveries:
    """The stock deliveries of one shop. Figures are absolute, so any of them may be sent again.

    The first figure of a product switches on its stock management; later figures do only where `stock.manage` says so.
    A variation first gets the figure alone: if the answer shows that the parent manages the stock, the figure would
    apply to all its variations and is refused (claim K11). If nobody manages it, stock management is switched on.
    """

    def __init__(self, shop: StockWriter, now: Callable[[], datetime], most: int = LIMIT) -> None:
        self._shop, self._now = shop, now
        self._batches = Batches(most)

    async def __call__(self, rows: Sequence[Row]) -> list[Outcome]:
        """Return one outcome per row, in order. Upstream failures become outcomes and are not raised."""
        writes = {row.id: StockWrite.model_validate(row.payload) for row in rows}
        families: dict[int, list[StockJob]] = defaultdict(list)
        for id_, write in writes.items():
            for target in write.targets:
                families[target.parent_id].append(StockJob(id_, write, target))
        answers: Answers = {}
        for parent_id, family in families.items():
            answers |= await self._send(parent_id, family)
        return [self._outcome(id_, write, answers) for id_, write in writes.items()]

    async def _send(self, parent_id: int, family: Sequence[StockJob]) -> Answers:
        if parent_id == PRODUCTS:
            return await self._answers(self._shop.update_products, family, switch_on=True)
        send = partial(self._shop.update_variations, parent_id)
        answers = await self._answers(send, family, switch_on=False)
        unmanaged = [job for job in family if job.may_switch_on and _manage_stock(answers[_key(job)]) is False]
        return answers | await self._answers(send, unmanaged, switch_on=True)

    async def _answers(self, send: Send, jobs: Sequence[StockJob], *, switch_on: bool) -> Answers:
        bodies = [_body(job, managed=switch_on and job.may_switch_on) for job in jobs]
        answered = await self._batches.send(send, bodies)
        return {_key(job): answer for job, answer in zip(jobs, answered, strict=True)}

    def _outcome(self, id_: str, write: StockWrite, answers: Answers) -> Outcome:
        """Done once every product of the item has the figure."""
        jobs = [StockJob(id_, write, target) for target in write.targets]
        failures = [failure for job in jobs if (failure := _failure(job, answers[_key(job)])) is not None]
        if failures:
            return next((failure for failure in failures if not isinstance(failure, Refused)), failures[0])
        self._measure(write)
        off = tuple(job.target.product_id for job in jobs if _is_off(job, answers[_key(job)]))
        return Done((write.published("live", self._now(), off),))

    def _measure(self, write: StockWrite) -> None:
        """Record the time from a reading of Balance until the shop has the figure (claim S3.14)."""
        if write.answers_reading:
            age = (self._now() - write.stock_seen_at).total_seconds()
            metrics.STOCK_FRESHNESS.labels(write.shop).observe(max(0.0, age))


def _key(job: StockJob) -> tuple[str, int]:
    return job.id, job.target.product_id


def _failure(job: StockJob, answer: Answer) -> Outcome | None:
    """Why a product does not have its figure; a translation that no longer exists is removed from its link later."""
    match answer:
        case Stored():
            return _check_stored(job, answer)
        case NotStored(reason=Reason.SHOP_PRODUCT_GONE) if job.target in job.write.further:
            return None
        case NotStored(reason=reason, message=message):
            return Refused(reason, f"stock of {_describe(job)}: {message}")
        case outcome:
            return outcome


def _is_off(job: StockJob, answer: Answer) -> bool:
    """Whether the shop's staff have switched stock management off, where the settings allow it."""
    return not job.may_switch_on and _manage_stock(answer) is False


def _check_stored(job: StockJob, stored: Stored) -> Refused | None:
    """A product without stock management answers 200 and stores no figure (WooCommerce fact 23)."""
    if _is_off(job, stored):
        return None
    if not php.is_yes(stored.json.get("manage_stock")):
        return Refused(Reason.SHOP_STOCK_NOT_MANAGED, _explain_not_managed(job, stored))
    if differences := [*_compare_figure(job.write, stored), *_compare_locations(job.write, stored)]:
        return Refused(Reason.SHOP_ECHO_DIFFERS, f"{_describe(job)}: {'; '.join(differences)}")
    return None


def _compare_figure(write: StockWrite, stored: Stored) -> Iterator[str]:
    value = stored.json.get("stock_quantity")
    if php.number(value) != write.quantity:
        hint = " (this shop cuts off fractions: set stock.step to 1)" if write.quantity % 1 else ""
        yield f"stock_quantity: sent {write.quantity:f}, stored {value!r}{hint}"


def _compare_locations(write: StockWrite, stored: Stored) -> Iterator[str]:
    values = {meta.get("key"): php.text(meta.get("value")) for meta in php.records(stored.json.get("meta_data"))}
    for key, quantity in write.meta.items():
        if values.get(key) != quantity:
            yield f"{key}: sent {quantity}, stored {values.get(key)!r}"


def _body(job: StockJob, *, managed: bool) -> ProductWrite:
    """The write of a figure; it contains `manage_stock` only to switch it on."""
    write = job.write
    manage = {"manage_stock": True} if managed else {}
    meta = {"meta": write.meta} if write.locations else {}
    figure = {"stock_fraction" if write.quantity % 1 else "stock_quantity": write.quantity}
    return ProductWrite.model_validate({"id": job.target.product_id, **figure, **manage, **meta})


def _manage_stock(answer: Answer) -> bool | None:
    """Whether the shop manages its stock; None for another value, such as "parent"."""
    return php.flag(answer.json.get("manage_stock")) if isinstance(answer, Stored) else None


def _describe(job: StockJob) -> str:
    product = f"product {job.target.product_id}"
    if job.target.parent_id:
        product = f"variation {job.target.product_id} of product {job.target.parent_id}"
    return f"{product} with SKU {job.write.sku}"


def _explain_not_managed(job: StockJob, stored: Stored) -> str:
    if stored.json.get("manage_stock") == "parent":
        why = "its parent manages the stock; let each variation manage its own stock in the shop"
    else:
        product_type = stored.json.get("type", "variation")
        why = f"the shop does not manage its stock (type {product_type}); switch stock management on"
    return f"{_describe(job)}: {why}"
