"""What goes to Balance: one exact document, under the configured names; and what each answer to it means."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.reasons import Reason
from services.connectors.balance.writing import encode_body, to_wire
from services.engine.outbox.upstream_errors import AccessDenied, Misaddressed, Rejected, Unavailable, UnknownOutcome
from services.settings.balance import Dialect
from tests.balance.balance_double import ITEM, MAIN, OTHER, Recorder, balance, failure_of_items, failure_of_put, json

SALE = {
    "uid": ITEM,
    "Date": datetime(2026, 6, 30, 21, 30, tzinfo=UTC),
    "PaymentDate": date(2026, 7, 1),
    "Warehouse": MAIN,
    "Agreement": "",
    "Branch": None,
    "AmountIncludesVAT": True,
    "DoesNotAffectReceivables": False,
    "Comments": "შეკვეთა 1042",
    "Payment": [],
    "Items": [{"Number": 1, "Item": OTHER, "Quantity": Decimal(2), "Price": Decimal("12.50"), "Amount": "25.00",
               "VATRate": "ჩვეულებრივი", "Series": ""}],
}  # fmt: skip


async def sent(document: dict[str, Any], **dialect: Any) -> httpx.Request:
    recorder = Recorder(json([]))
    async with balance(recorder, dialect=dialect) as client:
        await client.put_sale(document)
    (request,) = recorder.requests
    return request


async def test_a_sale_goes_out_alone_in_an_array_without_anything_empty() -> None:
    request = await sent(SALE)
    assert (request.method, request.url.path.rpartition("/")[2]) == ("PUT", "Sale")
    assert request.headers["Content-Type"] == "application/json"
    assert orjson.loads(request.content) == [
        {
            "uid": ITEM,
            "Date": "2026-07-01T01:30:00",
            "PaymentDate": "2026-07-01",
            "Warehouse": MAIN,
            "AmountIncludesVAT": True,
            "DoesNotAffectReceivables": False,
            "Comments": "შეკვეთა 1042",
            "Items": [
                {"Number": "1", "Item": OTHER, "Quantity": "2", "Price": "12.50", "Amount": "25.00",
                 "VATRate": "ჩვეულებრივი"}
            ],
        }
    ]  # fmt: skip
    assert "შეკვეთა".encode() in request.content


async def test_numbers_may_go_out_as_numbers_and_stay_exact() -> None:
    request = await sent(SALE, numbers_as_text=False)
    assert b'"Quantity":2,"Price":12.50,"Amount":25.00' in request.content
    assert b'"uid":"' in request.content


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_a_number_is_sent_digit_by_digit_in_both_forms(figure: Decimal) -> None:
    as_text, as_number = (
        encode_body({"Amount": figure}, "Sale", Dialect(numbers_as_text=as_text)).decode() for as_text in (True, False)
    )
    assert as_text == f'[{{"Amount":"{figure:f}"}}]'
    assert as_number == f'[{{"Amount":{figure:f}}}]'


def test_a_text_in_a_numeric_field_that_is_no_number_is_left_to_balance() -> None:
    assert to_wire({"Rate": "today's", "Comments": "12"}, "Sale", Dialect(numbers_as_text=False)) == {
        "Rate": "today's",
        "Comments": "12",
    }


def test_fields_are_renamed_everywhere_or_of_one_resource() -> None:
    dialect = Dialect(field_names={"VATRate": "VATrate", "SalesCredit.Amount": "Sum"})
    document = {"Amount": "1", "Items": [{"VATRate": "18", "Amount": "1"}]}
    assert to_wire(document, "Sale", dialect) == {"Amount": "1", "Items": [{"VATrate": "18", "Amount": "1"}]}
    assert to_wire(document, "SalesCredit", dialect) == {"Sum": "1", "Items": [{"VATrate": "18", "Sum": "1"}]}


def test_zero_and_no_are_not_empty() -> None:
    assert to_wire({"VAT": Decimal(0), "Flag": False}, "Sale", Dialect()) == {"VAT": "0", "Flag": False}


@pytest.mark.parametrize(
    ("answer", "echo"),
    [
        (json([{"uid": ITEM, "Number": "7"}]), {"uid": ITEM, "Number": "7"}),
        (json({"uid": ITEM, "Number": "7"}), {"uid": ITEM, "Number": "7"}),
        (json({"Items": [{"uid": ITEM}]}), {"uid": ITEM}),
        (json({"uid": ITEM, "Items": [{"Item": OTHER}]}), {"uid": ITEM, "Items": [{"Item": OTHER}]}),
        (httpx.Response(200, content=b"\xef\xbb\xbf" + orjson.dumps([{"uid": ITEM}])), {"uid": ITEM}),
        (httpx.Response(200), None),
        (httpx.Response(204), None),
        (httpx.Response(201, text="OK"), None),
        (json([]), None),
        (json([{"uid": ITEM}, {"uid": OTHER}]), None),
        (json(["done"]), None),
    ],
)
async def test_an_echo_is_compared_leniently(answer: httpx.Response, echo: dict[str, Any] | None) -> None:
    async with balance(Recorder(answer)) as client:
        assert await client.put_sale({"uid": ITEM}) == echo


async def test_clients_and_credit_notes_go_to_their_resources() -> None:
    recorder = Recorder(json([]))
    async with balance(recorder, dialect={"credit_note_resource": "SalesCreditNote"}) as client:
        await client.put_client({"uid": ITEM, "Name": "ნინო", "ID": "01001012345"})
        await client.put_credit_note({"uid": OTHER})
    assert [request.url.path.rpartition("/")[2] for request in recorder.requests] == ["Clients", "SalesCreditNote"]


ERROR = {"Error": ["ОбработкаПроведения: не хватает товара", "კომენტარი"]}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        *((httpx.Response(status, json=ERROR), Rejected) for status in (400, 404, 409, 422, 500, 501, 502, 504)),
        *((httpx.Response(status, text="no"), Rejected) for status in (400, 404, 409, 422)),
        (httpx.Response(200, json=ERROR), Rejected),
        *((httpx.Response(status, text="no"), UnknownOutcome) for status in (500, 502, 504)),
        (httpx.Response(200, html="<html>"), UnknownOutcome),
        (httpx.Response(408), UnknownOutcome),
        *((httpx.Response(status), Unavailable) for status in (429, 503)),
        *((httpx.Response(status, text="no"), AccessDenied) for status in (401, 403)),
        (httpx.Response(404, html="<html><title>IIS</title></html>"), Misaddressed),
        (httpx.Response(405, text="no"), Misaddressed),
        *((error, UnknownOutcome) for error in (httpx.ReadTimeout, httpx.WriteError, httpx.RemoteProtocolError)),
        *((error, Unavailable) for error in (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)),
    ],
)
async def test_each_response_to_a_write_has_its_outcome(answer: Any, kind: type[Exception]) -> None:
    assert type(await failure_of_put(Recorder(answer))) is kind


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        *((httpx.Response(status), Unavailable) for status in (408, 429, 500, 502, 503, 504)),
        (httpx.Response(500, json=ERROR), Unavailable),
        *((httpx.Response(status, json=ERROR), Rejected) for status in (400, 409, 422)),
        *((httpx.Response(status, text="no"), AccessDenied) for status in (401, 403)),
        *((error, Unavailable) for error in (httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError)),
    ],
)
async def test_each_failed_read_has_its_error(answer: Any, kind: type[Exception]) -> None:
    assert isinstance(await failure_of_items(Recorder(answer)), kind)


async def test_a_refusal_quotes_balance() -> None:
    error = await failure_of_put(Recorder(httpx.Response(400, json=ERROR)))
    assert error.message == ("Balance: PUT Sale: HTTP 400: ОбработкаПроведения: не хватает товара; კომენტარი")
    assert error.status == 400


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("ОбработкаПроведения: период закрыт до 2026-11-01", Reason.BALANCE_PERIOD_CLOSED),
        ("Период до 01.11.2026 закрыт для изменений", Reason.BALANCE_PERIOD_CLOSED),
        ("Дата запрета изменения данных: 31.10.2026", Reason.BALANCE_PERIOD_CLOSED),
        ("ОбработкаПроведения: პერიოდი დახურულია 2026-11-01-მდე", Reason.BALANCE_PERIOD_CLOSED),
        ("The period is closed", Reason.BALANCE_PERIOD_CLOSED),
        ("ОбработкаПроведения: недостаточно остатка", Reason.BALANCE_STOCK_SHORT),
        ("Не заполнен период отчёта; закройте форму", Reason.BALANCE_REFUSED),
    ],
)
async def test_problems_to_fix_outside_balance_are_distinguished(words: str, reason: Reason) -> None:
    error = await failure_of_put(Recorder(httpx.Response(400, json={"Error": [words]})))
    assert isinstance(error, Rejected)
    assert error.reason == reason


async def test_what_means_a_closed_period_is_a_setting() -> None:
    answer = httpx.Response(400, json={"Error": ["Ledger locked (7)"]})
    error = await failure_of_put(Recorder(answer), dialect={"period_closed": [r"locked \(\d\)"]})
    assert isinstance(error, Rejected)
    assert error.reason == Reason.BALANCE_PERIOD_CLOSED


@pytest.mark.parametrize(("profile", "title"), [("storera", "Storera"), ("vendoo", "Vendoo"), ("b2c", "B2C")])
@pytest.mark.claim("S0.29", "S1.2")
async def test_a_denied_user_gets_the_menu_path_of_the_profile(profile: str, title: str) -> None:
    error = await failure_of_put(Recorder(httpx.Response(403, text="no right")), profile=profile)
    assert f"Administration → Data synchronization settings → {title} → rights of the user" in error.message
    assert f"მონაცემთა სინქრონიზაციის პარამეტრები → {title}" in error.message
    assert "no right" in error.message
    for hint in ('"o" or "a"', "password", "Content-Type"):
        assert hint in error.message


async def test_messages_carry_neither_password_nor_parameters() -> None:
    recorder = Recorder(httpx.Response(403, text="no"))
    async with balance(recorder) as client:
        with pytest.raises(AccessDenied) as raised:
            await client.client_by_id("01001012345")
    assert "01001012345" not in raised.value.message
    assert "გა+სა#ღები" not in raised.value.message
    assert recorder.queries == [{"ID": "01001012345"}]


async def test_a_retry_after_header_is_passed_on() -> None:
    error = await failure_of_put(Recorder(httpx.Response(429, headers={"Retry-After": "17"})))
    assert isinstance(error, Unavailable)
    assert error.retry_after == 17


async def test_a_write_is_sent_once_whatever_happens() -> None:
    recorder = Recorder(httpx.ReadTimeout)
    assert isinstance(await failure_of_put(recorder), UnknownOutcome)
    assert len(recorder.requests) == 1
