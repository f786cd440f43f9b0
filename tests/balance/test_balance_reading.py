"""Lists and records out of every shape of answer, page by page or at once; half an answer never passes for a whole."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Iterable, Iterator
from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest

from contracts.reasons import Reason
from services.engine.outbox.upstream_errors import ForeignAnswer, Misaddressed, Rejected, Unavailable
from tests.balance.balance_double import (
    ITEM,
    MAIN,
    OTHER,
    Chunks,
    Recorder,
    balance,
    breaks_after,
    every,
    failure_of_items,
    json,
)

ROWS = [{"uid": ITEM, "Name": "ჩაი"}, {"uid": OTHER, "Name": "ყავა"}]
BODY = orjson.dumps(ROWS)


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        b"\xef\xbb\xbf" + BODY,
        b"\n\t " + BODY,
        *(
            b'{"%s": %s}' % (key, BODY)
            for key in (b"Items", b"value", b"Value", b"Source", b"data", b"Rows", b"Records")
        ),
        b'{"Count": 2, "Page": {"Items": [1]}, "Items": ' + BODY + b', "More": false}',
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_bare_and_wrapped_arrays_are_read_in_any_pieces(body: bytes, size: int) -> None:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    async with balance(Recorder(httpx.Response(200, stream=Chunks(pieces)))) as client:
        assert await every(client.items()) == ROWS


async def test_a_single_object_is_one_row_even_with_a_tabular_part() -> None:
    document = {"uid": ITEM, "Number": "0001", "Items": [{"Item": OTHER, "Price": "5"}]}
    async with balance(Recorder(json(document))) as client:
        assert await every(client.item_pricing()) == [document]


async def test_numbers_are_exact() -> None:
    async with balance(Recorder(httpx.Response(200, text='[{"Price": 0.1, "Count": 12345678901234567890}]'))) as client:
        (row,) = await every(client.prices())
    assert row == {"Price": Decimal("0.1"), "Count": 12345678901234567890}
    assert isinstance(row["Price"], Decimal)


@pytest.mark.parametrize("body", ["[]", '{"Items": []}', " [ ] "])
async def test_an_empty_list_is_no_rows(body: str) -> None:
    async with balance(Recorder(httpx.Response(200, text=body))) as client:
        assert await every(client.items()) == []


async def test_not_found_is_no_rows() -> None:
    async with balance(Recorder(httpx.Response(404, text="Not Found"))) as client:
        assert await every(client.items()) == []


@pytest.mark.parametrize("cut", [1, 20, len(BODY) - 1])
@pytest.mark.parametrize("wrap", [b"%s", b'{"Items": %s}'])
async def test_an_answer_that_ends_too_early_raises(wrap: bytes, cut: int) -> None:
    whole = wrap % BODY
    error = await failure_of_items(Recorder(httpx.Response(200, content=whole[: len(whole) - cut])))
    assert isinstance(error, Unavailable)
    assert "broke off" in error.message


async def test_a_broken_connection_raises_after_the_rows_received() -> None:
    seen: list[Any] = []
    async with balance(Recorder(httpx.Response(200, stream=Chunks(breaks_after(BODY[:-1]))))) as client:
        with pytest.raises(Unavailable, match="connection broke"):
            async for row in client.items():
                seen.append(row)  # noqa: PERF401 - what was seen before the error is the point
    assert seen == ROWS


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("", Unavailable, "answer is empty"),
        ("null", Unavailable, "answer is empty"),
        ("{}", Unavailable, "answer is empty"),
        ("Sign in", ForeignAnswer, '"Sign in"'),
        ('"yes"', ForeignAnswer, "yes"),
        ("[1, 2]", ForeignAnswer, "something other than records"),
        ('[{"uid": "1"}, {"uid": x}]', ForeignAnswer, "no valid JSON"),
        ('[{"uid": "1"}] and more', ForeignAnswer, "no valid JSON"),
    ],
)
async def test_what_is_no_list_of_rows_raises(body: str, kind: type[Exception], words: str) -> None:
    error = await failure_of_items(Recorder(httpx.Response(200, text=body)))
    assert type(error) is kind
    assert words in error.message


async def test_an_endless_object_without_rows_is_given_up() -> None:
    error = await failure_of_items(Recorder(httpx.Response(200, content=b'{"Unheard": [' + b"1," * 2_000_000 + b"1]}")))
    assert isinstance(error, ForeignAnswer)


async def test_an_error_list_in_a_good_answer_is_a_refusal() -> None:
    error = await failure_of_items(Recorder(json({"Error": ["უფლება არ არის"]})))
    assert isinstance(error, Rejected)
    assert error.reason == Reason.BALANCE_REFUSED
    assert "უფლება არ არის" in error.message


def catalogue(count: int) -> Iterator[bytes]:
    """A catalogue of `count` items (a multiple of 100), made while it is sent."""
    yield b"["
    for start in range(0, count, 100):
        rows = [{"uid": f"{number:036}"} for number in range(start, start + 100)]
        yield (b"," if start else b"") + orjson.dumps(rows)[1:-1]
    yield b"]"


async def peak_while_reading(pieces: Iterable[bytes], count: int) -> int:
    """The most bytes that Python held at once while `count` items were read."""
    async with balance(Recorder(httpx.Response(200, stream=Chunks(pieces)))) as client:
        tracemalloc.start()
        try:
            assert await counted(client.items()) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


async def counted(rows: AsyncIterator[dict[str, Any]]) -> int:
    count = 0
    async for _ in rows:
        count += 1
    return count


async def test_memory_does_not_grow_with_the_catalogue() -> None:
    assert await peak_while_reading(catalogue(200_000), 200_000) < 1_000_000


async def test_memory_does_not_grow_with_a_large_piece() -> None:
    """The network may hand over everything at once: it is parsed in small pieces all the same."""
    whole = b"".join(catalogue(20_000))
    assert await peak_while_reading([whole], 20_000) < 1_000_000


def pages(*sizes: int, beyond: httpx.Response | None = None) -> Recorder:
    """A Balance with as many full and short pages, and what it answers after the last one."""
    numbers = iter(range(1000))
    answers = [json([{"uid": f"{next(numbers):036}"} for _ in range(size)]) for size in sizes]
    return Recorder(*answers, beyond or json([]))


@pytest.mark.parametrize("beyond", [json([]), httpx.Response(404, text="Not Found")])
async def test_pages_are_read_until_one_is_empty(beyond: httpx.Response) -> None:
    recorder = pages(3, 1, 3, beyond=beyond)
    async with balance(recorder, dialect={"paging": ["Items"], "page_size": 3}) as client:
        assert len(await every(client.items())) == 7
    assert recorder.queries == [{"Pack": str(number), "PackSize": "3"} for number in (1, 2, 3, 4)]


async def test_a_balance_that_ignores_pack_is_read_once() -> None:
    recorder = Recorder(json(ROWS))
    async with balance(recorder, dialect={"paging": ["Items"]}) as client:
        assert await every(client.items()) == ROWS
    assert len(recorder.requests) == 2


async def test_rows_without_uid_are_compared_whole() -> None:
    first, second = ({"Item": ITEM, "Warehouse": MAIN, "Quantity": quantity} for quantity in ("1", "2"))
    recorder = Recorder(json([first, second]), json([second]), json([first]))
    async with balance(recorder, dialect={"paging": ["Stocks"]}) as client:
        assert await every(client.stocks()) == [first, second, second]


async def test_a_page_that_fails_fails_the_whole_list() -> None:
    recorder = Recorder(json(ROWS), httpx.Response(503))
    assert isinstance(await failure_of_items(recorder, dialect={"paging": ["Items"]}), Unavailable)


@pytest.mark.parametrize(
    ("parameter", "fix"),
    [("Pack", "balance.dialect.paging"), ("uid", "balance.dialect.uid-parameter"), ("Foo", "looked up")],
)
async def test_an_unknown_parameter_is_named_with_the_setting_to_fix(parameter: str, fix: str) -> None:
    error = await failure_of_items(Recorder(httpx.Response(404, text=f'Unknown parameter "{parameter}"')))
    assert isinstance(error, Rejected)
    assert f'"{parameter}"' in error.message
    assert fix in error.message


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, html="<html><title>404 Not Found</title></html>"),
        httpx.Response(404, text="No Exchange service is published here"),
        httpx.Response(405, text="Method Not Allowed"),
        httpx.Response(301, headers={"Location": "https://elsewhere.test/Items"}),
    ],
)
async def test_a_wrong_address_never_looks_like_an_empty_catalogue(answer: httpx.Response) -> None:
    assert isinstance(await failure_of_items(Recorder(answer)), Misaddressed)


@pytest.mark.claim("K29")
@pytest.mark.parametrize("odd", ["null", "7", '"x"', "[]", '{"uid": "x\\udc00", "Name": "\\ud800"}'])
async def test_an_odd_element_of_a_list_does_not_hide_the_others(odd: str) -> None:
    answer = httpx.Response(200, content=f'[{{"uid": "1"}}, {odd}, {{"uid": "2"}}]')
    async with balance(Recorder(answer)) as client:
        rows = await every(client.items())
    assert [row.get("uid") for row in rows if row.get("uid") in ("1", "2")] == ["1", "2"]
    assert len(rows) == 3
    orjson.dumps(rows)


@pytest.mark.claim("K29")
async def test_a_warehouse_without_uid_is_reported_and_hides_no_other() -> None:
    rows = [{"uid": "", "Name": "Odd"}, {"uid": "11111111-0000-4000-8000-000000000001", "Name": "Main"}]
    async with balance(Recorder(json(rows))) as client:
        listed = await client.warehouses()
    assert [one.name for one in listed.records] == ["Main"]
    assert ["uid is empty" in one.detail for one in listed.unreadable] == [True]
