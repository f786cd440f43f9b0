"""Writing stock figures into a shop, in batches, and believing only the echo."""

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
from services.connectors.woocommerce.product_write import ProductWrite
from services.engine.outbox.batches import Batches
from services.engine.outbox.outcome import Done, Outcome, Refused
from services.engine.outbox.row import Row
from services.engine.telemetry import meters
from services.stock_publisher.records import StockTarget, StockWrite

PRODUCTS = 0
"""The parent of what is no variation."""


class StockWriter(Protocol):
    """The part of a shop that stock is written through."""

    async def update_products(self, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...

    async def update_variations(self, parent_id: int, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...


@dataclass(frozen=True, slots=True)
class StockJob:
    """One product of a row's figure."""

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
    """The stock deliveries of one shop. Figures are absolute, so that any of them may be sent again.

    A product is told to manage its stock together with its first figure; afterwards only where `stock.manage` says so.
    A variation gets the figure alone at first: when its echo says that the parent manages the stock, the figure would
    be every sister's, and is refused (claim K11); only one that nobody manages is told to manage its own.
    """

    def __init__(self, shop: StockWriter, now: Callable[[], datetime], most: int = LIMIT) -> None:
        self._shop, self._now = shop, now
        self._batches = Batches(most)

    async def __call__(self, rows: Sequence[Row]) -> list[Outcome]:
        """One outcome per row, in order. Upstream failures become outcomes; none is raised."""
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
        """Done when every product of the item has the figure."""
        jobs = [StockJob(id_, write, target) for target in write.targets]
        failed = [one for job in jobs if (one := _failure(job, answers[_key(job)])) is not None]
        if failed:
            return next((one for one in failed if not isinstance(one, Refused)), failed[0])
        self._measure(write)
        off = tuple(job.target.product_id for job in jobs if _is_off(job, answers[_key(job)]))
        return Done((write.published("live", self._now(), off),))

    def _measure(self, write: StockWrite) -> None:
        """How old the news of an item was when the shop had it (claim S3.14)."""
        if write.answers_reading:
            age = (self._now() - write.stock_seen_at).total_seconds()
            meters.STOCK_FRESHNESS.labels(write.shop).observe(max(0.0, age))


def _key(job: StockJob) -> tuple[str, int]:
    return job.id, job.target.product_id


def _failure(job: StockJob, answer: Answer) -> Outcome | None:
    """Why a product does not have its figure; a translation that is gone leaves its link by itself."""
    match answer:
        case Stored():
            return _echoed(job, answer)
        case NotStored(reason=Reason.SHOP_PRODUCT_GONE) if job.target in job.write.further:
            return None
        case NotStored(reason=reason, message=message):
            return Refused(reason, f"stock of {_named(job)}: {message}")
        case outcome:
            return outcome


def _is_off(job: StockJob, answer: Answer) -> bool:
    """Whether the shop's people have switched stock management off, and may."""
    return not job.may_switch_on and _manage_stock(answer) is False


def _echoed(job: StockJob, stored: Stored) -> Refused | None:
    """API fact: what is not managed answers 200 and keeps no figure."""
    if _is_off(job, stored):
        return None
    if not php.is_yes(stored.json.get("manage_stock")):
        return Refused(Reason.SHOP_STOCK_NOT_MANAGED, _not_managed(job, stored))
    if differs := [*_other_figure(job.write, stored), *_other_locations(job.write, stored)]:
        return Refused(Reason.SHOP_ECHO_DIFFERS, f"{_named(job)}: {'; '.join(differs)}")
    return None


def _other_figure(write: StockWrite, stored: Stored) -> Iterator[str]:
    held = stored.json.get("stock_quantity")
    if php.number(held) != write.quantity:
        cut = " (this shop cuts fractions off: set stock.step to 1)" if write.quantity % 1 else ""
        yield f"stock_quantity: meant {write.quantity:f}, stored {held!r}{cut}"


def _other_locations(write: StockWrite, stored: Stored) -> Iterator[str]:
    held = {meta.get("key"): php.text(meta.get("value")) for meta in php.records(stored.json.get("meta_data"))}
    for key, quantity in write.meta.items():
        if held.get(key) != quantity:
            yield f"{key}: meant {quantity}, stored {held.get(key)!r}"


def _body(job: StockJob, *, managed: bool) -> ProductWrite:
    """The figure, whole; `manage_stock` is only in it when it shall be switched on."""
    write = job.write
    manage = {"manage_stock": True} if managed else {}
    meta = {"meta": write.meta} if write.locations else {}
    figure = {"stock_fraction" if write.quantity % 1 else "stock_quantity": write.quantity}
    return ProductWrite.model_validate({"id": job.target.product_id, **figure, **manage, **meta})


def _manage_stock(answer: Answer) -> bool | None:
    """Whether the shop manages its stock; None where it says something else, such as "parent"."""
    return php.flag(answer.json.get("manage_stock")) if isinstance(answer, Stored) else None


def _named(job: StockJob) -> str:
    product = f"product {job.target.product_id}"
    if job.target.parent_id:
        product = f"variation {job.target.product_id} of product {job.target.parent_id}"
    return f"{product} with SKU {job.write.sku}"


def _not_managed(job: StockJob, stored: Stored) -> str:
    if stored.json.get("manage_stock") == "parent":
        fix = "its parent manages the stock; let each variation manage its own stock in the shop"
    else:
        fix = (
            f"the shop keeps no stock for it (type {stored.json.get('type', 'variation')}); switch stock management on"
        )
    return f"{_named(job)}: {fix}"
