"""Clients: looking them up, creating, updating, and what Balance requires of them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.balance_bench import Bench, own_uid, sale

PERSON = {
    "uid": own_uid("client"),
    "Name": "ნინო მაგალითი",
    "ID": "99001012345",
    "LegalForm": "ფიზიკური პირი",
    "Phone": "+995599000000",
    "ExtCode": "shop-7",
}


async def write(bench: Bench, method: str, **change: Any) -> httpx.Response:
    return await bench.http.request(method, "Clients", json=[PERSON | change])


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("key", ["uid", "ID", "Name", "ExtCode", "Phone"])
async def test_a_client_is_created_and_found(method: str, key: str) -> None:
    bench = Bench()
    await write(bench, method)
    rows = (await bench.get("Clients", **{key: str(PERSON[key])})).json()
    assert [(row["uid"], row["FullName"], row["AdvancesAccount"]) for row in rows] == [
        (own_uid("client"), "ნინო მაგალითი", "3120")
    ]


async def test_nobody_is_404_before_and_somebody_after() -> None:
    bench = Bench()
    assert (await bench.get("Clients", ID="99001012345")).status_code == 404
    await write(bench, "PUT")
    assert (await bench.get("Clients", ID="99001012345")).status_code == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [({"Name": ""}, "Name"), ({"ID": None}, "ID"), ({"uid": "7"}, "uid")],
)
async def test_name_and_id_are_required_and_the_uid_is_a_guid(change: dict[str, Any], words: str) -> None:
    bench = Bench()
    answer = await write(bench, "PUT", **change)
    assert answer.status_code == 400
    assert words in answer.json()["Error"][0]
    assert len(bench.books.clients) == 1


async def test_a_second_put_replaces_and_is_counted() -> None:
    bench = Bench()
    await write(bench, "PUT")
    await write(bench, "PUT", Name="ნინო ნიმუშაძე", Phone="")
    row = (await bench.get("Clients", uid=own_uid("client"))).json()[0]
    assert (row["Name"], row["Phone"], bench.books.clients.revisions[own_uid("client")]) == ("ნინო ნიმუშაძე", "", 2)


async def test_a_patch_changes_the_named_fields_alone() -> None:
    bench = Bench()
    await write(bench, "PUT")
    await bench.http.patch("Clients", json=[{"uid": own_uid("client"), "email": "nino@example.test"}])
    row = (await bench.get("Clients", uid=own_uid("client"))).json()[0]
    assert (row["Email"], row["Phone"]) == ("nino@example.test", "+995599000000")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_client_who_is_not_there_cannot_be_changed(method: str) -> None:
    assert (await write(Bench(), method)).json() == {"Error": [f"ობიექტი ვერ მოიძებნა: uid {own_uid('client')}"]}


async def test_delete_is_a_mark() -> None:
    bench = Bench()
    await write(bench, "PUT")
    await write(bench, "DELETE")
    row = (await bench.get("Clients", uid=own_uid("client"))).json()[0]
    assert row["DeletionMark"] == "true"


@pytest.mark.parametrize(("switch", "honoured"), [("honoured", True), ("replaced", False)])
async def test_an_own_uid_is_honoured_or_replaced(switch: str, honoured: bool) -> None:
    bench = Bench(dialect={"own_uid": switch})
    given = (await write(bench, "PUT")).json()[0]["uid"]
    assert (given == own_uid("client")) == honoured
    assert (await bench.put(sale(Client=given))).status_code == 200


async def test_without_a_uid_each_write_makes_another_client() -> None:
    bench = Bench()
    first, second = [(await write(bench, "POST", uid="")).json()[0]["uid"] for _ in range(2)]
    assert first != second


@pytest.mark.parametrize(("rule", "status"), [(False, 200), (True, 400)])
async def test_an_id_may_have_to_be_unique(rule: bool, status: int) -> None:
    bench = Bench(rules={"unique_client_id": rule})
    await write(bench, "PUT")
    assert (await write(bench, "PUT", uid=own_uid("other"))).status_code == status
    assert (await write(bench, "PUT")).status_code == 200


async def test_unknown_fields_may_be_refused() -> None:
    assert (await write(Bench(), "PUT", Colour="red")).status_code == 200
    answer = await write(Bench(dialect={"unknown_fields": "refused"}), "PUT", Colour="red")
    assert answer.json() == {"Error": ["უცნობი ველი Colour"]}
