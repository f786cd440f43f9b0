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
from tests.end_to_end import dead_letter_steps, sandbox_requests
from tests.end_to_end.dead_letter_steps import (
    close_period,
    place_refused_orders,
    read_results,
    run_dead_letters,
)
from tests.end_to_end.programs import DAVTARI
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system
from tests.end_to_end.waiting import wait_until

pytestmark = [
    pytest.mark.long,
    pytest.mark.kafka,
    pytest.mark.xdist_group("dead-letters"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
    pytest.mark.claim("S1.18"),
]
DONE, FAILED, WRONG_USE, NO_ANSWER, INTERRUPTED = 0, 1, 2, 3, 130


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    async with start_system(tmp_path_factory.mktemp("dead-letters"), kafka.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL_SERVICES))
        await made.wait_until_consistent()
        yield made


@pytest.mark.claim("K18")
async def test_dead_letters_are_filtered_and_grouped_with_the_role_that_resolves_them(system: SystemUnderTest) -> None:
    async with close_period(system):
        of_order = await place_refused_orders(system, 3)
    first = min(of_order)
    grouped, data, one, none, soon = await asyncio.gather(
        run_dead_letters(system, "group", "--exit-code"),
        run_dead_letters(system, "group", "--json", "--lang", "ka"),
        run_dead_letters(system, "list", "--order", str(first), "--shop", "main", "--flow", "orders", "--json"),
        run_dead_letters(system, "list", "--flow", "refunds", "--exit-code"),
        run_dead_letters(system, "list", "--until", "1h", "--json"),
    )
    assert grouped.code == FAILED, grouped.err
    for text in ("accountant", "balance.period-closed", "replay --reason-code balance.period-closed", "deliver"):
        assert text in grouped.out, grouped.out
    (group,) = data.json
    assert (group["open"], group["owner"], group["resolves_by_itself"]) == (3, "accountant", False)
    assert "პერიოდი" in group["fix"]
    assert [dead_letter["dead_letter"] for dead_letter in one.json] == [of_order[first]]
    assert (none.code, "Nothing needs a person" in none.out) == (DONE, True)
    assert soon.json == []


async def test_a_wrong_argument_is_refused_with_the_correct_usage(system: SystemUnderTest) -> None:
    cases = {
        ("list", "--reason-code", "balance.period-close"): "balance.period-closed",
        ("list", "--since", "yesterday"): "2h",
        ("replay",): "--all",
        ("discard", "0000", "--reason", "  "): "state why",
    }
    for result, usage in zip(
        await asyncio.gather(*[run_dead_letters(system, *case) for case in cases]), cases.values(), strict=True
    ):
        assert (result.code, usage in result.err, result.out) == (WRONG_USE, True, ""), result.err


async def test_a_bulk_replay_after_a_dry_run_completes_the_books(system: SystemUnderTest) -> None:
    # given the three orders, whose period is open again
    puts = await sandbox_requests.count_writes(system.world.balance)
    plain, dry_run = await asyncio.gather(
        run_dead_letters(system, "replay", "--reason-code", "balance.period-closed", "--dry-run"),
        run_dead_letters(system, "replay", "--all", "--dry-run", "--json"),
    )
    # then the dry run lists the routes, and nothing happens
    assert plain.code == DONE, plain.err
    assert "sent to" in plain.out
    assert "balance.documents" in plain.out
    assert "3 would be replayed, 0 held back" in plain.out
    assert dry_run.json["reasons"] == {"balance.period-closed": 3}
    assert await sandbox_requests.count_writes(system.world.balance) == puts
    assert len(system.ledger.open_dead_letters) == 3
    # and the replay reports a result for each
    done = await run_dead_letters(system, "replay", "--reason-code", "balance.period-closed", "--rate", "20", "--json")
    assert (done.code, set(read_results(done).values())) == (DONE, {"done"}), done.out + done.err
    assert all(one["message"].startswith("Sale ") for one in done.json)
    await system.wait_until_consistent()
    # and a second one finds nothing to do
    again = await run_dead_letters(system, "replay", "--all")
    assert (again.code, "nothing to replay" in again.out) == (DONE, True), again.out


async def test_an_interrupted_replay_is_continued_by_the_same_command(system: SystemUnderTest) -> None:
    # given dead letters, and a slow replay that is interrupted when some are done
    async with close_period(system):
        of_order = await place_refused_orders(system, 4)
    slow = await asyncio.create_subprocess_exec(
        *(DAVTARI, "--settings", "davtari.toml", "dead-letters", "replay", "--all", "--rate", "0.4"),
        cwd=system.world.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    await system.wait_until(lambda: len(system.ledger.open_dead_letters) < 4, "the first is replayed")
    slow.send_signal(signal.SIGINT)
    _, output = await slow.communicate()
    assert (slow.returncode, b"Rerun the same command to continue" in output) == (INTERRUPTED, True), output
    left = set(system.ledger.open_dead_letters)
    assert 0 < len(left) < len(of_order)
    # when the command is run again, then it replays the rest, and nothing is written twice (see the consistency check)
    rest = await run_dead_letters(system, "replay", "--all", "--rate", "20", "--json")
    assert (rest.code, set(read_results(rest).values())) == (DONE, {"done"}), rest.out
    assert set(read_results(rest)) <= left
    await system.wait_until_consistent()


async def test_a_dead_letter_that_failed_repeatedly_is_held_back_in_bulk_but_not_by_id(system: SystemUnderTest) -> None:
    async with close_period(system):
        ((order, dead_letter),) = (await place_refused_orders(system, 1)).items()
        # given three replays that failed again
        for _ in range(3):
            result = await run_dead_letters(system, "replay", dead_letter[:8], "--json")
            assert (result.code, read_results(result)) == (FAILED, {dead_letter: "failed again"}), (
                result.out + result.err
            )
        # then a bulk replay holds it back and states why
        bulk = await run_dead_letters(system, "replay", "--all", "--json")
        assert (bulk.code, read_results(bulk)) == (FAILED, {dead_letter: "held back"})
        assert "replayed 3 times without success" in bulk.json[0]["message"]
        assert "3 times without success" in (await run_dead_letters(system, "list")).out
    # and a replay by id sends it
    named = await run_dead_letters(system, "replay", dead_letter[:8])
    assert (named.code, "done: Sale" in named.out) == (DONE, True), named.out
    await system.wait_until_consistent()
    assert f"main:{order}" in system.ledger.sales


async def test_the_replay_of_a_deleted_order_is_held_back(system: SystemUnderTest) -> None:
    async with close_period(system):
        ((order, dead_letter),) = (await place_refused_orders(system, 1)).items()
    puts = await sandbox_requests.count_writes(system.world.balance)
    gone: dict[str, Any] = {"kind": "status", "match": f"GET /wp-json/wc/v3/orders/{order}$", "status": 404}
    body = '{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID.","data":{"status":404}}'
    async with sandbox_requests.inject_fault(system.world.shop, **gone, body=body):
        result = await run_dead_letters(system, "replay", dead_letter[:8])
        table = await run_dead_letters(system, "replay", dead_letter[:8], "--dry-run")
    assert result.code == FAILED
    assert f"order {order} does not exist in shop main (404)" in result.out
    assert f"davtari dead-letters discard {dead_letter[:8]}" in result.out
    assert "0 would be replayed, 1 held back" in table.out
    assert await sandbox_requests.count_writes(system.world.balance) == puts
    # and once the shop has the order, it is sent
    assert (await run_dead_letters(system, "replay", dead_letter[:8])).code == DONE
    await system.wait_until_consistent()


async def test_a_discarded_dead_letter_is_listed_with_who_when_and_why(system: SystemUnderTest) -> None:
    async with close_period(system):
        ((order, dead_letter),) = (await place_refused_orders(system, 1)).items()
    system.given_up.add(order)
    began = datetime.now(UTC) - timedelta(seconds=5)
    result = await run_dead_letters(system, "discard", dead_letter[:8], "--reason", "booked by hand")
    assert result.code == DONE, result.err
    closed = (await run_dead_letters(system, "list", "--closed", "--order", str(order), "--json")).json[0]["settled"]
    assert (closed["how"], closed["why"]) == ("discarded", "booked by hand")
    assert closed["by"]
    assert datetime.fromisoformat(closed["at"]) >= began
    plain = await run_dead_letters(system, "list", "--closed")
    assert "booked by hand" in plain.out.replace("\n", " ") or "booked" in plain.out
    assert (await run_dead_letters(system, "replay", dead_letter[:8])).out.count("nothing to do") >= 1


@pytest.mark.claim("K18")
async def test_ordinary_kafka_tools_can_read_the_cause(system: SystemUnderTest) -> None:
    consumer = create_reader(system.settings.kafka, ["dead-letters"])
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            found = await anext(
                each
                async for each in dead_letter_steps.read_record_headers(consumer)
                if each["ce_type"] == DeadLettered.TYPE
            )
    finally:
        await consumer.stop()
    assert found[PREFIX + "exception.class.name"] in set(Reason)
    assert found[PREFIX + "connector.name"] in ALL_SERVICES


async def test_without_services_a_replay_reports_no_answer(system: SystemUnderTest) -> None:
    async with close_period(system):
        ((order, dead_letter),) = (await place_refused_orders(system, 1)).items()
        await system.programs.stop("up")
        result = await run_dead_letters(system, "replay", dead_letter[:8], "--patience", "2")
        assert (result.code, "check that it runs" in result.out) == (NO_ANSWER, True), result.out
    # and the command is processed when they run again
    await system.programs.start("up", services=len(ALL_SERVICES))
    await system.wait_until_consistent()
    assert f"main:{order}" in system.ledger.sales


async def test_no_dead_letter_is_left_open(system: SystemUnderTest) -> None:
    await system.wait_until_consistent()

    async def rested() -> bool:
        return not system.ledger.open_dead_letters

    await wait_until(rested, "no dead letter is open")
    assert "Nothing needs a person" in (await run_dead_letters(system, "group", "--exit-code")).out
