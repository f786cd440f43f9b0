"""Batches shrink to the size that an upstream accepts, and grow again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.reasons import Reason
from services.engine.outbox.batches import Batches
from services.engine.outbox.outcome import Refused, Retry, Unknown
from services.engine.outbox.upstream_errors import Rejected, Unavailable, UnknownOutcome


class Upstream:
    """Accepts so many records in one call."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.calls: list[int] = []

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.calls.append(len(items))
        if len(items) > self.limit:
            raise Rejected("too large", reason=Reason.SHOP_REFUSED, status=413)
        return [item * 2 for item in items]


@given(most=st.integers(1, 100), limit=st.integers(1, 100), count=st.integers(0, 300))
async def test_everything_arrives_once_and_in_order_for_any_limit_of_the_upstream(
    most: int, limit: int, count: int
) -> None:
    upstream, batches = Upstream(limit), Batches(most)
    assert await batches.send(upstream, range(count)) == [n * 2 for n in range(count)]
    assert all(size <= most for size in upstream.calls)


@pytest.mark.claim("K15")
async def test_a_size_that_was_too_large_is_rarely_tried_again() -> None:
    upstream, batches = Upstream(10), Batches(25)
    await batches.send(upstream, range(500))
    refused = [size for size in upstream.calls if size > 10]
    assert len(refused) < len(upstream.calls) / 4
    assert max(upstream.calls[5:]) <= 11


@pytest.mark.claim("K15")
async def test_the_size_grows_again_with_each_full_call() -> None:
    upstream, batches = Upstream(10), Batches(25)
    await batches.send(upstream, range(50))
    upstream.limit = 100
    await batches.send(upstream, range(1000))
    assert batches.size == 25
    await batches.send(upstream, range(3))
    assert batches.size == 25


async def test_an_unanswered_call_halves_the_batch_size() -> None:
    async def silent(_: Sequence[int]) -> list[int]:
        raise UnknownOutcome("no answer in time")

    batches = Batches(20)
    assert await batches.send(silent, range(20)) == [Unknown("no answer in time")] * 20
    assert batches.size == 10


async def test_nothing_more_is_sent_once_the_upstream_is_unavailable() -> None:
    calls: list[int] = []

    async def closed(items: Sequence[int]) -> list[int]:
        calls.append(len(items))
        raise Unavailable("503", retry_after=3)

    assert await Batches(10).send(closed, range(45)) == [Retry("503", 3)] * 45
    assert calls == [10]


async def test_only_the_record_that_is_too_large_is_refused() -> None:
    async def call(items: Sequence[int]) -> list[int]:
        if 7 in items:
            raise Rejected("too large", reason=Reason.SHOP_REFUSED, status=413)
        return list(items)

    found = await Batches(25).send(call, range(50))
    assert found == [Refused(Reason.SHOP_REFUSED, "too large") if n == 7 else n for n in range(50)]
