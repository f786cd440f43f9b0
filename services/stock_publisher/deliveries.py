"""Writing stock figures into a shop, in batches, and believing only the echo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Protocol

from contracts.reasons import Reason
from services.shared.delivery.batches import Batches
from services.shared.delivery.outcome import Done, Outcome, Refused
from services.shared.delivery.row import Row
from services.shared.telemetry import meters
from services.shared.woocommerce.batch import LIMIT, ItemResult, NotStored, Stored
from services.shared.woocommerce.product_write import ProductWrite
from services.stock_publisher.stock_write import StockWrite

PRODUCTS = 0
"""The parent of what is no variation."""


class Shop(Protocol):
    """The part of a shop that stock is written through."""

    async def update_products(self, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...

    async def update_variations(self, parent_id: int, writes: Sequence[ProductWrite]) -> Sequence[ItemResult]: ...


@dataclass(frozen=True, slots=True)
class Job:
    """A row with its figure."""

    id: str
    write: StockWrite


Send = Callable[[Sequence[ProductWrite]], Awaitable[Sequence[ItemResult]]]
Answers = dict[str, ItemResult | Outcome]
"""By row id."""


class Deliveries:
    """The stock deliveries of one shop. Figures are absolute, so that any of them may be sent again.

    A product is told to manage its stock together with the figure. A variation gets the figure alone at first: when its
    echo says that the parent manages the stock, the figure would be every sister's, and is refused (claim K11); only
    one that nobody manages is told to manage its own.
    """

    def __init__(self, shop: Shop, now: Callable[[], datetime], most: int = LIMIT) -> None:
        self._shop, self._now = shop, now
        self._batches = Batches(most)

    async def __call__(self, rows: Sequence[Row]) -> list[Outcome]:
        """One outcome per row, in order. Upstream failures become outcomes; none is raised."""
        jobs = [Job(row.id, StockWrite.model_validate(row.payload)) for row in rows]
        families: dict[int, list[Job]] = defaultdict(list)
        for job in jobs:
            families[job.write.parent_id].append(job)
        answers: Answers = {}
        for parent_id, family in families.items():
            answers |= await self._send(parent_id, family)
        return [self._outcome(job.write, answers[job.id]) for job in jobs]

    async def _send(self, parent_id: int, family: Sequence[Job]) -> Answers:
        if parent_id == PRODUCTS:
            return await self._answers(self._shop.update_products, family, managed=True)
        send = partial(self._shop.update_variations, parent_id)
        answers = await self._answers(send, family, managed=False)
        unmanaged = [job for job in family if _manage_stock(answers[job.id]) is False]
        return answers | await self._answers(send, unmanaged, managed=True)

    async def _answers(self, send: Send, jobs: Sequence[Job], *, managed: bool) -> Answers:
        answered = await self._batches.send(send, [_body(job.write, managed=managed) for job in jobs])
        return {job.id: answer for job, answer in zip(jobs, answered, strict=True)}

    def _outcome(self, write: StockWrite, answer: ItemResult | Outcome) -> Outcome:
        match answer:
            case Stored():
                return self._echoed(write, answer)
            case NotStored(reason=reason, message=message):
                return Refused(reason, f"stock of {_named(write)}: {message}")
            case outcome:
                return outcome

    def _echoed(self, write: StockWrite, stored: Stored) -> Outcome:
        """API fact: what is not managed answers 200 and keeps no figure."""
        if stored.json.get("manage_stock") is not True:
            return Refused(Reason.SHOP_STOCK_NOT_MANAGED, _not_managed(write, stored))
        if differs := [*_other_figure(write, stored), *_other_locations(write, stored)]:
            return Refused(Reason.SHOP_ECHO_DIFFERS, f"{_named(write)}: {'; '.join(differs)}")
        self._measure(write)
        return Done((write.published("live", self._now()),))

    def _measure(self, write: StockWrite) -> None:
        """How old the news of an item was when the shop had it (claim S3.14)."""
        if write.answers_reading:
            age = (self._now() - write.stock_seen_at).total_seconds()
            meters.STOCK_FRESHNESS.labels(write.shop).observe(max(0.0, age))


def _other_figure(write: StockWrite, stored: Stored) -> Iterator[str]:
    held = stored.json.get("stock_quantity")
    if held is None or Decimal(str(held)) != write.quantity:
        cut = " (this shop cuts fractions off: set stock.step to 1)" if write.quantity % 1 else ""
        yield f"stock_quantity: meant {write.quantity:f}, stored {held!r}{cut}"


def _other_locations(write: StockWrite, stored: Stored) -> Iterator[str]:
    held = {meta.get("key"): meta.get("value") for meta in stored.json.get("meta_data", ())}
    for key, quantity in write.meta.items():
        if held.get(key) != quantity:
            yield f"{key}: meant {quantity}, stored {held.get(key)!r}"


def _body(write: StockWrite, *, managed: bool) -> ProductWrite:
    """The figure, whole; `manage_stock` is only in it when it shall be switched on."""
    manage = {"manage_stock": True} if managed else {}
    meta = {"meta": write.meta} if write.locations else {}
    figure = {"stock_fraction" if write.quantity % 1 else "stock_quantity": write.quantity}
    return ProductWrite.model_validate({"id": write.product_id, **figure, **manage, **meta})


def _manage_stock(answer: ItemResult | Outcome) -> object:
    return answer.json.get("manage_stock") if isinstance(answer, Stored) else None


def _named(write: StockWrite) -> str:
    product = f"product {write.product_id}"
    if write.parent_id:
        product = f"variation {write.product_id} of product {write.parent_id}"
    return f"{product} with SKU {write.sku}"


def _not_managed(write: StockWrite, stored: Stored) -> str:
    if stored.json.get("manage_stock") == "parent":
        fix = "its parent manages the stock; let each variation manage its own stock in the shop"
    else:
        fix = (
            f"the shop keeps no stock for it (type {stored.json.get('type', 'variation')}); switch stock management on"
        )
    return f"{_named(write)}: {fix}"
