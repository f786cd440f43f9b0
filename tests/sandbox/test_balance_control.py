"""The levers under /_sandbox, and faults around the service, over real HTTP where a connection matters."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from services.sandbox.balance.app import create_balance
from services.sandbox.balance.catalogue import MAIN
from services.sandbox.faults import InjectedFault
from services.sandbox.server import serve
from tests.sandbox.balance_bench import AUTH, COFFEE, NOW, PATH, TEA, Bench, line, note, own_uid, sale


async def test_a_balance_is_filled_used_and_looked_at_over_http() -> None:
    async with (
        serve(create_balance(clock=lambda: NOW)) as served,
        httpx.AsyncClient(base_url=served.url, auth=AUTH) as http,
    ):
        assert (await http.get(f"{PATH}/Items")).status_code == 404
        legend = (await http.post("/_sandbox/catalogue", json={"from_recorded": True, "services": 3})).json()
        assert set(legend["services"]) == {"DELIVERY", "FEE", "ROUNDING"}
        document = sale(Client=legend["retail_client"], Warehouse=legend["warehouses"]["Vake"])
        assert (await http.put(f"{PATH}/Sale", json=[document])).status_code == 200
        state = (await http.get("/_sandbox/state")).json()
        assert state["counts"]["sales"] == 1
        assert state["sales"][0]["total"] == "11.8"
        journal = (await http.get("/_sandbox/requests")).json()
        assert [(each["method"], each["path"]) for each in journal["requests"]] == [
            ("GET", f"{PATH}/Items"),
            ("PUT", f"{PATH}/Sale"),
        ]


async def test_a_sale_that_was_kept_although_the_answer_was_lost() -> None:
    sandbox = create_balance(clock=lambda: NOW)
    async with serve(sandbox) as served, httpx.AsyncClient(base_url=served.url, auth=AUTH) as http:
        await http.post("/_sandbox/catalogue")
        sandbox.add(InjectedFault.model_validate({"kind": "commit_then_reset", "match": "PUT .*/Sale", "times": 1}))
        with pytest.raises(httpx.TransportError):
            await http.put(f"{PATH}/Sale", json=[sale()])
        assert (await http.get(f"{PATH}/Sale", params={"uid": own_uid("sale")})).json()[0]["Comments"] == "order 1042"


async def test_the_state_names_documents_clients_and_stock() -> None:
    bench = Bench()
    await bench.put(sale(line(COFFEE, quantity="2", amount="23.60")))
    await bench.put(sale(line(COFFEE, quantity="2", amount="23.60")))
    await bench.put(note(line(COFFEE)), resource="SalesCredit")
    state = (await bench.control.get("state")).json()
    written = state["sales"][0]
    shown = {"PrimaryDocument": "1042", "Comments": "order 1042", "total": "23.6", "vat": "3.6", "revisions": 2}
    assert shown.items() <= written.items()
    assert written["lines"][0]["Item"] == COFFEE
    assert state["credit_notes"][0]["BaseDocument"] == own_uid("sale")
    assert state["clients"][0]["ID"] == "000000000"
    assert state["stock"][COFFEE]["Main"] == {"quantity": "47", "reserve": "0"}
    assert set((await bench.control.get("state", params={"parts": "counts"})).json()) == {"counts"}


async def test_settings_change_while_it_runs() -> None:
    bench = Bench()
    await bench.control.put("settings", json={"dialect": {"wrapper": "Source"}, "rights": {"forbidden": ["Items"]}})
    assert "Source" in (await bench.get("Warehouses")).json()
    assert (await bench.get("Items")).status_code == 403
    shown = (await bench.control.get("settings")).json()
    assert (shown["dialect"]["wrapper"], shown["dialect"]["decimals"]) == ("Source", "dot")


@pytest.mark.parametrize("wrong", [{"dialect": {"decimals": "roman"}}, {"dialect": {"colour": 1}}, {"colour": 1}])
async def test_a_setting_that_is_none_is_refused_and_changes_nothing(wrong: dict[str, Any]) -> None:
    bench = Bench()
    before = bench.books.settings
    assert (await bench.control.put("settings", json=wrong)).status_code == 400
    assert bench.books.settings == before


async def test_the_lock_date_closes_and_opens_the_books() -> None:
    bench = Bench()
    await bench.control.put("lock-date", json={"date": "2026-12-01"})
    assert (await bench.put(sale())).status_code == 400
    await bench.control.put("lock-date", json={"date": None})
    assert (await bench.put(sale())).status_code == 200


async def test_an_item_is_changed_and_deleted() -> None:
    bench = Bench()
    await bench.control.put(f"items/{TEA}", json={"Name": "ახალი სახელი", "Weight": "0.25"})
    row = (await bench.get("Items", uid=TEA)).json()[0]
    assert (row["Name"], row["Weight"], row["InternalArticle"]) == ("ახალი სახელი", "0.25", "ჩაი-02")
    assert (await bench.control.delete(f"items/{TEA}")).status_code == 200
    for resource in ("Items", "Stocks", "Prices"):
        assert TEA not in (await bench.get(resource)).text


async def test_an_item_is_added() -> None:
    bench = Bench()
    await bench.control.put(f"items/{own_uid('new')}", json={"InternalArticle": "NEW-1"})
    assert (await bench.get("Items", InternalArticle="NEW-1")).json()[0]["ItemType"] == "საქონელი"


async def test_stock_and_prices_are_set_by_article_and_name() -> None:
    bench = Bench()
    stock = {"item": "ჩაი-02", "warehouse": "Main", "quantity": "7.5", "reserve": "2"}
    await bench.control.put("stocks", json=stock)
    await bench.control.put("prices", json={"item": "ჩაი-02", "price": "4.20"})
    await bench.control.put("prices", json={"item": "ჩაი-02", "price": "3.90", "price_type": "sale"})
    level = bench.books.stocks.levels(TEA)[MAIN, "00000000-0000-0000-0000-000000000000"]
    assert (str(level.quantity), str(level.reserve)) == ("7.5", "2")
    assert [row["Price"] for row in (await bench.get("Prices", Source=TEA)).json()] == ["4.2", "3.9"]
    newest = (await bench.get("ItemPricing")).json()[-1]
    assert (newest["Date"], newest["Items"]) == ("2026-11-21T12:30:00", [{"Item": TEA, "Price": "3.9"}])


async def test_stock_and_prices_are_deleted() -> None:
    bench = Bench()
    await bench.control.delete(f"stocks/{TEA}")
    await bench.control.delete(f"prices/{TEA}")
    assert TEA not in (await bench.get("Stocks")).text
    assert TEA not in (await bench.get("Prices")).text
    assert (await bench.get("ItemPricing")).json()[-1]["Items"] == [{"Item": TEA, "Price": "0"}]


async def test_a_discount_is_set_and_removed() -> None:
    bench = Bench()
    await bench.control.put("discounts/D-01", json={"Percentage": "15.5", "EndDate": "2026-12-31"})
    row = (await bench.get("Discounts")).json()[0]
    assert (row["Percentage"], row["EndDate"], row["StartDate"]) == ("15.5", "31.12.2026", "18.11.2026")
    await bench.control.delete("discounts/D-01")
    assert [row["Code"] for row in (await bench.get("Discounts")).json()] == ["D-02"]


async def test_a_sale_is_edited_by_hand_past_every_rule() -> None:
    bench = Bench(rules={"allow_negative_stock": False})
    await bench.put(sale(line(COFFEE, quantity="2"), line(TEA)))
    await bench.control.put("lock-date", json={"date": "2026-12-01"})
    change = {"Comments": "by hand", "Items": [{"Number": "1", "Quantity": "50", "Amount": "118"}]}
    edited = (await bench.control.post(f"sales/{own_uid('sale')}/edit", json=change)).json()
    assert (edited["Comments"], edited["revisions"], edited["edits"]) == ("by hand", 1, 1)
    assert [row["VAT"] for row in edited["lines"]] == ["18", "1.8"]
    assert bench.on_hand(COFFEE) == -2


async def test_a_credit_note_is_edited_by_hand() -> None:
    bench = Bench()
    await bench.put(sale())
    await bench.put(note(), resource="SalesCredit")
    answer = await bench.control.post(f"credit-notes/{own_uid('note')}/edit", json={"Date": "2026-11-22"})
    assert answer.json()["Date"] == "2026-11-22T00:00:00"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("DELETE", "items/nothing", None, 404),
        ("PUT", "items/x", {"Colour": "red"}, 400),
        ("PUT", "items/x", {"Weight": "heavy"}, 400),
        ("PUT", "stocks", {"item": "nothing", "warehouse": "Main"}, 404),
        ("PUT", "stocks", {"item": "ჩაი-02", "warehouse": "Mars"}, 404),
        ("PUT", "prices", {"item": "ჩაი-02", "price": "dear"}, 400),
        ("PUT", "discounts/D-01", {"EndDate": "soon"}, 400),
        ("DELETE", "discounts/D-99", None, 404),
        ("POST", "sales/nothing/edit", {}, 400),
        ("POST", "catalogue", {"colour": 1}, 400),
        ("PUT", "lock-date", {"date": "soon"}, 400),
        ("PUT", "settings", [], 400),
    ],
)
async def test_a_lever_says_what_is_wrong(method: str, path: str, body: Any, status: int) -> None:
    answer = await Bench().control.request(method, path, json=body)
    assert answer.status_code == status
    assert set(answer.json()) <= {"error", "Error"}
