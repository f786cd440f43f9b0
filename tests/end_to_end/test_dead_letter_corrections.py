"""An operator corrects dead letters of running services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from contracts.envelope import headers
from contracts.operations import EditRequested
from services.demo.kafka import Broker
from tests.end_to_end import dead_letter_steps
from tests.end_to_end.dead_letter_steps import (
    OPEN,
    close_period,
    place_refused_orders,
    run_dead_letters,
)
from tests.end_to_end.programs import DAVTARI
from tests.end_to_end.system import ALL_SERVICES, SystemUnderTest, start_system

pytestmark = [
    pytest.mark.long,
    pytest.mark.kafka,
    pytest.mark.xdist_group("dead-letter-corrections"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
    pytest.mark.claim("S1.18"),
]
DONE, FAILED, WRONG_USE, NO_ANSWER, INTERRUPTED = 0, 1, 2, 3, 130


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="system")
async def _system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SystemUnderTest]:
    async with start_system(tmp_path_factory.mktemp("dead-letter-corrections"), kafka.bootstrap_servers) as made:
        await made.programs.start("up", services=len(ALL_SERVICES))
        await made.wait_until_consistent()
        yield made


async def test_a_refused_sale_is_corrected_and_sent_under_a_new_id(system: SystemUnderTest) -> None:
    async with close_period(system):
        ((order, dead_letter),) = (await place_refused_orders(system, 1)).items()
        moved = f"{OPEN[0]}T00:00:00"
        right = ("--set", f"/document/Date={moved}")
        # when a correction is invalid, nothing is sent
        wrong = await run_dead_letters(system, "edit", dead_letter[:8], "--reason", "try", "--set", "/total=much")
        nowhere = await run_dead_letters(
            system, "edit", dead_letter[:8], "--reason", "try", "--set", "/document/Lines/0/x=1"
        )
        same = await run_dead_letters(system, "edit", dead_letter[:8], "--reason", "try", "--set", "/shop=main")
        assert [result.code for result in (wrong, nowhere, same)] == [WRONG_USE] * 3
        assert "/total" in wrong.err
        assert "'Lines' not found" in nowhere.err
        assert "Nothing was changed" in same.err
        absurd = await run_dead_letters(
            system, "edit", dead_letter[:8], "--reason", "try", "--set", "/document/Date=2031-01-02T00:00:00", "--yes"
        )
        assert (absurd.code, "more than 31 days ahead" in absurd.err) == (WRONG_USE, True), absurd.err
        preview = await run_dead_letters(
            system, "edit", dead_letter[:8], "--reason", "posting date", *right, "--dry-run"
        )
        assert (preview.code, "in the future" in preview.out) == (DONE, True), preview.err
        unconfirmed = await run_dead_letters(system, "edit", dead_letter[:8], "--reason", "posting date", *right)
        assert (unconfirmed.code, "--yes" in unconfirmed.err) == (WRONG_USE, True), unconfirmed.err
        assert dead_letter in system.ledger.open_dead_letters
        # and when it is valid, it is sent while the period is still closed
        result = await run_dead_letters(
            system, "edit", dead_letter[:8], "--reason", "posting date", *right, "--yes", "--json"
        )
    assert (result.code, result.json["result"]) == (DONE, "done"), result.out + result.err
    sale = system.ledger.sales[f"main:{order}"]
    assert (sale.sent["Date"], sale.date) == (moved, OPEN[0])
    # and who, when, why, what and the new id are recorded
    closed = (await run_dead_letters(system, "list", "--closed", "--order", str(order), "--json")).json[0]["settled"]
    assert (closed["how"], closed["why"], closed["replacement"]) == (
        "edited",
        "posting date",
        result.json["replacement"],
    )
    (asked,) = [one.data for one in system.ledger.story if isinstance(one.data, EditRequested)]
    assert asked.changed == ("/date", "/document/Date")
    await system.wait_until_consistent()


async def test_the_editor_shows_the_whole_document(system: SystemUnderTest, tmp_path: Path) -> None:
    async with close_period(system):
        ((order, dead_letter),) = (await place_refused_orders(system, 1)).items()
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
                dead_letter[:8],
                "--reason",
                "by hand",
                "--yes",
            ),
            cwd=system.world.folder,
            env={"EDITOR": str(editor), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
    assert process.returncode == DONE, out
    assert system.ledger.sales[f"main:{order}"].sent["Date"] == f"{OPEN[1]}T00:00:00"
    await system.wait_until_consistent()


async def test_a_record_is_corrected_for_every_service_that_could_not_read_it(system: SystemUnderTest) -> None:
    # given an order event with a broken total, which four services could not read
    order = system.supply.order()
    await system.place(order, status="pending")
    await system.wait_until(lambda: f"main:{order}" in system.ledger.orders, "the order was read")
    (envelope,) = [
        one for one in system.ledger.story if one.data.key == f"main:{order}" and one.type.endswith("OrderChanged.v1")
    ]
    raw = envelope.data.model_dump_json().replace(f'"total":"{envelope.data.total}"', '"total":"much"', 1).encode()
    head = [(name, text) for name, text in headers(envelope) if name != "ce_sequence"]
    await dead_letter_steps.publish(
        system, "shop.orders", f"main:{order}".encode(), raw, [*head, ("ce_sequence", b"2")]
    )
    services = {"store-feed", "order-exporter", "stock-publisher", "order-notifier"}
    await system.wait_until(
        lambda: services <= dead_letter_steps.find_failed_services(system, order), "each service reports it"
    )
    dead_letter = next(one for one in system.ledger.open_dead_letters.values() if one.service == "order-exporter")
    # then its bytes are shown only with --personal
    hidden, bare = await asyncio.gather(
        run_dead_letters(system, "show", dead_letter.dead_letter[:8]),
        run_dead_letters(system, "show", dead_letter.dead_letter[:8], "--personal", "--raw", "text"),
    )
    assert (hidden.code, bare.code, '"total":"much"' in bare.out.replace("\n", "")) == (DONE, DONE, True)
    refused_raw = await run_dead_letters(system, "show", dead_letter.dead_letter[:8], "--raw", "text")
    assert (refused_raw.code, "--personal" in refused_raw.err) == (WRONG_USE, True)
    # and a correction is a new event that names the dead letter, and closes that of every service
    edit = ("--reason", "typo", "--set", f"/data/total={envelope.data.total}")
    still = await run_dead_letters(
        system, "edit", dead_letter.dead_letter[:8], "--reason", "typo", "--set", "/data/total=more"
    )
    result = await run_dead_letters(system, "edit", dead_letter.dead_letter[:8], *edit, "--json")
    assert (still.code, "still invalid" in still.err) == (WRONG_USE, True)
    assert (result.code, result.json["dead_letters"]) == (DONE, len(services)), result.out + result.err
    await system.wait_until(lambda: not dead_letter_steps.find_failed_services(system, order), "all are closed")
    corrected = [one for one in system.ledger.story if one.replayof]
    assert [(one.replayof, one.id) for one in corrected] == [(dead_letter.dead_letter, result.json["replacement"])]
    (await system.world.shop.put(f"/wp-json/wc/v3/orders/{order}", json={"status": "processing"})).raise_for_status()
    await system.wait_until(lambda: f"main:{order}" in system.ledger.sales, "its Sale")
