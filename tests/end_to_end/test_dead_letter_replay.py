"""An operator lists, replays and discards dead letters of running services."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from contracts.connect_headers import PREFIX
from contracts.operations import DeadLettered
from contracts.reasons import Reason
from services.demo.kafka import Broker
from services.engine.kafka.connection import create_reader
from tests.end_to_end import dead_letter_steps, journal
from tests.end_to_end.dead_letter_steps import (
    dead_letters,
    period_closed,
    place_refused_orders,
    results,
)
from tests.end_to_end.programs import DAVTARI
from tests.end_to_end.stage import ALL, Stage, stage
from tests.end_to_end.waiting import until

pytestmark = [
    pytest.mark.long,
    pytest.mark.kafka,
    pytest.mark.xdist_group("dead-letters"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
    pytest.mark.claim("S1.18"),
]
DONE, FAILED, WRONG_USE, NO_ANSWER, INTERRUPTED = 0, 1, 2, 3, 130


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("dead-letters"), kafka.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL))
        await made.closes()
        yield made


@pytest.mark.claim("K18")
async def test_dead_letters_are_filtered_and_grouped_with_the_role_that_resolves_them(stage: Stage) -> None:
    async with period_closed(stage):
        of_order = await place_refused_orders(stage, 3)
    first = min(of_order)
    grouped, data, one, none, soon = await asyncio.gather(
        dead_letters(stage, "group", "--exit-code"),
        dead_letters(stage, "group", "--json", "--lang", "ka"),
        dead_letters(stage, "list", "--order", str(first), "--shop", "main", "--flow", "orders", "--json"),
        dead_letters(stage, "list", "--flow", "refunds", "--exit-code"),
        dead_letters(stage, "list", "--until", "1h", "--json"),
    )
    assert grouped.code == FAILED, grouped.err
    for text in ("accountant", "balance.period-closed", "replay --reason-code balance.period-closed", "deliver"):
        assert text in grouped.out, grouped.out
    (group,) = data.json
    assert (group["open"], group["owner"], group["resolves_by_itself"]) == (3, "accountant", False)
    assert "პერიოდი" in group["fix"]
    assert [letter["dead_letter"] for letter in one.json] == [of_order[first]]
    assert (none.code, "Nothing needs a person" in none.out) == (DONE, True)
    assert soon.json == []


async def test_a_wrong_argument_is_refused_with_the_correct_usage(stage: Stage) -> None:
    cases = {
        ("list", "--reason-code", "balance.period-close"): "balance.period-closed",
        ("list", "--since", "yesterday"): "2h",
        ("replay",): "--all",
        ("discard", "0000", "--reason", "  "): "state why",
    }
    for said, usage in zip(
        await asyncio.gather(*[dead_letters(stage, *case) for case in cases]), cases.values(), strict=True
    ):
        assert (said.code, usage in said.err, said.out) == (WRONG_USE, True, ""), said.err


async def test_a_bulk_replay_after_a_dry_run_completes_the_books(stage: Stage) -> None:
    # given the three orders, whose period is open again
    puts = await journal.writes(stage.world.balance)
    plain, dry_run = await asyncio.gather(
        dead_letters(stage, "replay", "--reason-code", "balance.period-closed", "--dry-run"),
        dead_letters(stage, "replay", "--all", "--dry-run", "--json"),
    )
    # then the dry run lists the routes, and nothing happens
    assert plain.code == DONE, plain.err
    assert "sent to" in plain.out
    assert "balance.documents" in plain.out
    assert "3 would be replayed, 0 held back" in plain.out
    assert dry_run.json["reasons"] == {"balance.period-closed": 3}
    assert await journal.writes(stage.world.balance) == puts
    assert len(stage.ledger.open_dead_letters) == 3
    # and the replay reports a result for each
    done = await dead_letters(stage, "replay", "--reason-code", "balance.period-closed", "--rate", "20", "--json")
    assert (done.code, set(results(done).values())) == (DONE, {"done"}), done.out + done.err
    assert all(one["message"].startswith("Sale ") for one in done.json)
    await stage.closes()
    # and a second one finds nothing to do
    again = await dead_letters(stage, "replay", "--all")
    assert (again.code, "nothing to replay" in again.out) == (DONE, True), again.out


async def test_an_interrupted_replay_is_continued_by_the_same_command(stage: Stage) -> None:
    # given dead letters, and a slow replay that is interrupted when some are done
    async with period_closed(stage):
        of_order = await place_refused_orders(stage, 4)
    slow = await asyncio.create_subprocess_exec(
        *(DAVTARI, "--settings", "davtari.toml", "dead-letters", "replay", "--all", "--rate", "0.4"),
        cwd=stage.world.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    await stage.until(lambda: len(stage.ledger.open_dead_letters) < 4, "the first is replayed")
    slow.send_signal(signal.SIGINT)
    _, output = await slow.communicate()
    assert (slow.returncode, b"Rerun the same command to continue" in output) == (INTERRUPTED, True), output
    left = set(stage.ledger.open_dead_letters)
    assert 0 < len(left) < len(of_order)
    # when it is started again, then it takes up the rest, and nothing is written twice (the closing check counts)
    rest = await dead_letters(stage, "replay", "--all", "--rate", "20", "--json")
    assert (rest.code, set(results(rest).values())) == (DONE, {"done"}), rest.out
    assert set(results(rest)) <= left
    await stage.closes()


async def test_a_dead_letter_that_failed_repeatedly_is_held_back_in_bulk_but_not_by_id(stage: Stage) -> None:
    async with period_closed(stage):
        ((order, letter),) = (await place_refused_orders(stage, 1)).items()
        # given three replays that failed again
        for _ in range(3):
            said = await dead_letters(stage, "replay", letter[:8], "--json")
            assert (said.code, results(said)) == (FAILED, {letter: "failed again"}), said.out + said.err
        # then a bulk replay holds it back and states why
        bulk = await dead_letters(stage, "replay", "--all", "--json")
        assert (bulk.code, results(bulk)) == (FAILED, {letter: "held back"})
        assert "replayed 3 times without success" in bulk.json[0]["message"]
        assert "3 times without success" in (await dead_letters(stage, "list")).out
    # and a replay by id sends it
    named = await dead_letters(stage, "replay", letter[:8])
    assert (named.code, "done: Sale" in named.out) == (DONE, True), named.out
    await stage.closes()
    assert f"main:{order}" in stage.ledger.sales


async def test_the_replay_of_a_deleted_order_is_held_back(stage: Stage) -> None:
    async with period_closed(stage):
        ((order, letter),) = (await place_refused_orders(stage, 1)).items()
    puts = await journal.writes(stage.world.balance)
    gone: dict[str, Any] = {"kind": "status", "match": f"GET /wp-json/wc/v3/orders/{order}$", "status": 404}
    body = '{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID.","data":{"status":404}}'
    async with journal.trouble(stage.world.shop, **gone, body=body):
        said = await dead_letters(stage, "replay", letter[:8])
        table = await dead_letters(stage, "replay", letter[:8], "--dry-run")
    assert said.code == FAILED
    assert f"order {order} does not exist in shop main (404)" in said.out
    assert f"davtari dead-letters discard {letter[:8]}" in said.out
    assert "0 would be replayed, 1 held back" in table.out
    assert await journal.writes(stage.world.balance) == puts
    # and once the shop has the order, it is sent
    assert (await dead_letters(stage, "replay", letter[:8])).code == DONE
    await stage.closes()


async def test_a_discarded_dead_letter_is_listed_with_who_when_and_why(stage: Stage) -> None:
    async with period_closed(stage):
        ((order, letter),) = (await place_refused_orders(stage, 1)).items()
    stage.given_up.add(order)
    began = datetime.now(UTC) - timedelta(seconds=5)
    said = await dead_letters(stage, "discard", letter[:8], "--reason", "booked by hand")
    assert said.code == DONE, said.err
    closed = (await dead_letters(stage, "list", "--closed", "--order", str(order), "--json")).json[0]["settled"]
    assert (closed["how"], closed["why"]) == ("discarded", "booked by hand")
    assert closed["by"]
    assert datetime.fromisoformat(closed["at"]) >= began
    plain = await dead_letters(stage, "list", "--closed")
    assert "booked by hand" in plain.out.replace("\n", " ") or "booked" in plain.out
    assert (await dead_letters(stage, "replay", letter[:8])).out.count("nothing to do") >= 1


@pytest.mark.claim("K18")
async def test_ordinary_kafka_tools_can_read_the_cause(stage: Stage) -> None:
    consumer = create_reader(stage.settings.kafka, ["dead-letters"])
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            found = await anext(
                each
                async for each in dead_letter_steps.record_headers(consumer)
                if each["ce_type"] == DeadLettered.TYPE
            )
    finally:
        await consumer.stop()
    assert found[PREFIX + "exception.class.name"] in set(Reason)
    assert found[PREFIX + "connector.name"] in ALL


async def test_without_services_a_replay_reports_no_answer(stage: Stage) -> None:
    async with period_closed(stage):
        ((order, letter),) = (await place_refused_orders(stage, 1)).items()
        await stage.programs.stop("up")
        said = await dead_letters(stage, "replay", letter[:8], "--patience", "2")
        assert (said.code, "check that it runs" in said.out) == (NO_ANSWER, True), said.out
    # and the command is processed when they run again
    await stage.programs.start("up", services=len(ALL))
    await stage.closes()
    assert f"main:{order}" in stage.ledger.sales


async def test_no_dead_letter_is_left_open(stage: Stage) -> None:
    await stage.closes()

    async def rested() -> bool:
        return not stage.ledger.open_dead_letters

    await until(rested, "no dead letter is open")
    assert "Nothing needs a person" in (await dead_letters(stage, "group", "--exit-code")).out
