"""A row on which the upstream fails each time holds up nobody but itself."""

from __future__ import annotations

import pytest

from services.engine.outbox.breaker import Breaker
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Outcome, Retry
from services.engine.outbox.relay import RowQuarantine
from tests.outbox.bench import Bench
from tests.outbox.upstream import Upstream, done, eventually, gone, relaying, stocked


def _spoiled(row: Row) -> Outcome:
    return Retry("500 on this one") if row.key == "i0" else done(row)


@pytest.mark.claim("K13")
@pytest.mark.parametrize(("batch", "concurrency"), [(1, 1), (1, 4), (3, 2)])
async def test_all_others_pass_it_by(bench: Bench, batch: int, concurrency: int) -> None:
    # given a row on which the upstream fails each time, before nine sound ones
    upstream = Upstream(_spoiled)
    await stocked(bench, *[f"i{n}" for n in range(10)])
    async with relaying(bench, upstream, batch, concurrency):
        # then those are delivered
        await eventually(gone(bench, *[f"shelf:i{n}" for n in range(1, 10)]), "the nine others")
        # and a later one need not wait for it either
        await stocked(bench, "i11")
        await eventually(gone(bench, "shelf:i11"), "a later one")
        # while it is tried again and again, and goes as soon as it can
        await upstream.reached(len(upstream.calls) + 2)
        upstream.answer = done
        await eventually(gone(bench, "shelf:i0"), "the row itself")
    assert await bench.letters() == []


async def test_it_does_not_open_the_breaker_for_the_others(bench: Bench) -> None:
    breaker = Breaker(lambda _: 0.01)
    upstream = Upstream(_spoiled)
    await stocked(bench, "i0", "i1", "i2")
    async with relaying(bench, upstream, breaker=breaker):
        await eventually(gone(bench, "shelf:i1", "shelf:i2"), "the others")
        tries = len(upstream.calls)
        await upstream.reached(tries + 3)
        assert breaker.state(0.0) == "closed"


def test_a_failure_is_the_rows_own_only_if_others_were_answered_since() -> None:
    aside = RowQuarantine(lambda count: float(count))
    assert not aside.failed(["a"], now=0)
    assert not aside.failed(["a", "b"], now=1)
    aside.answered(["c"])
    assert aside.failed(["a"], now=2)
    assert not aside.failed(["a", "new"], now=3)


def test_what_is_at_fault_itself_waits_longer_each_time_and_is_forgotten_when_answered() -> None:
    aside = RowQuarantine(lambda count: float(count))
    aside.failed(["a"], now=0)
    assert (aside.skipped(0, probing=False), aside.skipped(0, probing=True)) == (set(), {"a"})
    aside.answered(["b"])
    assert (aside.skipped(0, probing=False), aside.skipped(0, probing=True)) == (set(), {"a"})
    aside.failed(["a"], now=10)
    assert (aside.skipped(11, probing=False), aside.skipped(12, probing=False)) == ({"a"}, set())
    assert aside.pause(11) == 1
    aside.answered(["a"])
    assert "a" not in aside
    assert aside.pause(11) == float("inf")
