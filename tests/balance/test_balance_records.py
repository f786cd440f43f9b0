"""Single clients and documents: found by number or uid, or certainly not there."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from services.connectors.balance.clients import ClientRef
from services.connectors.balance.documents import StoredLine, read_stored_document
from services.connectors.balance.fields import RowInvalid
from services.engine.outbox.upstream_errors import Misaddressed, Unavailable
from services.settings.balance import Dialect
from tests.balance.balance_double import ITEM, MAIN, OTHER, RETAIL, ZERO, Recorder, balance, json

NUMBER = "01001012345"
NINO = {"uid": RETAIL, "Name": "ნინო მაგალითი", "ID": NUMBER, "LegalForm": "ფიზიკური პირი"}
FOUND = ClientRef(RETAIL, "ნინო მაგალითი", NUMBER, "ფიზიკური პირი", False)
NOTHING = [json([]), httpx.Response(404, text="Not Found"), httpx.Response(404), httpx.Response(200), json(None)]


async def test_a_client_is_found_by_number() -> None:
    recorder = Recorder(json([NINO]))
    async with balance(recorder) as client:
        assert await client.client_by_id(NUMBER) == FOUND
    assert recorder.queries == [{"ID": NUMBER}]


@pytest.mark.parametrize("answer", NOTHING)
async def test_each_form_of_no_client_is_none(answer: httpx.Response) -> None:
    async with balance(Recorder(answer)) as client:
        assert await client.client_by_id(NUMBER) is None


async def test_rows_that_ignore_the_filter_are_dropped() -> None:
    everyone = [
        NINO | {"ID": "01001099999"},
        NINO | {"uid": OTHER, "DeletionMark": "true"},
        NINO | {"uid": MAIN, "IsGroup": "true"},
        NINO,
    ]
    async with balance(Recorder(json(everyone))) as client:
        assert await client.client_by_id(NUMBER) == FOUND


async def test_of_two_clients_with_one_number_it_is_always_the_same() -> None:
    twins = [NINO | {"uid": RETAIL}, NINO | {"uid": ITEM}]
    for answer in (twins, twins[::-1]):
        async with balance(Recorder(json(answer))) as client:
            found = await client.client_by_id(NUMBER)
            assert found is not None
            assert found.uid == ITEM


async def test_a_client_is_found_by_uid() -> None:
    recorder = Recorder(json(NINO))
    async with balance(recorder) as client:
        assert await client.client(RETAIL) == FOUND
    assert recorder.queries == [{"uid": RETAIL}]


@pytest.mark.parametrize("answer", NOTHING)
async def test_each_form_of_no_document_is_none(answer: httpx.Response) -> None:
    async with balance(Recorder(answer)) as client:
        assert await client.sale(ITEM) is None


@pytest.mark.parametrize("shape", [lambda row: row, lambda row: [row], lambda row: {"Value": [row]}])
async def test_each_form_of_a_document_is_read(shape: Any) -> None:
    document = {"uid": ITEM.upper(), "Number": "0007", "Items": [{"Item": OTHER}]}
    async with balance(Recorder(json(shape(document)))) as client:
        assert await client.sale(ITEM) == document


async def test_only_the_document_asked_for_counts() -> None:
    async with balance(Recorder(json([{"uid": OTHER}, {"uid": ITEM, "Number": "7"}]))) as client:
        assert await client.sale(ITEM) == {"uid": ITEM, "Number": "7"}
    async with balance(Recorder(json([{"uid": OTHER}]))) as client:
        assert await client.sale(ITEM) is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(500, json={"Error": ["ошибка"]}), Unavailable),
        (httpx.Response(502), Unavailable),
        (httpx.ReadTimeout, Unavailable),
        (httpx.Response(200, text='[{"uid": "'), Unavailable),
        (httpx.Response(404, html="<html>"), Misaddressed),
    ],
)
async def test_a_failed_lookup_is_not_absence(answer: Any, kind: type[Exception]) -> None:
    async with balance(Recorder(answer)) as client:
        with pytest.raises(kind):
            await client.sale(ITEM)


async def test_the_resource_names_are_settings() -> None:
    recorder = Recorder(json([]))
    dialect = {"sale_resource": "Realisation", "credit_note_resource": "SalesCreditNote"}
    async with balance(recorder, dialect=dialect) as client:
        await client.sale(ITEM)
        await client.credit_note(ITEM)
    assert [request.url.path.rpartition("/")[2] for request in recorder.requests] == ["Realisation", "SalesCreditNote"]


SALE = {
    "uid": ITEM,
    "Number": "000000123",
    "Date": "2026-07-01T00:00:00",
    "Client": RETAIL,
    "Warehouse": MAIN.upper(),
    "Currency": "GEL",
    "Comments": "order 1042",
    "Items": [
        {"uid": OTHER, "Number": 1, "Item": OTHER, "Quantity": "2,000", "Price": "12,5", "Discount": "", "Amount": "25",
         "VAT": "3,81", "VATrate": "ჩვეულებრივი"},
        {"Number": "2", "Item": ZERO, "Quantity": "1", "Price": "1\u00a0005,00", "Amount": "1\u00a0005,00"},
    ],
}  # fmt: skip


def test_a_stored_document_adds_up() -> None:
    stored = read_stored_document(SALE, "Sale", Dialect())
    assert (stored.uid, stored.number, stored.comments) == (ITEM, "000000123", "order 1042")
    assert (stored.client, stored.warehouse, stored.currency) == (RETAIL, MAIN, "GEL")
    assert stored.date == datetime(2026, 6, 30, 20, tzinfo=UTC)
    assert (stored.total, stored.vat, stored.deleted) == (Decimal("1030.00"), Decimal("3.81"), False)
    assert stored.lines[0] == StoredLine(
        uid=OTHER,
        number="1",
        item=OTHER,
        quantity=Decimal(2),
        price=Decimal("12.5"),
        discount=None,
        amount=Decimal(25),
        vat=Decimal("3.81"),
        vat_rate="ჩვეულებრივი",
    )


def test_a_dropped_item_and_missing_figures_are_reported() -> None:
    stored = read_stored_document(SALE, "Sale", Dialect())
    assert (stored.lines[1].item, stored.lines[1].uid, stored.lines[1].vat) == (None, None, None)
    bare = read_stored_document({"uid": ITEM, "DeletionMark": True}, "Sale", Dialect())
    assert (bare.total, bare.vat, bare.lines, bare.deleted) == (Decimal(0), None, (), True)


def test_renamed_fields_are_read_under_either_name() -> None:
    dialect = Dialect(field_names={"SalesCredit.Amount": "Sum", "SalesCredit.BaseDocument": "Basis"})
    note = {"uid": ITEM, "Basis": OTHER, "Items": [{"Sum": "5"}, {"Amount": "2"}]}
    stored = read_stored_document(note, "SalesCredit", dialect)
    assert (stored.base_document, stored.total) == (OTHER, Decimal(7))


@pytest.mark.parametrize(
    ("change", "field"),
    [({"uid": ""}, "uid"), ({"Items": "lost"}, "Items"), ({"Items": [{"Amount": "1,2,3"}]}, "Amount")],
)
def test_a_document_that_cannot_be_compared_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(RowInvalid, match=f"Balance Sale.*{field}"):
        read_stored_document(SALE | change, "Sale", Dialect())
