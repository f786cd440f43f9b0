"""A batch that is refused as a whole is halved until the faulty item is alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.reasons import Reason
from services.engine.outbox.batches import call_isolated
from services.engine.outbox.outcome import Outcome, Refused, Retry, Unknown
from services.engine.outbox.upstream_errors import Rejected, Unavailable, UnknownOutcome, UpstreamError


async def split(items: Sequence[int], bad: set[int]) -> tuple[list[int | Outcome], int]:
    """The results and the number of calls."""
    calls = 0

    async def call(batch: Sequence[int]) -> Sequence[int]:
        nonlocal calls
        calls += 1
        if bad & set(batch):
            raise Rejected("no", reason=Reason.SHOP_REFUSED)
        return [item * 2 for item in batch]

    return await call_isolated(call, items), calls


@pytest.mark.claim("K13")
@given(st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(list(range(n))), st.sets(st.integers(0, max(n - 1, 0))))))
async def test_only_the_faulty_items_are_refused(case: tuple[list[int], set[int]]) -> None:
    items, bad = case
    results, _ = await split(items, bad)
    assert results == [Refused(Reason.SHOP_REFUSED, "no") if item in bad else item * 2 for item in items]


@pytest.mark.claim("K13")
async def test_one_faulty_item_among_a_thousand_takes_few_calls() -> None:
    results, calls = await split(list(range(1000)), {0})
    assert sum(isinstance(result, Refused) for result in results) == 1
    assert calls <= 21


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(Unavailable("503", retry_after=3), Retry("503", 3)), (UnknownOutcome("timed out"), Unknown("timed out"))],
    ids=["unavailable", "unknown"],
)
async def test_any_other_error_applies_to_every_item(error: UpstreamError, outcome: Outcome) -> None:
    async def call(_: Sequence[int]) -> Sequence[int]:
        raise error

    assert await call_isolated(call, [1, 2, 3]) == [outcome] * 3
