"""Commands over the API: in the name of the token's person, once, and followed to their result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiokafka.errors import KafkaConnectionError

from contracts.approvals import ApprovalGiven
from contracts.delivery_ids import sale_id
from contracts.operations import CommandSettled, DiscardRequested, ReplayRequested
from services.console.access.audit import list_audit
from services.console.access.database import open_access
from services.console.access.roles import ConsoleRole
from services.console.access.tokens import Scope
from services.console.api.body_limit import LARGEST
from services.console.api.problems import ProblemCode
from tests.cli.day_events import open_dead_letter, settled_dead_letter
from tests.console.api_bench import ApiBench, problem_of, serve_api
from tests.support.exporting import PAID

FAILED = "failed-sale:main:1043"
REPLAY, DISCARD = f"/dead-letters/{FAILED}/replay", f"/dead-letters/{FAILED}/discard"
WAITING = sale_id("main:2000")


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiBench]:
    async with serve_api(tmp_path) as bench:
        yield bench


async def sender(api: ApiBench, role: ConsoleRole = ConsoleRole.ACCOUNTANT) -> httpx.AsyncClient:
    return await api.reader(role, Scope.COMMANDS)


def keyed(key: str = "key-1") -> dict[str, str]:
    return {"idempotency-key": key}


async def test_a_command_is_sent_in_the_persons_name_and_its_result_is_followed(api: ApiBench) -> None:
    client = await sender(api)
    answer = await client.post(REPLAY, headers=keyed())
    (sent,) = api.sent
    assert isinstance(sent, ReplayRequested)
    assert (sent.dead_letter, sent.asked_by, sent.asked_at) == (FAILED, "accountant", api.clock())
    assert (answer.status_code, answer.json()) == (
        202,
        {"command_id": sent.command_id, "url": answer.headers["location"]},
    )
    result = answer.headers["location"].removeprefix("/api/v1")
    assert (await client.get(result)).json()["command"]["state"] == "sent"
    await api.data.take(sent)
    found = (await client.get(result)).json()["command"]
    assert (found["state"], found["type"], found["asked_by"]) == ("sent", "davtari.ReplayRequested.v2", "accountant")
    settled = CommandSettled(
        command_id=sent.command_id, service="order-exporter", outcome="refused", detail="overtaken", settled_at=PAID
    )
    await api.data.take(settled)
    found = (await client.get(result)).json()["command"]
    assert (found["state"], found["answers"][0]["detail"]) == ("refused", "overtaken")
    reader = await api.reader(ConsoleRole.VIEWER)
    assert (await reader.get("/commands", params={"state": "refused"})).json()["commands"] == [found]


async def test_a_repeated_request_is_one_command_also_at_the_same_moment_and_after_its_effect(api: ApiBench) -> None:
    client = await sender(api)
    answers = await asyncio.gather(*[client.post(DISCARD, headers=keyed(), json={"why": "a test"}) for _ in range(6)])
    assert {(one.status_code, one.text) for one in answers} == {(202, answers[0].text)}
    (sent,) = api.sent
    assert isinstance(sent, DiscardRequested)
    assert sent.why == "a test"
    await api.data.take(settled_dead_letter(open_dead_letter(sale_id("main:1043"), "main:1043"), "overtaken"))
    again = await client.post(DISCARD, headers=keyed(), json={"why": "a test"})
    assert (again.status_code, again.text, len(api.sent)) == (202, answers[0].text, 1)
    problem_of(await client.post(DISCARD, headers=keyed(), json={"why": "b"}), 409, ProblemCode.KEY_REUSED)
    problem_of(await client.post(REPLAY, headers=keyed()), 409, ProblemCode.KEY_REUSED)
    problem_of(await client.post(REPLAY, headers=keyed("key-2")), 409, ProblemCode.NO_LONGER_OPEN)
    assert len(api.sent) == 1
    async with open_access(api.directory) as access, access.read() as connection:
        entries = [(one.user, one.action, one.subject, one.reason) for one in await list_audit(connection)]
    assert entries == [("accountant", "discard", FAILED, "API token warehouse: a test")]


async def test_keys_of_two_tokens_do_not_meet(api: ApiBench) -> None:
    for _ in range(2):
        assert (await (await sender(api)).post(REPLAY, headers=keyed())).status_code == 202
    assert len({one.command_id for one in api.sent}) == 2


@pytest.mark.parametrize("failure", [KafkaConnectionError("down"), TimeoutError()])
async def test_a_command_that_kafka_has_not_taken_can_be_repeated(api: ApiBench, failure: Exception) -> None:
    client = await sender(api)
    api.failure = failure
    answer = await client.post(REPLAY, headers=keyed())
    problem_of(answer, 503, ProblemCode.COMMAND_NOT_SENT)
    assert answer.headers["retry-after"] == "30"
    api.failure = None
    assert (await client.post(REPLAY, headers=keyed())).status_code == 202
    assert len(api.sent) == 1


async def test_a_document_is_approved_alone_or_with_its_shape(api: ApiBench) -> None:
    client = await sender(api)
    body = {"shop": "main", "document": WAITING}
    assert (await client.post("/approvals", headers=keyed("a"), json=body)).status_code == 202
    assert (await client.post("/approvals", headers=keyed("b"), json={**body, "whole_shape": True})).status_code == 202
    alone, whole = api.sent
    assert isinstance(alone, ApprovalGiven)
    assert isinstance(whole, ApprovalGiven)
    assert (alone.document, whole.document) == (WAITING, None)
    assert alone.shape == whole.shape != ""
    other = {**body, "document": "sale:main:1"}
    problem_of(await client.post("/approvals", headers=keyed("c"), json=other), 409, ProblemCode.NO_LONGER_OPEN)


async def test_only_a_token_for_commands_of_a_person_who_may_is_accepted(api: ApiBench) -> None:
    reading, viewer = await api.reader(ConsoleRole.ACCOUNTANT), await sender(api, ConsoleRole.VIEWER)
    operator = await sender(api, ConsoleRole.OPERATOR)
    for path, body in ((REPLAY, None), (DISCARD, {"why": "x"}), ("/approvals", {"shop": "main", "document": WAITING})):
        problem_of(await reading.post(path, headers=keyed(), json=body), 403, ProblemCode.SCOPE_MISSING)
        problem_of(await viewer.post(path, headers=keyed(), json=body), 403, ProblemCode.NOT_PERMITTED)
        problem_of(await api.client(None).post(path, headers=keyed(), json=body), 401, ProblemCode.TOKEN_MISSING)
    problem_of(
        await operator.post("/approvals", headers=keyed(), json={"shop": "main", "document": WAITING}),
        403,
        ProblemCode.NOT_PERMITTED,
    )
    assert api.sent == []


async def test_nonsensical_commands_are_refused(api: ApiBench) -> None:
    client = await sender(api)
    problem_of(await client.post("/dead-letters/none/replay", headers=keyed()), 404, ProblemCode.UNKNOWN_RESOURCE)
    problem_of(await client.get("/commands/none"), 404, ProblemCode.UNKNOWN_RESOURCE)
    invalid: list[tuple[str, dict[str, str], bytes, str]] = [
        (REPLAY, {}, b"", "idempotency-key"),
        (REPLAY, keyed("x" * 201), b"", "idempotency-key"),
        (REPLAY, keyed("two words"), b"", "idempotency-key"),
        (DISCARD, keyed(), b"", ""),
        (DISCARD, keyed(), b"{", "1"),
        (DISCARD, keyed(), b"[]", ""),
        (DISCARD, keyed(), b'{"why": "  "}', "why"),
        (DISCARD, keyed(), b'{"why": 5}', "why"),
        (DISCARD, keyed(), b'{"why": "\\u0000"}', "why"),
        (DISCARD, keyed(), b'{"why": "x", "rate": 5}', "rate"),
        ("/approvals", keyed(), b'{"shop": "NO SHOP", "document": "x"}', "shop"),
    ]
    for path, headers, body, name in invalid:
        answer = await client.post(path, headers={**headers, "content-type": "application/json"}, content=body)
        found = problem_of(answer, 400, ProblemCode.PARAMETER_INVALID)
        assert [one["parameter"] for one in found["errors"]] == [name], (path, body, found)
    assert api.sent == []


async def _many_parts() -> AsyncIterator[bytes]:
    for _ in range(40):
        yield b" " * 4096


async def test_a_body_that_is_too_large_is_refused_whether_its_length_is_stated_or_not(api: ApiBench) -> None:
    client = await sender(api)
    headers = {**keyed(), "content-type": "application/json"}
    for content in (b'{"why": "' + b"x" * LARGEST + b'"}', _many_parts()):
        problem_of(await client.post(DISCARD, headers=headers, content=content), 413, ProblemCode.BODY_TOO_LARGE)
    assert (await client.get("/token")).status_code == 200
    assert api.sent == []
