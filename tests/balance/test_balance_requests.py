"""Requests to Balance: headers, parameters, addresses and credentials."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.balance.balance_double import (
    ITEM,
    MAIN,
    Recorder,
    balance,
    every,
    json,
)


async def test_a_get_sends_accept_and_nothing_speculative() -> None:
    recorder = Recorder(json([]))
    async with balance(recorder) as client:
        for rows in (client.items(), client.stocks(), client.prices(), client.item_pricing(), client.series()):
            await every(rows)
        await client.warehouses()
    for request in recorder.requests:
        assert request.url.query == b""
        assert request.content == b""
        assert request.headers["Accept"] == "application/json"
        assert not {"content-type", "content-length"} & set(request.headers)


async def test_configured_parameters_are_sent_where_they_are_configured() -> None:
    recorder = Recorder(json([]))
    dialect = {
        "uid_parameter": {"Stocks": MAIN, "Prices": ""},
        "source_parameter": {"Prices": "b2c"},
        "stocks_total_false": True,
    }
    async with balance(recorder, dialect=dialect) as client:
        await every(client.stocks())
        await every(client.prices())
        await every(client.items())
    assert recorder.queries == [{"uid": MAIN, "Total": "false"}, {"Source": "b2c"}, {}]


@pytest.mark.parametrize(
    ("more", "base"),
    [
        ({}, "https://cloud.balance.ge/sm/o/Balance/1234/hs/Exchange/"),
        ({"publication": "a"}, "https://cloud.balance.ge/sm/a/Balance/1234/hs/Exchange/"),
        ({"transport": "on-prem", "url": "http://erp:8081/demo/hs/Exchange/"}, "http://erp:8081/demo/hs/Exchange/"),
    ],
)
@pytest.mark.claim("S0.26", "S0.27")
async def test_cloud_and_on_prem_addresses(more: dict[str, Any], base: str) -> None:
    recorder = Recorder(json([]))
    async with balance(recorder, **more) as client:
        await every(client.items())
    assert str(recorder.requests[0].url) == f"{base}Items"


@pytest.mark.claim("S0.28")
async def test_a_profile_presets_publications_and_paging() -> None:
    recorder = Recorder(json([]))
    async with balance(recorder, profile="vendoo") as vendoo, balance(recorder, profile="storera") as storera:
        await every(vendoo.stocks())
        await every(storera.items())
    stocks, items = recorder.requests
    assert stocks.url.path.startswith("/sm/a/")
    assert dict(items.url.params) == {"Pack": "1", "PackSize": "500"}


async def test_lots_may_be_asked_for_by_item() -> None:
    recorder = Recorder(httpx.Response(404, text="Not Found"))
    async with balance(recorder) as client:
        assert await every(client.series(ITEM)) == []
    assert recorder.queries == [{"Item": ITEM}]


async def test_the_user_signs_in_with_utf8() -> None:
    recorder = Recorder(json([]))
    async with balance(recorder) as client:
        await every(client.items())
    expected = httpx.BasicAuth("ნინო@example.ge".encode(), "გა+სა#ღები".encode())
    assert recorder.requests[0].headers["Authorization"] == expected._auth_header
