"""A row on which the upstream always fails delays only itself."""

from __future__ import annotations

import pytest

from services.engine.outbox.breaker import Breaker
from services.engine.outbox.lane import Row
from services.engine.outbox.outcome import Outcome, Retry
from services.engine.outbox.relay import RowQuarantine
from tests.outbox.bench import Bench
from tests.outbox.fake_upstream import Upstream, add_stock, done, eventually, have_left, run_relay


def _fail_first(row: Row) -> Outcome:
    return Retry("500 for this row") if row.key == "i0" else done(row)


@pytest.mark.claim("K13")
@pytest.mark.parametrize(("batch", "concurrency"), [(1, 1), (1, 4), (3, 2)])
async def test_the_other_rows_are_delivered_meanwhile(bench: Bench, batch: int, concurrency: int) -> None:
    # given a row on which the upstream always fails, before nine others
    upstream = Upstream(_fail_first)
    await add_stock(bench, *[f"i{n}" for n in range(10)])
    async with run_relay(bench, upstream, batch, concurrency):
        # then the others are delivered
        await eventually(have_left(bench, *[f"availability:i{n}" for n in range(1, 10)]), "delivery of the nine others")
        # and a later row does not wait for it
        await add_stock(bench, "i11")
        await eventually(have_left(bench, "availability:i11"), "delivery of the later row")
        # while it is retried until it succeeds
        await upstream.wait_for_calls(len(upstream.calls) + 2)
        upstream.answer = done
        await eventually(have_left(bench, "availability:i0"), "delivery of the failing row")
    assert await bench.dead_letters() == []


async def test_a_failing_row_does_not_open_the_breaker_for_the_others(bench: Bench) -> None:
    breaker = Breaker(lambda _: 0.01)
    upstream = Upstream(_fail_first)
    await add_stock(bench, "i0", "i1", "i2")
    async with run_relay(bench, upstream, breaker=breaker):
        await eventually(have_left(bench, "availability:i1", "availability:i2"), "the others")
        tries = len(upstream.calls)
        await upstream.wait_for_calls(tries + 3)
        assert breaker.state(0.0) == "closed"


def test_a_row_is_at_fault_only_if_others_were_answered_since_its_last_failure() -> None:
    quarantine = RowQuarantine(lambda count: float(count))
    assert not quarantine.failed(["a"], now=0)
    assert not quarantine.failed(["a", "b"], now=1)
    quarantine.answered(["c"])
    assert quarantine.failed(["a"], now=2)
    assert not quarantine.failed(["a", "new"], now=3)


def test_a_row_at_fault_waits_longer_each_time_until_it_is_answered() -> None:
    quarantine = RowQuarantine(lambda count: float(count))
    quarantine.failed(["a"], now=0)
    assert (quarantine.skipped(0, probing=False), quarantine.skipped(0, probing=True)) == (set(), {"a"})
    quarantine.answered(["b"])
    assert (quarantine.skipped(0, probing=False), quarantine.skipped(0, probing=True)) == (set(), {"a"})
    quarantine.failed(["a"], now=10)
    assert (quarantine.skipped(11, probing=False), quarantine.skipped(12, probing=False)) == ({"a"}, set())
    assert quarantine.pause(11) == 1
    quarantine.answered(["a"])
    assert "a" not in quarantine
    assert quarantine.pause(11) == float("inf")
