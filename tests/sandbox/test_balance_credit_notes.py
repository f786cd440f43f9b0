"""Credit notes: their resource, their base, what they do to stock, and the second one on a Sale."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from services.sandbox.balance import stock_and_prices
from services.sandbox.balance.rules import PRICE_CORRECTION, RETURN_WITHOUT_BASE
from tests.sandbox.balance_bench import COFFEE, DELIVERY, NOWHERE, Bench, line, note, own_uid, sale


async def sold(quantity: str = "5", **settings: Any) -> Bench:
    """A Balance in which coffee was sold."""
    bench = Bench(**settings)
    answer = await bench.put(sale(line(COFFEE, quantity=quantity), line(DELIVERY)))
    assert answer.status_code == 200
    return bench


async def credited(bench: Bench, *lines: dict[str, Any], **more: Any) -> Any:
    return await bench.put(note(*(lines or (line(COFFEE, quantity="2"),)), **more), resource="SalesCredit")


@pytest.mark.parametrize(("name", "other"), [("SalesCredit", "SalesCreditNote"), ("SalesCreditNote", "SalesCredit")])
@pytest.mark.claim("S0.12")
async def test_the_resource_has_one_of_two_names(name: str, other: str) -> None:
    bench = await sold(dialect={"credit_note_resource": name})
    assert (await bench.put(note(), resource=name)).status_code == 200
    assert (await bench.get(name, uid=own_uid("note"))).status_code == 200
    assert (await bench.get(other)).status_code == 404
    assert (await bench.put(note(), resource=other)).status_code == 405


async def test_a_return_brings_goods_back() -> None:
    bench = await sold()
    before = bench.on_hand(COFFEE)
    answer = await credited(bench, line(COFFEE, quantity="2"), line(DELIVERY))
    assert (answer.status_code, bench.on_hand(COFFEE)) == (200, before + 2)
    assert answer.json()[0]["Number"] == "0000001"


async def test_a_return_without_base_brings_goods_back_too() -> None:
    bench = await sold()
    before = bench.on_hand(COFFEE)
    await credited(bench, BaseDocument="", OperationType=RETURN_WITHOUT_BASE)
    assert bench.on_hand(COFFEE) == before + 2


@pytest.mark.parametrize("quantity", ["1", "0"])
async def test_a_price_correction_moves_no_goods(quantity: str) -> None:
    bench = await sold()
    before = bench.on_hand(COFFEE)
    answer = await credited(bench, line(COFFEE, quantity=quantity), OperationType=PRICE_CORRECTION)
    assert (answer.status_code, bench.on_hand(COFFEE)) == (200, before)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"BaseDocument": NOWHERE}, f"BaseDocument: საფუძველი ვერ მოიძებნა: {NOWHERE}"),
        ({"BaseDocument": ""}, "BaseDocument"),
        ({"OperationType": ""}, "OperationType"),
        ({"OperationType": "return"}, "OperationType: უცნობი მნიშვნელობა: return"),
        ({"Items": [line(COFFEE, BaseDocument=NOWHERE)]}, "BaseDocument"),
        ({"Items": [line(COFFEE, quantity="0")]}, "რაოდენობა"),
        ({"Items": []}, "Items"),
        ({"Client": NOWHERE}, "Client"),
    ],
)
async def test_a_note_is_refused(change: dict[str, Any], words: str) -> None:
    bench = await sold()
    answer = await credited(bench, **{"Items": [line(COFFEE)]} | change)
    assert answer.status_code == 400
    assert words in " ".join(answer.json()["Error"])
    assert len(bench.books.credit_notes) == 0


async def test_lines_may_point_at_the_sale_or_at_a_line_of_it() -> None:
    bench = await sold()
    document = (await bench.get("Sale", uid=own_uid("sale"))).json()[0]
    lines = [line(COFFEE, BaseDocument=document["Items"][0]["uid"]), line(DELIVERY, BaseDocument=document["uid"])]
    answer = await credited(bench, *lines)
    assert [row["BaseDocument"] for row in answer.json()[0]["Items"]] == [lines[0]["BaseDocument"], document["uid"]]


async def test_a_sale_that_is_marked_for_deletion_is_no_base() -> None:
    bench = await sold()
    await bench.http.delete("Sale", params={"uid": own_uid("sale")})
    assert (await credited(bench)).status_code == 400


@pytest.mark.parametrize(("rule", "status"), [("allowed", 200), ("refused", 400)])
async def test_a_second_note_on_one_sale(rule: str, status: int) -> None:
    bench = await sold(rules={"second_credit_note": rule})
    await credited(bench)
    stock = bench.on_hand(COFFEE)
    answer = await credited(bench, name="second")
    assert answer.status_code == status
    assert ("ОбработкаПроведения" in answer.text, bench.on_hand(COFFEE) - stock) == (
        status == 400,
        2 if status == 200 else 0,
    )


async def test_where_a_second_note_is_refused_the_first_may_be_put_again_or_deleted() -> None:
    bench = await sold(rules={"second_credit_note": "refused"})
    await credited(bench, line(COFFEE, quantity="1"))
    assert (await credited(bench, line(COFFEE, quantity="3"))).status_code == 200
    assert bench.books.credit_notes.get(own_uid("note")).revision == 2  # type: ignore[union-attr]
    await bench.http.delete("SalesCredit", params={"uid": own_uid("note")})
    assert (await credited(bench, name="second")).status_code == 200


async def test_a_note_in_the_shape_of_the_newest_integration_is_understood() -> None:
    bench = await sold()
    row = line(
        COFFEE,
        VATrate=stock_and_prices.RATE_UIDS[stock_and_prices.REGULAR_RATE],
        VAT="0",
        AmountIncludingVAT="11.80",
        AccountingAccount="1610",
    )
    answer = await credited(bench, row, VATtaxable="იბეგრება დღგ-ით", VATarticle="x", AmountIncludesVAT="true")
    document = answer.json()[0]
    assert (document["VATTaxable"], document["AmountIncludesVAT"]) == ("იბეგრება დღგ-ით", "true")
    assert (document["Items"][0]["VAT"], document["Items"][0]["AccountingAccount"]) == ("1.8", "1610")


async def test_notes_and_sales_are_numbered_apart_and_keep_their_money() -> None:
    bench = await sold()
    await credited(bench, line(COFFEE, amount="11.80"), line(DELIVERY, amount="5.00"))
    document = bench.books.credit_notes.get(own_uid("note"))
    assert document is not None
    assert (document.number, document.total, document.vat) == ("0000001", Decimal("16.80"), Decimal("2.56"))
