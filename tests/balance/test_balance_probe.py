"""What `davtari check` learns about Balance: which resources this user may read, and what to do about the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from services.connectors.balance.probe import ResourceProbe
from tests.balance.balance_double import Handler, balance, json

NOT_FOUND = httpx.Response(404, text="Not Found")
FORBIDDEN = httpx.Response(403, text="no right")
ROW = {"uid": "1"}


def exchange(**answers: httpx.Response) -> Handler:
    """Lists of one row and look-ups that find nothing, but for what `answers` says by resource."""

    def handler(request: httpx.Request) -> httpx.Response:
        resource = request.url.path.rpartition("/")[2]
        looked_up = {"ID", "uid"} & set(request.url.params)
        return answers.get(resource) or (NOT_FOUND if looked_up else json([ROW]))

    return handler


async def findings(handler: Handler, **more: Any) -> Mapping[str, ResourceProbe]:
    async with balance(handler, **more) as client:
        return {finding.resource: finding for finding in await client.probe()}


async def test_a_working_balance_has_no_problem() -> None:
    found = await findings(exchange())
    assert list(found) == ["Items", "Warehouses", "Prices", "Stocks", "ItemsSeries", "Clients", "Sale", "SalesCredit"]
    assert all(finding.ok and not finding.advice for finding in found.values())
    assert (found["Stocks"].rows, found["Stocks"].more, found["Sale"].rows) == (1, False, None)


async def test_items_are_probed_by_one_row_of_one_page() -> None:
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return exchange()(request)

    await findings(handler)
    assert dict(asked[0].url.params) == {"Pack": "1", "PackSize": "1"}


def without_paging(request: httpx.Request) -> httpx.Response:
    if "Pack" in request.url.params:
        return httpx.Response(404, text='Unknown parameter "Pack"')
    return exchange()(request)


async def test_a_balance_without_paging_is_read_bare() -> None:
    assert (await findings(without_paging))["Items"] == ResourceProbe("Items", ok=True, rows=1)


async def test_paging_that_is_set_but_unknown_is_a_fault() -> None:
    found = (await findings(without_paging, dialect={"paging": ["Items"]}))["Items"]
    assert not found.ok
    assert "balance.dialect.paging" in found.advice


async def test_a_missing_right_is_shown_for_its_resource_alone() -> None:
    found = await findings(exchange(ItemsSeries=FORBIDDEN, Sale=FORBIDDEN))
    assert [resource for resource, finding in found.items() if not finding.ok] == ["ItemsSeries", "Sale"]
    assert found["ItemsSeries"].status == 403
    assert "rights of the user" in found["ItemsSeries"].advice


async def test_a_resource_of_the_other_publication_is_found_there() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        closed = request.url.path.endswith("Stocks") and request.url.path.startswith("/sm/o/")
        return FORBIDDEN if closed else exchange()(request)

    found = (await findings(handler))["Stocks"]
    assert (found.ok, found.status) == (False, 403)
    assert found.advice.endswith('set balance.dialect.publication-of.Stocks = "a"')


async def test_on_prem_there_is_no_other_publication() -> None:
    url = "http://erp:8081/Balance_Exchange/hs/Exchange"
    found = await findings(exchange(Items=FORBIDDEN), transport="on-prem", url=url)
    assert "rights of the user" in found["Items"].advice


async def test_large_lists_are_not_read_to_their_end() -> None:
    found = await findings(exchange(Stocks=json([ROW] * 5000)))
    assert (found["Stocks"].rows, found["Stocks"].more) == (1000, True)


async def test_price_documents_are_probed_where_they_are_the_source() -> None:
    found = await findings(exchange(), dialect={"item_pricing": True})
    assert "ItemPricing" in found
    assert "Prices" not in found


@pytest.mark.parametrize("answer", [httpx.Response(503), httpx.Response(200, text="[{")])
async def test_a_resource_that_fails_does_not_stop_the_others(answer: httpx.Response) -> None:
    found = await findings(exchange(Prices=answer))
    assert not found["Prices"].ok
    assert "Prices" in found["Prices"].advice
    assert found["Stocks"].ok
