"""Balance's own words are about the message; whatever else answers in its place is about nothing but the way there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from contracts.reasons import Reason
from services.connectors.balance.client import Balance
from services.engine.outbox.outcome import Refused, Retry, Unknown
from services.engine.outbox.upstream_errors import (
    AccessDenied,
    ForeignAnswer,
    Unavailable,
    UnknownOutcome,
    UpstreamError,
    outcome_of,
)
from tests.balance.balance_double import ITEM, balance, every

pytestmark = pytest.mark.claim("K28")
Ask = Callable[[Balance], Awaitable[Any]]
READS: dict[str, Ask] = {
    "all items": lambda client: every(client.items()),
    "all stock": lambda client: every(client.stocks()),
    "one Sale": lambda client: client.sale(ITEM),
    "a client by number": lambda client: client.client_by_id("01001012345"),
}
WRITES: dict[str, Ask] = {
    "a Sale": lambda client: client.put_sale({"uid": ITEM}),
    "a client's fields": lambda client: client.patch_client({"uid": ITEM}),
}
LOGIN = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Password</body></html>"
FAULT = '<?xml version="1.0"?><soap:Envelope><soap:Fault>no session</soap:Fault></soap:Envelope>'
FOREIGN: dict[str, str] = {
    "a login page": LOGIN,
    "an XML fault": FAULT,
    "a message object": '{"message": "Access denied by bot-protection"}',
    "a framework's message": '{"Message": "An error has occurred.", "ExceptionMessage": "x", "StackTrace": "y"}',
    "success: false": '{"success": false}',
    "an error that is no list": '{"error": "access_denied"}',
    "an error with more": '{"error": ["x"], "status": 403, "path": "/"}',
    "a list of messages": '[{"message": "no"}]',
}
NO_ROWS = {"a text": '"ok"', "a number": "1", "words": "Service unavailable", "a list of texts": '["no"]'}
NOTHING = [httpx.Response(200, text="{}"), httpx.Response(200, text="[]"), httpx.Response(404)]
every_read = pytest.mark.parametrize("ask", READS.values(), ids=list(READS))
every_write = pytest.mark.parametrize("ask", WRITES.values(), ids=list(WRITES))


async def failure(ask: Ask, answer: httpx.Response) -> UpstreamError:
    """What is raised by a Balance that answers so."""
    async with balance(lambda request: answer) as client:
        with pytest.raises(UpstreamError) as raised:
            await ask(client)
    return raised.value


@pytest.mark.parametrize("body", [*FOREIGN.values(), *NO_ROWS.values()], ids=[*FOREIGN, *NO_ROWS])
@every_read
async def test_a_200_from_something_else_is_not_a_record(ask: Ask, body: str) -> None:
    found = await failure(ask, httpx.Response(200, text=body))
    assert type(found) is ForeignAnswer
    assert found.reason is Reason.BALANCE_BAD_ANSWER
    assert isinstance(outcome_of(found), Retry)
    assert "davtari check" in found.message


@pytest.mark.parametrize("body", FOREIGN.values(), ids=list(FOREIGN))
@every_write
async def test_a_write_answered_so_is_read_before_it_is_repeated(ask: Ask, body: str) -> None:
    found = await failure(ask, httpx.Response(200, text=body))
    assert type(found) is UnknownOutcome
    assert isinstance(outcome_of(found), Unknown)


@pytest.mark.parametrize("status", [400, 402, 404, 405, 406, 407, 409, 410, 415, 418, 422, 451])
@pytest.mark.parametrize("body", FOREIGN.values(), ids=list(FOREIGN))
async def test_a_refusal_by_another_server_waits_and_removes_nothing(status: int, body: str) -> None:
    for ask in (*READS.values(), *WRITES.values()):
        found = await failure(ask, httpx.Response(status, text=body))
        assert isinstance(found, AccessDenied)
        assert isinstance(outcome_of(found), Retry)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", ["", "Access denied", LOGIN, FAULT, '{"Error": ["Недостаточно прав"]}'])
async def test_rights_and_passwords_wait_for_a_person(status: int, body: str) -> None:
    for ask in (*READS.values(), *WRITES.values()):
        found = await failure(ask, httpx.Response(status, text=body))
        assert isinstance(found, AccessDenied)
        assert isinstance(outcome_of(found), Retry)
        assert "Data synchronization settings" in found.message


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408, 508, 520, 524])
@pytest.mark.parametrize("body", ["", "The service is unavailable.", LOGIN, FAULT, '{"message": "x"}'])
async def test_a_server_error_is_not_about_the_document(status: int, body: str) -> None:
    for ask in READS.values():
        assert isinstance(outcome_of(await failure(ask, httpx.Response(status, text=body))), Retry)
    for ask in WRITES.values():
        assert isinstance(outcome_of(await failure(ask, httpx.Response(status, text=body))), Retry | Unknown)


SERVES_NOBODY = [
    "Начало сеанса с информационной базой запрещено. Обновление конфигурации",
    "Сеанс работы завершен администратором",
    "Не обнаружено свободной лицензии",
    "Лицензия не найдена. Программная лицензия",
    "Конфликт блокировок при выполнении транзакции",
    "Обнаружена взаимоблокировка",
    "Информационная база заблокирована",
    "Ошибка при установке монопольного режима",
    "Объект уже заблокирован другим пользователем",
    "ბაზა დაბლოკილია",
    "The infobase is locked",
    "License not found",
    "Transaction deadlock",
]


@pytest.mark.parametrize("words", SERVES_NOBODY)
@pytest.mark.parametrize("status", [200, 400, 500, 503])
async def test_an_unavailable_balance_refuses_no_document(words: str, status: int) -> None:
    for ask in (*READS.values(), *WRITES.values()):
        found = await failure(ask, httpx.Response(status, json={"Error": [words]}))
        assert isinstance(found, Unavailable)
        assert isinstance(outcome_of(found), Retry)
    if status in (200, 400):
        assert found.reason is Reason.BALANCE_LOCKED


REFUSALS = [
    ("Период закрыт: данные заблокированы датой запрета изменения", Reason.BALANCE_PERIOD_CLOSED),
    ("Недостаточно остатка товара на складе", Reason.BALANCE_STOCK_SHORT),
    ("Не заполнено поле Контрагент", Reason.BALANCE_REFUSED),
    ("ОбработкаПроведения: документ не проведен", Reason.BALANCE_REFUSED),
]


@pytest.mark.parametrize(("words", "reason"), REFUSALS)
@pytest.mark.parametrize("status", [200, 400, 409, 422, 500])
@every_write
async def test_a_refusal_by_balance_is_still_a_refusal(ask: Ask, status: int, words: str, reason: Reason) -> None:
    outcome = outcome_of(await failure(ask, httpx.Response(status, json={"Error": [words]})))
    assert isinstance(outcome, Refused)
    assert outcome.reason is reason


@pytest.mark.parametrize("answer", NOTHING)
async def test_nothing_found_is_still_nothing(answer: httpx.Response) -> None:
    async with balance(lambda request: answer) as client:
        assert await client.sale(ITEM) is None


async def test_one_invalid_row_does_not_fail_the_list() -> None:
    rows = [{"uid": ITEM}, {"message": "x"}, {}, {"uid": ITEM}]
    async with balance(lambda request: httpx.Response(200, json=rows)) as client:
        assert await every(client.items()) == rows
