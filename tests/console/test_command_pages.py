"""Commands that people give on pages: in whose name, once, with a reason, and followed until they are answered."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from aiokafka.errors import KafkaConnectionError

from contracts.approvals import ApprovalGiven
from contracts.operations import CommandSettled, DiscardRequested, ReplayRequested
from services.console.access.audit import list_audit
from services.console.model.handlers import TOPICS
from services.settings.base import SecretMissing
from tests.console.console_bench import ConsoleBench
from tests.console.page_bench import PageBench, form_token, submit
from tests.console.story import open_pages
from tests.support.exporting import PAID

Bench = tuple[PageBench, ConsoleBench]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_pages(tmp_path) as found:
        yield found


async def find_dead_letter(pages: PageBench, role: str = "operator") -> str:
    client = await pages.signed_in(role)
    listed = (await client.get("/attention/list")).text
    return str(re.findall(r'href="(/attention/[^"?]+)"', listed.partition("<tbody>")[2])[0])


async def test_a_dead_letter_is_tried_again_in_the_persons_name_and_followed(bench: Bench) -> None:
    pages, data = bench
    path, client = await find_dead_letter(pages), await pages.signed_in("accountant")
    answer = await submit(client, path, f"{path}/close", do="replay")
    (sent,) = pages.sent
    assert isinstance(sent, ReplayRequested)
    assert (sent.asked_by, unquote(path)) == ("accountant", f"/attention/{sent.dead_letter}")
    followed = answer.headers["location"]
    assert followed == f"{path}?command={sent.command_id}"
    assert "data-poll" in (await client.get(followed)).text
    await data.take(sent)
    assert "has not answered yet" in (await client.get(followed)).text
    settled = CommandSettled(
        command_id=sent.command_id, service="order-exporter", outcome="refused", detail="already closed",
        settled_at=PAID,
    )  # fmt: skip
    await data.take(settled)
    html = (await client.get(followed)).text
    assert "already closed" in html
    assert "data-poll" not in html


async def test_a_form_that_is_sent_twice_is_one_command(bench: Bench) -> None:
    pages, _ = bench
    path, client = await find_dead_letter(pages), await pages.signed_in("operator")
    fields = {"form": form_token((await client.get(path)).text), "do": "replay"}
    answers = [await client.post(f"{path}/close", data=fields) for _ in range(2)]
    assert len(pages.sent) == 1
    assert answers[0].headers["location"] == answers[1].headers["location"]


async def test_giving_up_needs_a_reason_which_is_kept(bench: Bench) -> None:
    pages, _ = bench
    path, client = await find_dead_letter(pages), await pages.signed_in("operator")
    refused = await submit(client, path, f"{path}/close", do="discard", why="  ")
    assert refused.status_code == 422
    assert "Say why it is given up" in refused.text
    assert pages.sent == []
    await submit(client, path, f"{path}/close", do="discard", why="booked by hand")
    (sent,) = pages.sent
    assert isinstance(sent, DiscardRequested)
    assert sent.why == "booked by hand"
    async with pages.access.read() as connection:
        entry = (await list_audit(connection))[0]
    assert (entry.user, entry.action, entry.reason) == ("operator", "discard", "booked by hand")


@pytest.mark.parametrize("role", ["viewer", "storefront"])
async def test_who_does_not_resolve_it_cannot_close_it(bench: Bench, role: str) -> None:
    pages, _ = bench
    path, client = await find_dead_letter(pages, role), await pages.signed_in(role)
    html = (await client.get(path)).text
    assert "/close" not in html
    answer = await client.post(f"{path}/close", data={"form": form_token(html), "do": "replay"})
    assert answer.status_code == 403
    assert pages.sent == []


@pytest.mark.parametrize(
    ("broken", "text"),
    [(KafkaConnectionError(), "Kafka did not confirm it"), (SecretMissing("commands.key-file"), "commands.key-file")],
    ids=["no Kafka", "no key"],
)
async def test_a_command_that_cannot_be_sent_is_not_reported_as_given(
    tmp_path: Path, broken: Exception, text: str
) -> None:
    async with open_pages(tmp_path, broken=broken) as (pages, _):
        path, client = await find_dead_letter(pages), await pages.signed_in("operator")
        answer = await submit(client, path, f"{path}/close", do="replay")
        assert answer.status_code == 503
        assert "was not sent" in answer.text
        assert text in answer.text
        async with pages.access.read() as connection:
            assert [entry for entry in await list_audit(connection) if entry.action == "replay"] == []


@pytest.mark.parametrize(("do", "document"), [("document", "sale:main:2000"), ("shape", None)])
async def test_an_accountant_approves_a_document_or_its_shape(bench: Bench, do: str, document: str | None) -> None:
    pages, data = bench
    client = await pages.signed_in("accountant")
    assert "sale:main:2000" in (await client.get("/approvals")).text
    answer = await submit(client, "/approvals", shop="main", document="sale:main:2000", do=do, why="checked")
    (sent,) = pages.sent
    assert isinstance(sent, ApprovalGiven)
    assert (sent.document, sent.shape, sent.asked_by, sent.why) == (
        (document, "bog · 18 % · GEL", "accountant", "checked")
    )
    await data.take(sent)
    html = (await client.get(answer.headers["location"])).text
    assert "No document waits for approval" in html
    assert "Done" in html


async def test_only_an_accountant_approves_and_only_what_waits(bench: Bench) -> None:
    pages, _ = bench
    operator, accountant = await pages.signed_in("operator"), await pages.signed_in("accountant")
    assert "Approve<" not in (await operator.get("/approvals")).text
    fields = {"shop": "main", "document": "sale:main:2000", "do": "document"}
    assert (await submit(operator, "/today", "/approvals", **fields)).status_code == 403
    assert (await submit(accountant, "/approvals", **fields | {"document": "sale:main:1"})).status_code == 404
    assert pages.sent == []


@pytest.mark.parametrize(
    ("end", "text"),
    [(None, "Kafka does not answer"), (0, "up to date"), (5000, "still reading: ")],
    ids=["unknown", "caught up", "catching up"],
)
async def test_every_page_says_how_much_of_the_log_it_shows(tmp_path: Path, end: int | None, text: str) -> None:
    ends: dict[tuple[str, int], int] = {}
    async with open_pages(tmp_path, ends=lambda: ends) as (pages, _):
        if end is not None:
            ends[TOPICS[0], 0] = end
        client = await pages.signed_in("viewer")
        assert text in (await client.get("/today")).text


async def test_today_answers_whether_everything_is_all_right(bench: Bench) -> None:
    pages, _ = bench
    html = (await (await pages.signed_in("viewer")).get("/today")).text
    assert "Something needs a person" in html
    assert "accountant: 1" in html
    assert "documents to approve: 1" in html
