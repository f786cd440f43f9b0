"""A record that is not newer, yet says something else, is reported and stated again; a repetition is neither."""

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
from tests.outbox.shelf import NAME, NOW, stock

pytestmark = pytest.mark.claim("K32")
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)


def stated(quantity: int, version: int, at: timedelta = timedelta(), source: str = NAME) -> Envelope[StockChanged]:
    """So many pieces of the item `a`, stated by this service so long after noon."""
    return wrap(stock("a", quantity), version=version, source=source, time=NOW + at)


def records(*envelopes: Envelope[StockChanged]) -> Sequence[Record]:
    """The envelopes as records of one partition."""
    return [
        Record(f"davtari.{one.data.TOPIC}", 0, offset, 0, one.data.key.encode(), value(one), headers(one))
        for offset, one in enumerate(envelopes)
    ]


async def restated(bench: Bench) -> list[tuple[int, int]]:
    """(version, pieces) of what was stated again."""
    said = [one for one in await bench.published() if isinstance(one.data, StockChanged)]
    return [(one.sequence, int(one.data.rows[0].quantity)) for one in said if isinstance(one.data, StockChanged)]


HOUR = timedelta(hours=1)
FIVE = stated(5, version=5)
SILENT = {
    "the same record twice": [FIVE, FIVE],
    "an older one, which was sent again": [stated(4, 4, -HOUR), FIVE, stated(4, 4, -HOUR)],
    "a correction by a person": [FIVE, replace(stated(6, 5, HOUR), replayof="a letter")],
    "a newer one": [FIVE, stated(6, 6, HOUR)],
    "one that was put right since": [FIVE, stated(6, 5, HOUR), stated(6, 6, HOUR)],
}
RESTATED = {
    "the same version with something else": ([FIVE, stated(7, 5, HOUR)], (6, 7)),
    "a lower version that was stated later": ([FIVE, stated(7, 4, HOUR)], (6, 7)),
    "the same version, stated before the known one": ([FIVE, stated(7, 5, -HOUR)], (6, 7)),
    "two of them: the last one counts": ([FIVE, stated(7, 4, HOUR), stated(8, 5, 2 * HOUR)], (6, 8)),
}


@pytest.mark.parametrize("told", SILENT.values(), ids=SILENT)
async def test_what_contradicts_nothing_is_taken_without_a_word(
    tmp_path: Path, told: list[Envelope[StockChanged]]
) -> None:
    async with open_bench(tmp_path, caught_up=False) as bench:
        await bench.take(*records(*told))
        await bench.engine.finish_catch_up()
        assert await restated(bench) == []
        assert await bench.letters() == []


@pytest.mark.parametrize("caught_up", [True, False], ids=["as it comes", "while all topics are read again"])
@pytest.mark.parametrize(("told", "expected"), RESTATED.values(), ids=RESTATED)
async def test_its_writer_states_a_contradiction_again_as_the_newest_version_and_reports_it(
    tmp_path: Path, told: list[Envelope[StockChanged]], expected: tuple[int, int], *, caught_up: bool
) -> None:
    async with open_bench(tmp_path, caught_up=caught_up) as bench:
        await bench.take(*records(*told))
        if not caught_up:
            await bench.engine.finish_catch_up()
        # then every reader is told, once
        assert await restated(bench) == [expected]
        # and it is on record that this happened
        letter, closed = (await bench.letters())[-1], (await bench.closed())[-1]
        assert (letter.reason, closed.how, closed.dead_letter) == (
            Reason.RECORD_CONTRADICTION,
            "overtaken",
            letter.dead_letter,
        )


async def test_a_contradiction_of_another_writer_is_left_to_it_and_the_log_is_doubted(tmp_path: Path) -> None:
    doubts: list[int] = []
    async with open_bench(tmp_path) as bench:
        bench.engine.on_contradiction = lambda: doubts.append(1)
        foreign = [stated(5, 5, source="balance-feed"), stated(7, 4, HOUR, source="balance-feed")]
        await bench.take(*records(foreign[0]))
        assert not doubts
        await bench.take(*records(foreign[1]))
        assert doubts
        assert await restated(bench) == []
        assert await bench.letters() == []
