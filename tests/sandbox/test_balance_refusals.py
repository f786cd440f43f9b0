"""What Balance refuses to post, and what it takes."""

from __future__ import annotations

from typing import Any

import pytest

from services.sandbox.balance import stock_and_prices
from tests.sandbox.balance_bench import COFFEE, DELIVERY, FEE, NOWHERE, Bench, line, sale

Document = dict[str, Any]
CLOSED = {"lock_date": "2026-12-01"}
EXACT = {"amount_tolerance": "0.01"}
SPELLING = {"sale_operations": ["მიწოდება კომფენსაციით"]}
SERVICES_ONLY = {"negative_amounts": "services"}
REFUSALS: dict[str, tuple[Document, Document, str]] = {
    "no lines": (sale(Items=[]), {}, "Items"),
    "lines are no table": (sale(Items="x"), {}, "მასივი"),
    "a line is no row": (sale(Items=["x"]), {}, "მასივი"),
    "no date": (sale(Date=""), {}, "Date"),
    "no warehouse": (sale(Warehouse=None), {}, "Warehouse"),
    "no client": (sale(Client="00000000-0000-0000-0000-000000000000"), {}, "Client"),
    "a field that this company requires": (sale(), {"mandatory_sale": ["RevenueAccount"]}, "RevenueAccount"),
    "unknown item": (sale(line(NOWHERE)), {}, f"Item: ობიექტი ვერ მოიძებნა: {NOWHERE}"),
    "unknown client": (sale(Client=NOWHERE), {}, "Client"),
    "client by name": (sale(Client="საცალო მყიდველი"), {}, "Client"),
    "unknown warehouse": (sale(Warehouse=NOWHERE), {}, "Warehouse"),
    "unknown lot": (sale(line(Series=NOWHERE)), {}, "Series"),
    "unknown VAT rate": (sale(line(VATRate=NOWHERE)), {}, "VATRate"),
    "uid that is no GUID": (sale(uid="order-17"), {}, "uid"),
    "date with a zone": (sale(Date="2026-11-20T14:03:00Z"), {}, "თარიღი"),
    "date of nowhere": (sale(Date="2026-02-30"), {}, "თარიღი"),
    "quantity zero": (sale(line(quantity="0")), {}, "რაოდენობა"),
    "quantity below zero": (sale(line(quantity="-1")), {}, "რაოდენობა"),
    "quantity missing": (sale(line(quantity="")), {}, "Items[1].Quantity"),
    "amount missing": (sale(line(Amount=None)), {}, "Items[1].Amount"),
    "amount in words": (sale(line(amount="ten")), {}, "არ არის რიცხვი"),
    "amount with a comma": (sale(line(amount="11,80")), {}, "არ არის რიცხვი"),
    "amount with an exponent": (sale(line(amount="1E+2")), {}, "არ არის რიცხვი"),
    "amount true": (sale(line(Amount=True)), {}, "არ არის რიცხვი"),
    "amount that does not add up": (sale(line(quantity="2", Price="5", amount="10.02")), EXACT, "ნამრავლს"),
    "discounted price counts": (sale(line(quantity="2", DiscountedPrice="4")), EXACT, "ნამრავლს"),
    "goods below zero": (sale(line(amount="-1")), SERVICES_ONLY, "უარყოფითი"),
    "services below zero": (sale(line(FEE, amount="-1")), {"negative_amounts": "refused"}, "უარყოფითი"),
    "period closed": (sale(), CLOSED, "ОбработкаПроведения: პერიოდი დახურულია 2026-12-01-მდე"),
    "not enough stock": (sale(line(quantity="500")), {"allow_negative_stock": False}, "ОбработкаПроведения"),
    "lot missing": (sale(line()), {"series_required": True}, "სერია"),
    "misspelt operation": (sale(OperationType="მიწოდება"), SPELLING, "OperationType"),
}  # fmt: skip


@pytest.mark.parametrize("reason", REFUSALS)
@pytest.mark.parametrize("status", [400, 500])
async def test_a_sale_is_refused_with_an_error_list(reason: str, status: int) -> None:
    document, rules, words = REFUSALS[reason]
    bench = Bench(rules=rules | {"error_status": status})
    before = bench.on_hand()
    answer = await bench.put(document)
    assert answer.status_code == status
    assert words in " ".join(answer.json()["Error"])
    assert (len(bench.books.sales), bench.on_hand()) == (0, before)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"uid": ""}', b"[1]", b"[{]", b"\xff"])
async def test_a_body_that_is_no_array_of_objects_is_refused(body: bytes) -> None:
    answer = await Bench().http.put("Sale", content=body)
    assert (answer.status_code, list(answer.json())) == (400, ["Error"])


async def test_every_fault_is_named_at_once() -> None:
    answer = await Bench().put(sale(line(quantity="0"), line(NOWHERE), Date="", Client=""))
    assert len(answer.json()["Error"]) == 4


ACCEPTED: dict[str, tuple[Document, Document]] = {
    "date without a time": (sale(Date="2026-11-20"), {}),
    "on the lock date": (sale(Date="2026-12-01"), CLOSED),
    "a negative fee": (sale(line(FEE, amount="-3.50"), line()), {}),
    "a negative fee where only services may be": (sale(line(FEE, amount="-3.50"), line()), SERVICES_ONLY),
    "a service taken back": (sale(line(DELIVERY, quantity="-1", amount="-5")), {"negative_quantities": "services"}),
    "numbers as JSON numbers": (sale(line(Quantity=2, Amount=23.6, Price=11.8)), EXACT),
    "a difference within the tolerance": (sale(line(quantity="3", Price="3.3333", Amount="10")), EXACT),
    "the last piece": (sale(line(DELIVERY), line(COFFEE, quantity="48")), {"allow_negative_stock": False}),
    "fields in other letter case": (sale(line(VATrate=stock_and_prices.ZERO_RATE), vattaxable="იბეგრება დღგ-ით"), {}),
    "names that nobody knows": (sale(line(Colour="red"), Weather="fine"), {}),
}  # fmt: skip


@pytest.mark.parametrize("reason", ACCEPTED)
async def test_a_sale_is_accepted(reason: str) -> None:
    document, rules = ACCEPTED[reason]
    bench = Bench(rules=rules)
    answer = await bench.put(document)
    assert (answer.status_code, len(bench.books.sales)) == (200, 1), answer.text
