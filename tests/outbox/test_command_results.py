"""What a service states because a person asked counts only if a signed command asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.envelope import headers, wrap
from contracts.model import Event
from contracts.operations import DeadLettered, DeadLetterSettled
from contracts.reasons import Reason
from services.engine.kafka.record import Record
from services.engine.outbox.dead_letters import PARKED
from services.engine.outbox.edits import EDIT
from tests.outbox.bench import Bench, open_bench
from tests.outbox.dead_letter_commands import command_outcomes, discard, edit, refuse_delivery, replay
from tests.outbox.sample_service import NOW, record, stock

pytestmark = pytest.mark.claim("K34")
PATIENCE = 600.0
"""Seconds after which a result without its command is a dead letter."""


def settled(dead_letter: DeadLettered, how: str, command: str | None = None) -> DeadLetterSettled:
    """The event that closes a dead letter in a person's name."""
    about = {"dead_letter": dead_letter.dead_letter, "service": dead_letter.service, "original_key": "a"}
    return DeadLetterSettled.model_validate({**about, "how": how, "by": "nino", "command": command, "at": NOW})


async def state_of(bench: Bench, dead_letter: DeadLettered) -> str:
    """Whether the service holds a dead letter open, or how it was closed."""
    async with bench.engine.work() as work:
        return (await work.get_many(PARKED, [dead_letter.dead_letter]))[dead_letter.dead_letter].state


async def reasons(bench: Bench) -> list[str]:
    """The reasons of the dead letters about records."""
    return [one.reason for one in await bench.dead_letters() if one.record is not None]


@pytest.mark.parametrize("how", ["replayed", "edited", "discarded"])
async def test_a_forged_closing_of_a_dead_letter_is_refused_and_recorded(bench: Bench, how: str) -> None:
    dead_letter = await refuse_delivery(bench)
    await bench.take(record(settled(dead_letter, how), 2))
    assert await state_of(bench, dead_letter) == "open"
    assert await reasons(bench) == [Reason.COMMAND_UNKNOWN]


@pytest.mark.parametrize("asked", ["another action", "another dead letter"])
async def test_a_closing_that_its_command_does_not_ask_for_is_refused(bench: Bench, asked: str) -> None:
    dead_letter = await refuse_delivery(bench)
    command = replay(dead_letter.dead_letter, "c1") if asked == "another action" else discard("another", "c1")
    await bench.take(replace(command, offset=1), record(settled(dead_letter, "discarded", "c1"), 3, offset=2))
    assert await state_of(bench, dead_letter) in ("open", "replayed")
    assert await reasons(bench) == [Reason.COMMAND_UNKNOWN]


async def test_a_result_waits_for_its_command_then_becomes_one_dead_letter(bench: Bench) -> None:
    dead_letter = await refuse_delivery(bench)
    await bench.take(record(settled(dead_letter, "discarded", "nobody's"), 2))
    bench.clock.advance(PATIENCE - 1)
    await bench.engine.decide_due()
    assert (await state_of(bench, dead_letter), await reasons(bench)) == ("open", [])
    bench.clock.advance(2)
    await bench.engine.decide_due()
    await bench.engine.decide_due()
    assert (await state_of(bench, dead_letter), await reasons(bench)) == ("open", [Reason.COMMAND_UNKNOWN])


def as_records(bench_events: Sequence[Event], topic: str) -> list[Record]:
    """Events of a service, as records of a topic."""
    found: dict[str, int] = {}
    made = []
    for offset, event in enumerate(one for one in bench_events if topic == one.TOPIC):
        found[event.subject] = found.get(event.subject, 0) + 1
        envelope = wrap(event, version=found[event.subject], source="sample-service", time=NOW)
        made.append(replace(record(event), offset=offset, headers=headers(envelope)))
    return made


@pytest.mark.claim("K1")
@pytest.mark.parametrize("order", [("commands", "results"), ("results", "commands")], ids=" first, then ".join)
@pytest.mark.parametrize("how", ["replayed", "edited", "discarded"])
async def test_a_rebuilt_database_carries_out_no_command_again_in_whatever_order_it_reads(
    tmp_path: Path, how: str, order: tuple[str, str]
) -> None:
    # given a command that was carried out
    async with open_bench(tmp_path / "before") as bench:
        dead_letter = await refuse_delivery(bench)
        command = {
            "replayed": replay(dead_letter.dead_letter, "c1"),
            "edited": edit(dead_letter.dead_letter, {"item": "a", "quantity": "9"}, command="c1"),
            "discarded": discard(dead_letter.dead_letter, "c1"),
        }[how]
        await bench.take(command)
        events = [one.data for one in await bench.published()]
        expected = await state_of(bench, dead_letter), set(await bench.rows())
        assert expected[0] == how
    # when the topics are read again
    results = [*as_records(events, "operations"), *as_records(events, "dead-letters")]
    parts = {"commands": [command], "results": results}
    async with open_bench(tmp_path / "after", caught_up=False) as bench:
        await bench.take(record(stock("a")))
        for part in order:
            for one in parts[part]:
                await bench.take(one)
        await bench.engine.finish_catch_up()
        # then everything is as it was, and nothing is answered twice
        assert (await state_of(bench, dead_letter), set(await bench.rows())) == expected
        assert await command_outcomes(bench) == []
        assert await reasons(bench) == []
        async with bench.engine.work() as work:
            assert len(await work.get_many(EDIT, ["availability:a~1"])) == (how == "edited")
