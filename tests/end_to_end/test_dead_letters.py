"""Dead letters as an operator works with them, against running services: look, try again, put right, give up."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from contracts.connect_headers import PREFIX
from contracts.envelope import headers
from contracts.operations import DeadLettered, EditRequested
from contracts.reasons import Reason
from services.demo.kafka import Broker
from services.engine.kafka.connection import create_reader
from tests.end_to_end import journal, letter_desk
from tests.end_to_end.letter_desk import OPEN, letters, period_closed, refused, results
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
async def test_they_are_chosen_grouped_and_told_with_the_role_that_mends_them(stage: Stage) -> None:
    async with period_closed(stage):
        of_order = await refused(stage, 3)
    first = min(of_order)
    grouped, data, one, none, soon = await asyncio.gather(
        letters(stage, "group", "--exit-code"),
        letters(stage, "group", "--json", "--lang", "ka"),
        letters(stage, "list", "--order", str(first), "--shop", "main", "--flow", "orders", "--json"),
        letters(stage, "list", "--flow", "refunds", "--exit-code"),
        letters(stage, "list", "--until", "1h", "--json"),
    )
    assert grouped.code == FAILED, grouped.err
    for told in ("accountant", "balance.period-closed", "replay --reason-code balance.period-closed", "deliver"):
        assert told in grouped.out, grouped.out
    (group,) = data.json
    assert (group["open"], group["owner"], group["heals"]) == (3, "accountant", False)
    assert "პერიოდი" in group["fix"]
    assert [letter["dead_letter"] for letter in one.json] == [of_order[first]]
    assert (none.code, "Nothing waits" in none.out) == (DONE, True)
    assert soon.json == []


async def test_wrong_use_says_how_it_is_meant(stage: Stage) -> None:
    cases = {
        ("list", "--reason-code", "balance.period-close"): "balance.period-closed",
        ("list", "--since", "yesterday"): "2h",
        ("replay",): "--all",
        ("discard", "0000", "--reason", "  "): "say why",
    }
    for said, told in zip(
        await asyncio.gather(*[letters(stage, *case) for case in cases]), cases.values(), strict=True
    ):
        assert (said.code, told in said.err, said.out) == (WRONG_USE, True, ""), said.err


async def test_a_bulk_replay_is_rehearsed_then_done_and_the_books_are_right(stage: Stage) -> None:
    # given the three orders, whose period is open again
    puts = await journal.writes(stage.world.balance)
    plain, rehearsed = await asyncio.gather(
        letters(stage, "replay", "--reason-code", "balance.period-closed", "--dry-run"),
        letters(stage, "replay", "--all", "--dry-run", "--json"),
    )
    # then the dry run is a routing table, and nothing happens
    assert plain.code == DONE, plain.err
    assert "goes to" in plain.out
    assert "balance.documents" in plain.out
    assert "3 would be replayed, 0 stay" in plain.out
    assert rehearsed.json["reasons"] == {"balance.period-closed": 3}
    assert await journal.writes(stage.world.balance) == puts
    assert len(stage.ledger.open_letters) == 3
    # and the replay says of each what came of it
    done = await letters(stage, "replay", "--reason-code", "balance.period-closed", "--rate", "20", "--json")
    assert (done.code, set(results(done).values())) == (DONE, {"done"}), done.out + done.err
    assert all(one["told"].startswith("Sale ") for one in done.json)
    await stage.closes()
    # and a second one finds nothing to do
    again = await letters(stage, "replay", "--all")
    assert (again.code, "nothing to replay" in again.out) == (DONE, True), again.out


async def test_a_replay_that_was_interrupted_is_started_again(stage: Stage) -> None:
    # given letters, and a slow replay that is interrupted when some are done
    async with period_closed(stage):
        of_order = await refused(stage, 4)
    slow = await asyncio.create_subprocess_exec(
        *(DAVTARI, "--settings", "davtari.toml", "dead-letters", "replay", "--all", "--rate", "0.4"),
        cwd=stage.world.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    await stage.until(lambda: len(stage.ledger.open_letters) < 4, "the first is replayed")
    slow.send_signal(signal.SIGINT)
    _, told = await slow.communicate()
    assert (slow.returncode, b"Start it again" in told) == (INTERRUPTED, True), told
    left = set(stage.ledger.open_letters)
    assert 0 < len(left) < len(of_order)
    # when it is started again, then it takes up the rest, and nothing is written twice (the closing check counts)
    rest = await letters(stage, "replay", "--all", "--rate", "20", "--json")
    assert (rest.code, set(results(rest).values())) == (DONE, {"done"}), rest.out
    assert set(results(rest)) <= left
    await stage.closes()


async def test_a_letter_that_is_replayed_in_vain_is_left_out_of_bulk_but_not_when_it_is_named(stage: Stage) -> None:
    async with period_closed(stage):
        ((order, letter),) = (await refused(stage, 1)).items()
        # given three replays in vain
        for _ in range(3):
            said = await letters(stage, "replay", letter[:8], "--json")
            assert (said.code, results(said)) == (FAILED, {letter: "failed again"}), said.out + said.err
        # then bulk leaves it out and says so
        bulk = await letters(stage, "replay", "--all", "--json")
        assert (bulk.code, results(bulk)) == (FAILED, {letter: "stays"})
        assert "replayed in vain 3 times" in bulk.json[0]["told"]
        assert "in vain 3 times" in (await letters(stage, "list")).out
    # and by its name it goes
    named = await letters(stage, "replay", letter[:8])
    assert (named.code, "done: Sale" in named.out) == (DONE, True), named.out
    await stage.closes()
    assert f"main:{order}" in stage.ledger.sales


async def test_the_replay_of_an_order_that_is_gone_says_so_and_sends_nothing(stage: Stage) -> None:
    async with period_closed(stage):
        ((order, letter),) = (await refused(stage, 1)).items()
    puts = await journal.writes(stage.world.balance)
    gone: dict[str, Any] = {"kind": "status", "match": f"GET /wp-json/wc/v3/orders/{order}$", "status": 404}
    body = '{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID.","data":{"status":404}}'
    async with journal.trouble(stage.world.shop, **gone, body=body):
        said = await letters(stage, "replay", letter[:8])
        table = await letters(stage, "replay", letter[:8], "--dry-run")
    assert said.code == FAILED
    assert f"order {order} is gone: shop main answers 404" in said.out
    assert f"davtari dead-letters discard {letter[:8]}" in said.out
    assert "0 would be replayed, 1 stay" in table.out
    assert await journal.writes(stage.world.balance) == puts
    # and once it is there after all, it goes
    assert (await letters(stage, "replay", letter[:8])).code == DONE
    await stage.closes()


async def test_a_refused_sale_is_put_right_and_goes_under_a_new_id(stage: Stage) -> None:
    async with period_closed(stage):
        ((order, letter),) = (await refused(stage, 1)).items()
        moved = f"{OPEN[0]}T00:00:00"
        right = ("--set", f"/document/Date={moved}")
        # when a correction does not fit, nothing is sent
        wrong = await letters(stage, "edit", letter[:8], "--reason", "try", "--set", "/total=much")
        nowhere = await letters(stage, "edit", letter[:8], "--reason", "try", "--set", "/document/Lines/0/x=1")
        same = await letters(stage, "edit", letter[:8], "--reason", "try", "--set", "/shop=main")
        assert [said.code for said in (wrong, nowhere, same)] == [WRONG_USE] * 3
        assert "/total" in wrong.err
        assert "there is no 'Lines'" in nowhere.err
        assert "nothing was changed" in same.err
        absurd = await letters(
            stage, "edit", letter[:8], "--reason", "try", "--set", "/document/Date=2031-01-02T00:00:00", "--yes"
        )
        assert (absurd.code, "more than 31 days ahead" in absurd.err) == (WRONG_USE, True), absurd.err
        looked = await letters(stage, "edit", letter[:8], "--reason", "posting date", *right, "--dry-run")
        assert (looked.code, "in the future" in looked.out) == (DONE, True), looked.err
        unconfirmed = await letters(stage, "edit", letter[:8], "--reason", "posting date", *right)
        assert (unconfirmed.code, "--yes" in unconfirmed.err) == (WRONG_USE, True), unconfirmed.err
        assert letter in stage.ledger.open_letters
        # and when it fits, it goes while the period is still closed
        said = await letters(stage, "edit", letter[:8], "--reason", "posting date", *right, "--yes", "--json")
    assert (said.code, said.json["result"]) == (DONE, "done"), said.out + said.err
    sale = stage.ledger.sales[f"main:{order}"]
    assert (sale.sent["Date"], sale.date) == (moved, OPEN[0])
    # and the audit holds who, when, why, what and under which id
    closed = (await letters(stage, "list", "--closed", "--order", str(order), "--json")).json[0]["settled"]
    assert (closed["how"], closed["why"], closed["replacement"]) == ("edited", "posting date", said.json["replacement"])
    (asked,) = [one.data for one in stage.ledger.story if isinstance(one.data, EditRequested)]
    assert asked.changed == ("/date", "/document/Date")
    await stage.closes()


async def test_in_the_editor_it_opens_whole(stage: Stage, tmp_path: Path) -> None:
    async with period_closed(stage):
        ((order, letter),) = (await refused(stage, 1)).items()
        editor = tmp_path / "editor"
        editor.write_text(f'#!/bin/sh\nsed -i \'s/"[0-9-]*T00:00:00"/"{OPEN[1]}T00:00:00"/\' "$1"\n')
        editor.chmod(0o755)
        process = await asyncio.create_subprocess_exec(
            *(
                DAVTARI,
                "--settings",
                "davtari.toml",
                "dead-letters",
                "edit",
                letter[:8],
                "--reason",
                "by hand",
                "--yes",
            ),
            cwd=stage.world.folder,
            env={"EDITOR": str(editor), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
    assert process.returncode == DONE, out
    assert stage.ledger.sales[f"main:{order}"].sent["Date"] == f"{OPEN[1]}T00:00:00"
    await stage.closes()


async def test_a_record_is_put_right_for_every_service_that_could_not_read_it(stage: Stage) -> None:
    # given an order event with a broken total, which four services could not read
    order = stage.till.order()
    await stage.place(order, status="pending")
    await stage.until(lambda: f"main:{order}" in stage.ledger.orders, "the order was read")
    (told,) = [
        one for one in stage.ledger.story if one.data.key == f"main:{order}" and one.type.endswith("OrderChanged.v1")
    ]
    raw = told.data.model_dump_json().replace(f'"total":"{told.data.total}"', '"total":"much"', 1).encode()
    head = [(name, text) for name, text in headers(told) if name != "ce_sequence"]
    await letter_desk.put(stage, "shop.orders", f"main:{order}".encode(), raw, [*head, ("ce_sequence", b"2")])
    services = {"store-feed", "order-exporter", "stock-publisher", "order-notifier"}
    await stage.until(lambda: services <= letter_desk.readers(stage, order), "each says so")
    letter = next(one for one in stage.ledger.open_letters.values() if one.service == "order-exporter")
    # when its bytes are asked for, they are hidden from whoever does not ask for personal data
    hidden, bare = await asyncio.gather(
        letters(stage, "show", letter.dead_letter[:8]),
        letters(stage, "show", letter.dead_letter[:8], "--personal", "--raw", "text"),
    )
    assert (hidden.code, bare.code, '"total":"much"' in bare.out.replace("\n", "")) == (DONE, DONE, True)
    refused_raw = await letters(stage, "show", letter.dead_letter[:8], "--raw", "text")
    assert (refused_raw.code, "--personal" in refused_raw.err) == (WRONG_USE, True)
    # and when it is put right, it is a new event that names the letter, and every reader's letter is closed
    edit = ("--reason", "typo", "--set", f"/data/total={told.data.total}")
    still = await letters(stage, "edit", letter.dead_letter[:8], "--reason", "typo", "--set", "/data/total=more")
    said = await letters(stage, "edit", letter.dead_letter[:8], *edit, "--json")
    assert (still.code, "cannot be read" in still.err) == (WRONG_USE, True)
    assert (said.code, said.json["letters"]) == (DONE, len(services)), said.out + said.err
    await stage.until(lambda: not letter_desk.readers(stage, order), "all are closed")
    corrected = [one for one in stage.ledger.story if one.replayof]
    assert [(one.replayof, one.id) for one in corrected] == [(letter.dead_letter, said.json["replacement"])]
    (await stage.world.shop.put(f"/wp-json/wc/v3/orders/{order}", json={"status": "processing"})).raise_for_status()
    await stage.until(lambda: f"main:{order}" in stage.ledger.sales, "its Sale")


async def test_what_is_given_up_is_shown_with_who_when_and_why(stage: Stage) -> None:
    async with period_closed(stage):
        ((order, letter),) = (await refused(stage, 1)).items()
    stage.given_up.add(order)
    began = datetime.now(UTC) - timedelta(seconds=5)
    said = await letters(stage, "discard", letter[:8], "--reason", "booked by hand")
    assert said.code == DONE, said.err
    closed = (await letters(stage, "list", "--closed", "--order", str(order), "--json")).json[0]["settled"]
    assert (closed["how"], closed["why"]) == ("discarded", "booked by hand")
    assert closed["by"]
    assert datetime.fromisoformat(closed["at"]) >= began
    plain = await letters(stage, "list", "--closed")
    assert "booked by hand" in plain.out.replace("\n", " ") or "booked" in plain.out
    assert (await letters(stage, "replay", letter[:8])).out.count("nothing to do") >= 1


@pytest.mark.claim("K18")
async def test_ordinary_kafka_tools_see_what_is_wrong(stage: Stage) -> None:
    consumer = create_reader(stage.settings.kafka, ["dead-letters"])
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            told = await anext(
                found async for found in letter_desk.head(consumer) if found["ce_type"] == DeadLettered.TYPE
            )
    finally:
        await consumer.stop()
    assert told[PREFIX + "exception.class.name"] in set(Reason)
    assert told[PREFIX + "connector.name"] in ALL


async def test_without_services_a_replay_says_that_nobody_answers(stage: Stage) -> None:
    async with period_closed(stage):
        ((order, letter),) = (await refused(stage, 1)).items()
        await stage.programs.stop("up")
        said = await letters(stage, "replay", letter[:8], "--patience", "2")
        assert (said.code, "does it run" in said.out) == (NO_ANSWER, True), said.out
    # and the command is carried out when they run again
    await stage.programs.start("up", services=len(ALL))
    await stage.closes()
    assert f"main:{order}" in stage.ledger.sales


async def test_nothing_is_left(stage: Stage) -> None:
    await stage.closes()

    async def rested() -> bool:
        return not stage.ledger.open_letters

    await until(rested, "no dead letter is open")
    assert "Nothing waits for a person" in (await letters(stage, "group", "--exit-code")).out
