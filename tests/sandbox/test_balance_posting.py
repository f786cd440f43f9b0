"""What posting a document does: numbers, VAT, stock, revisions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from services.sandbox.balance import stock_and_prices
from services.sandbox.balance.catalogue import MAIN, VAKE
from services.sandbox.balance.goods import recorded_shop_goods
from tests.sandbox.balance_bench import COFFEE, DELIVERY, FEE, NOWHERE, TEA, ZERO_RATED, Bench, line, own_uid, sale

Document = dict[str, Any]
CLOSED = {"lock_date": "2026-12-01"}
EXACT = {"amount_tolerance": "0.01"}
SPELLING = {"sale_operations": ["მიწოდება კომფენსაციით"]}
SERVICES_ONLY = {"negative_amounts": "services"}


async def test_a_posted_sale_comes_back_with_number_line_uids_and_vat() -> None:
    bench = Bench()
    await bench.put(
        sale(line(quantity="2", amount="11.80"), line(ZERO_RATED, amount="5"), line(DELIVERY, amount="5.00"))
    )
    document = (await bench.get("Sale", uid=own_uid("sale"))).json()[0]
    assert (document["Number"], document["Date"], document["Client"]) == (
        "0000001",
        "2026-11-20T14:03:00",
        sale()["Client"],
    )
    assert [row["Number"] for row in document["Items"]] == ["1", "2", "3"]
    assert len({row["uid"] for row in document["Items"]}) == 3
    assert [row["VAT"] for row in document["Items"]] == ["1.8", "0", "0.76"]
    assert [row["AmountIncludingVAT"] for row in document["Items"]] == ["11.8", "5", "5"]


@pytest.mark.parametrize(("sent", "kept"), [(own_uid("line"), True), ("", False), (None, False)])
async def test_a_lines_own_uid_is_kept(sent: str | None, kept: bool) -> None:
    row = (await Bench().put(sale(line(uid=sent)))).json()[0]["Items"][0]
    assert row["uid"]
    assert (row["uid"] == sent) == kept


@pytest.mark.parametrize(
    ("amount", "rate", "header", "tax", "gross"),
    [
        ("118", stock_and_prices.RATE_UIDS[stock_and_prices.REGULAR_RATE], {}, "18", "118"),
        ("0.03", "", {}, "0", "0.03"),
        ("0.04", "", {}, "0.01", "0.04"),
        ("-3.50", stock_and_prices.REGULAR_RATE, {}, "-0.53", "-3.5"),
        ("118", stock_and_prices.ZERO_RATE, {}, "0", "118"),
        ("118", stock_and_prices.WITHOUT_VAT, {}, "0", "118"),
        ("118", stock_and_prices.RATE_UIDS[stock_and_prices.EXEMPT], {}, "0", "118"),
        ("100", "", {"AmountIncludesVAT": False}, "18", "118"),
        ("100", "", {"AmountIncludesVAT": "true"}, "15.25", "100"),
        ("118", "", {"VATTaxable": "არ იბეგრება დღგ-ით"}, "0", "118"),
    ],
)  # fmt: skip
async def test_vat_of_a_line(amount: str, rate: str, header: Document, tax: str, gross: str) -> None:
    answer = await Bench().put(sale(line(FEE, amount=amount, VATRate=rate), **header))
    row = answer.json()[0]["Items"][0]
    assert (row["VAT"], row["AmountIncludingVAT"]) == (tax, gross)


@pytest.mark.parametrize(("switch", "tax"), [("accepted", "0"), ("dropped", "18")])
async def test_a_vat_rate_as_text_may_be_dropped_for_the_items_own(switch: str, tax: str) -> None:
    answer = await Bench(dialect={"vat_rate_text": switch}).put(
        sale(line(amount="118", VATRate=stock_and_prices.ZERO_RATE))
    )
    row = answer.json()[0]["Items"][0]
    assert row["VAT"] == tax
    assert row["VATRate"] == (
        stock_and_prices.ZERO_RATE
        if switch == "accepted"
        else stock_and_prices.RATE_UIDS[stock_and_prices.REGULAR_RATE]
    )


async def test_figures_are_kept_with_the_decimals_of_their_fields() -> None:
    answer = await Bench().put(sale(line(quantity="1.23456", amount="10.005", Price="8.123456")))
    row = answer.json()[0]["Items"][0]
    assert (row["Quantity"], row["Amount"], row["Price"]) == ("1.235", "10.01", "8.1235")


async def test_goods_leave_the_warehouse_and_services_do_not() -> None:
    bench = Bench()
    tea, elsewhere = bench.on_hand(), bench.on_hand(warehouse=VAKE)
    await bench.put(sale(line(quantity="2.5"), line(DELIVERY), line(quantity="1")))
    assert (bench.on_hand(), bench.on_hand(warehouse=VAKE), bench.on_hand(DELIVERY)) == (
        tea - Decimal("3.5"),
        elsewhere,
        0,
    )


async def test_a_lot_that_is_named_is_taken() -> None:
    bench = Bench()
    item = recorded_shop_goods()[0].uid
    lot = next(known for known, row in bench.books.series.items() if row["Item"] == item)
    await bench.put(sale(line(item, quantity="4", Series=lot)))
    assert bench.books.stocks.on_hand(item, MAIN, lot) == 1


async def test_stock_may_go_below_zero_by_default() -> None:
    bench = Bench()
    await bench.put(sale(line(COFFEE, quantity="100")))
    assert bench.on_hand(COFFEE) == -52


async def test_a_second_put_replaces_the_document_and_is_counted() -> None:
    bench = Bench()
    before = bench.on_hand()
    await bench.put(sale(line(quantity="5"), line(COFFEE)))
    first = bench.books.sales.get(own_uid("sale"))
    await bench.put(sale(line(quantity="3"), Comments="again"))
    second = bench.books.sales.get(own_uid("sale"))
    assert first is not None
    assert second is not None
    assert (second.revision, second.number, len(second.lines)) == (2, first.number, 1)
    assert second.lines[0]["uid"] == first.lines[0]["uid"]
    assert (bench.on_hand(), bench.on_hand(COFFEE)) == (before - 3, 48)


async def test_a_refused_replacement_leaves_the_document_as_it_was() -> None:
    bench = Bench()
    await bench.put(sale(line(quantity="5")))
    stock = bench.on_hand()
    assert (await bench.put(sale(line(quantity="0")))).status_code == 400
    document = bench.books.sales.get(own_uid("sale"))
    assert document is not None
    assert (document.revision, document.lines[0]["Quantity"], bench.on_hand()) == (1, 5, stock)


async def test_enough_stock_is_judged_without_the_documents_own_effect() -> None:
    bench = Bench(rules={"allow_negative_stock": False})
    assert (await bench.put(sale(line(COFFEE, quantity="40")))).status_code == 200
    assert (await bench.put(sale(line(COFFEE, quantity="48")))).status_code == 200
    assert (await bench.put(sale(line(COFFEE, quantity="49")))).status_code == 400
    assert bench.on_hand(COFFEE) == 0


@pytest.mark.parametrize(("rule", "left"), [("atomic", []), ("each", ["1"])])
async def test_an_array_may_or_may_not_be_atomic(rule: str, left: list[str]) -> None:
    bench = Bench(rules={"array": rule})
    before = bench.on_hand()
    assert (await bench.put(sale(name=1), sale(line(NOWHERE), name=2))).status_code == 400
    assert [document.uid for document in bench.books.sales] == [own_uid(name) for name in map(int, left)]
    assert bench.on_hand() == before - len(left)


async def test_an_atomic_array_puts_earlier_versions_back() -> None:
    bench = Bench()
    await bench.put(sale(line(quantity="2"), name=1))
    stock = bench.on_hand()
    await bench.put(sale(line(quantity="9"), name=1), sale(Items=[], name=2))
    document = bench.books.sales.get(own_uid(1))
    assert document is not None
    assert (document.revision, bench.on_hand()) == (1, stock)


@pytest.mark.parametrize(("rule", "status"), [("nothing", 404), ("draft", 200)])
async def test_a_failed_posting_may_leave_a_draft(rule: str, status: int) -> None:
    bench = Bench(rules=CLOSED | {"failed_posting": rule})
    before = bench.on_hand()
    await bench.put(sale())
    assert (await bench.get("Sale", uid=own_uid("sale"))).status_code == status
    assert bench.on_hand() == before
    bench.books.settings = bench.books.settings.changed({"rules": {"lock_date": None}})
    await bench.put(sale())
    assert bench.on_hand() == before - 1


@pytest.mark.parametrize(("switch", "same"), [("honoured", True), ("replaced", False)])
async def test_an_own_uid_is_honoured_or_replaced(switch: str, same: bool) -> None:
    bench = Bench(dialect={"own_uid": switch})
    given = (await bench.put(sale())).json()[0]["uid"]
    again = (await bench.put(sale(uid=given))).json()[0]["uid"]
    assert ((given == own_uid("sale")), again) == (same, given)
    assert (await bench.get("Sale", uid=own_uid("sale"))).status_code == (200 if same else 404)


async def test_an_empty_uid_makes_a_new_document_each_time() -> None:
    bench = Bench()
    await bench.put(sale(uid=""))
    await bench.put(sale(uid=""))
    assert [document.revision for document in bench.books.sales] == [1, 1]


@pytest.mark.parametrize(
    ("switch", "status", "item"),
    [("dropped", 200, ""), ("resolved", 200, TEA), ("refused", 400, None)],
)
async def test_an_item_given_by_its_sku(switch: str, status: int, item: str | None) -> None:
    bench = Bench(dialect={"item_text": switch, "empty_reference": "text"})
    before = bench.on_hand()
    answer = await bench.put(sale(line("ჩაი-02")))
    assert answer.status_code == status
    if item is not None:
        assert answer.json()[0]["Items"][0]["Item"] == item
    assert bench.on_hand() == before - (1 if item else 0)


async def test_client_and_warehouse_may_be_found_by_text() -> None:
    bench = Bench(dialect={"reference_text": "resolved"})
    answer = await bench.put(sale(Client="000000000", Warehouse="Vake"))
    assert (answer.json()[0]["Client"], answer.json()[0]["Warehouse"]) == (sale()["Client"], VAKE)


async def test_a_reference_that_is_dropped_may_be_missed() -> None:
    answer = await Bench(dialect={"reference_text": "dropped"}).put(sale(Warehouse="Vake"))
    assert answer.json() == {"Error": ["არ არის შევსებული ველი Warehouse"]}


async def test_unknown_fields_may_be_refused() -> None:
    answer = await Bench(dialect={"unknown_fields": "refused"}).put(sale(line(Colour="red"), Weather="fine"))
    assert answer.json() == {"Error": ["უცნობი ველი Weather", "უცნობი ველი Colour"]}
    read = (await Bench().put(sale(line(Colour="red"), Weather="fine"))).json()[0]
    assert "Weather" not in read
    assert "Colour" not in read["Items"][0]


async def test_a_patch_changes_the_named_fields_alone() -> None:
    bench = Bench()
    await bench.put(sale(line(quantity="2"), PaymentDate="2026-11-25"))
    stock = bench.on_hand()
    answer = await bench.http.patch("Sale", json=[{"uid": own_uid("sale"), "comments": "paid"}])
    row = answer.json()[0]
    assert (row["Comments"], row["PaymentDate"], row["Items"][0]["Quantity"]) == ("paid", "2026-11-25T00:00:00", "2")
    assert (bench.on_hand(), bench.books.sales.get(own_uid("sale")).revision) == (stock, 2)  # type: ignore[union-attr]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_document_that_is_not_there_cannot_be_changed(method: str) -> None:
    answer = await Bench().http.request(method, "Sale", json=[{"uid": own_uid("sale")}])
    assert answer.json() == {"Error": [f"ობიექტი ვერ მოიძებნა: uid {own_uid('sale')}"]}


@pytest.mark.parametrize("by_query", [True, False])
async def test_delete_is_a_mark_that_takes_the_effect_back(by_query: bool) -> None:
    bench = Bench()
    before = bench.on_hand()
    await bench.put(sale(line(quantity="5")))
    body: Document = {"params": {"uid": own_uid("sale")}} if by_query else {"json": [{"uid": own_uid("sale")}]}
    await bench.http.request("DELETE", "Sale", **body)
    read = (await bench.get("Sale", uid=own_uid("sale"))).json()[0]
    assert (read["DeletionMark"], bench.on_hand()) == ("true", before)
    await bench.put(sale(line(quantity="5")))
    assert bench.on_hand() == before - 5
