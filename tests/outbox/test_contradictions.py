"""A record that differs without being newer is reported, and the latest statement is published again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.balance import StockChanged
from contracts.envelope import Envelope, headers, value, wrap
from contracts.reasons import Reason
from services.engine.kafka.record import Record
from tests.outbox.bench import Bench, open_bench
from tests.outbox.sample_service import NAME, NOW, record_of, stock

pytestmark = pytest.mark.claim("K32")
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)


def stated(quantity: int, version: int, at: timedelta = timedelta(), source: str = NAME) -> Envelope[StockChanged]:
    """A statement of the stock of item `a`, so long after `NOW`."""
    return wrap(stock("a", quantity), version=version, source=source, time=NOW + at)


def records(*envelopes: Envelope[StockChanged]) -> Sequence[Record]:
    """The envelopes as records of one partition."""
    return [
        Record(f"davtari.{one.data.TOPIC}", 0, offset, 0, one.data.key.encode(), value(one), headers(one))
        for offset, one in enumerate(envelopes)
    ]


async def restated(bench: Bench) -> list[tuple[int, int]]:
    """(version, pieces) of each statement published again."""
    found = [one for one in await bench.published() if isinstance(one.data, StockChanged)]
    return [(one.sequence, int(one.data.rows[0].quantity)) for one in found if isinstance(one.data, StockChanged)]


HOUR = timedelta(hours=1)
FIVE = stated(5, version=5)
SILENT = {
    "the same record twice": [FIVE, FIVE],
    "an older record that was sent again": [stated(4, 4, -HOUR), FIVE, stated(4, 4, -HOUR)],
    "a correction by a person": [FIVE, replace(stated(6, 5, HOUR), replayof="a dead letter")],
    "a newer record": [FIVE, stated(6, 6, HOUR)],
    "a record that was corrected since": [FIVE, stated(6, 5, HOUR), stated(6, 6, HOUR)],
}
RESTATED = {
    "the same version with another value": ([FIVE, stated(7, 5, HOUR)], (6, 7)),
    "a lower version that was stated later": ([FIVE, stated(7, 4, HOUR)], (6, 7)),
    "the same version, stated before the known one": ([FIVE, stated(7, 5, -HOUR)], (6, 7)),
    "two contradictions: the last one counts": ([FIVE, stated(7, 4, HOUR), stated(8, 5, 2 * HOUR)], (6, 8)),
}


@pytest.mark.parametrize("envelopes", SILENT.values(), ids=SILENT)
async def test_a_record_without_a_contradiction_is_not_reported(
    tmp_path: Path, envelopes: list[Envelope[StockChanged]]
) -> None:
    async with open_bench(tmp_path, caught_up=False) as bench:
        await bench.take(*records(*envelopes))
        await bench.engine.finish_catch_up()
        assert await restated(bench) == []
        assert await bench.dead_letters() == []


@pytest.mark.parametrize("caught_up", [True, False], ids=["running", "rebuilding"])
@pytest.mark.parametrize(("envelopes", "expected"), RESTATED.values(), ids=RESTATED)
async def test_the_writer_publishes_the_latest_statement_again_and_reports_the_contradiction(
    tmp_path: Path, envelopes: list[Envelope[StockChanged]], expected: tuple[int, int], *, caught_up: bool
) -> None:
    async with open_bench(tmp_path, caught_up=caught_up) as bench:
        await bench.take(*records(*envelopes))
        if not caught_up:
            await bench.engine.finish_catch_up()
        # then the latest statement is published once, for every reader
        assert await restated(bench) == [expected]
        # and the contradiction is recorded as a dead letter that is closed
        dead_letter, closed = (await bench.dead_letters())[-1], (await bench.closed_dead_letters())[-1]
        assert (dead_letter.reason, closed.how, closed.dead_letter) == (
            Reason.RECORD_CONTRADICTION,
            "overtaken",
            dead_letter.dead_letter,
        )


async def test_a_contradiction_of_another_writer_only_triggers_a_check_of_the_log(tmp_path: Path) -> None:
    doubts: list[int] = []
    async with open_bench(tmp_path) as bench:
        bench.engine.on_contradiction = lambda: doubts.append(1)
        foreign = [stated(5, 5, source="balance-feed"), stated(7, 4, HOUR, source="balance-feed")]
        await bench.take(*records(foreign[0]))
        assert not doubts
        await bench.take(*records(foreign[1]))
        assert doubts
        assert await restated(bench) == []
        assert await bench.dead_letters() == []


async def test_a_second_writer_is_one_dead_letter_per_subject(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.take(*records(stated(5, 5)))
        for n in range(1, 4):
            found = stated(5 + n, 5, n * HOUR)
            await bench.take(record_of(found, 10 + n))
        opened = await bench.dead_letters()
        assert [dead_letter.returns for dead_letter in opened] == [0, 1, 2]
        assert len({dead_letter.dead_letter for dead_letter in opened}) == 1
