"""Who gets in, and where the Exchange service is published."""

from __future__ import annotations

import pytest

from services.sandbox.balance.catalogue import WAREHOUSES
from tests.sandbox.balance_bench import Bench, own_uid, sale


@pytest.mark.parametrize(
    "path",
    [
        "/sm/o/Balance/1234/hs/Exchange/Warehouses",
        "/sm/a/Balance/1234/hs/Exchange/Warehouses",
        "/sm/o/Balance/1234/en_US/hs/Exchange/Warehouses",
        "/Balance_Exchange/hs/Exchange/Warehouses",
    ],
)
@pytest.mark.claim("S0.26", "S0.27")
async def test_the_service_is_published_in_the_cloud_and_on_prem(path: str) -> None:
    answer = await Bench().http.get(f"http://balance.test{path}")
    assert [row["Adress"] for row in answer.json()] == [address for _, address in WAREHOUSES.values()]


@pytest.mark.parametrize(
    "path",
    [
        "/sm/o/balance/1234/hs/Exchange/Items",
        "/sm/o/Balance/9999/hs/Exchange/Items",
        "/sm/x/Balance/1234/hs/Exchange/Items",
        "/sm/o/Balance/1234/hs/Exchange/items",
        "/sm/o/Balance/1234/hs/Exchange/PaymentReceipt",
        "/Balance_Exchange/Items",
    ],
)
async def test_nothing_is_published_elsewhere_and_paths_are_case_sensitive(path: str) -> None:
    assert (await Bench().http.get(f"http://balance.test{path}")).status_code == 404


async def test_base_path_settings_move_the_service() -> None:
    bench = Bench(application_id="77", on_prem_base="/demo")
    moved = [
        await bench.http.get(f"http://balance.test{path}/hs/Exchange/Items") for path in ("/sm/o/Balance/77", "/demo")
    ]
    assert [answer.status_code for answer in moved] == [200, 200]
    assert (await bench.get("Items")).status_code == 404


@pytest.mark.parametrize("auth", [None, ("integration", "wrong"), ("someone", "sandbox"), ("integration", "")])
async def test_a_wrong_user_or_password_is_401(auth: tuple[str, str] | None) -> None:
    bench = Bench()
    bench.http.auth = auth  # type: ignore[assignment]
    answer = await bench.get("Items")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("header", ["Basic !!!", "Basic /////w==", "Bearer token"])
async def test_a_header_that_is_no_basic_header_is_401(header: str) -> None:
    bench = Bench()
    bench.http.auth = None
    assert (await bench.http.get("Items", headers={"Authorization": header})).status_code == 401


async def test_user_names_and_passwords_are_utf8() -> None:
    bench = Bench(rights={"user_name": "ნინო", "password": "გა+სა#ღები:1"})
    bench.http.auth = ("ნინო".encode(), "გა+სა#ღები:1".encode())
    assert (await bench.get("Items")).status_code == 200


@pytest.mark.parametrize(
    ("forbidden", "statuses"),
    [
        ([], (200, 200)),
        (["Sale"], (403, 403)),
        (["PUT Sale"], (404, 403)),
        (["ItemsSeries"], (404, 200)),
    ],
)
async def test_a_right_that_is_missing_is_403_for_that_resource(
    forbidden: list[str], statuses: tuple[int, int]
) -> None:
    bench = Bench(rights={"forbidden": forbidden})
    if not forbidden:
        await bench.put(sale())
    read = await bench.get("Sale", uid=own_uid("sale"))
    written = await bench.put(sale())
    assert (read.status_code, written.status_code) == statuses


async def test_a_resource_may_be_open_under_one_publication_only() -> None:
    bench = Bench(rights={"only_under": {"ItemsSeries": "a"}})
    assert (await bench.get("ItemsSeries")).status_code == 403
    under_a = await bench.http.get("http://balance.test/sm/a/Balance/1234/hs/Exchange/ItemsSeries")
    assert under_a.status_code == 200


@pytest.mark.parametrize(("switch", "status"), [("ignored", 200), ("forbidden", 403)])
async def test_a_get_with_a_content_type_may_be_403(switch: str, status: int) -> None:
    bench = Bench(dialect={"content_type_on_get": switch})
    answer = await bench.http.get("Items", headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert (await bench.get("Items")).status_code == 200


async def test_methods_that_a_resource_does_not_know_are_405() -> None:
    bench = Bench()
    for method, resource in (("PUT", "Items"), ("POST", "Sale"), ("DELETE", "Stocks")):
        answer = await bench.http.request(method, resource, json=[{}])
        assert answer.status_code == 405, (method, resource)
        assert answer.headers["Allow"].startswith("GET")
