"""The JSON API over HTTP: resources, pages, ETags, and every kind of bad request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.console.access.tokens import Scope
from services.console.api.problems import ProblemCode
from tests.cli.day_events import open_dead_letter, settled_dead_letter
from tests.console.api_bench import ApiBench, problem_of, serve_api
from tests.console.story import BOUGHT, ORDER, another

READING = (Scope.READ, Scope.PEOPLE)
PATHS = ("/orders", f"/orders/main/{ORDER}", "/dead-letters", "/dead-letter-groups", "/changes", "/token")


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiBench]:
    async with serve_api(tmp_path) as bench:
        yield bench


async def test_an_order_is_read_with_its_documents_history_and_what_the_answer_reflects(api: ApiBench) -> None:
    client = await api.reader()
    answer = await client.get(f"/orders/main/{ORDER}")
    found = answer.json()
    assert answer.status_code == 200
    shown = found["order"]
    assert (shown["state"], shown["total"], shown["booked"], shown["credited"]) == (
        "in the books",
        "50.00",
        "50.00",
        "20.00",
    )
    assert [(one["sku"], one["shop"], one["booked"], one["difference"]) for one in found["lines"]] == [
        ("CUP-1", "20.00", "20.00", "0.00"),
        ("POT-2", "30.00", "30.00", "0.00"),
    ]
    assert [(one["kind"], one["state"]) for one in found["documents"]] == [
        ("sale", "recorded"),
        ("credit-note", "recorded"),
    ]
    assert found["refunds"][0]["state"] == "in the books"
    assert len(found["timeline"]) == 4
    assert found["as_of"]["position"] == int(answer.headers["davtari-position"]) > 80
    assert found["as_of"]["behind"] is None
    assert answer.headers["davtari-time"] == found["as_of"]["time"]
    assert (await client.get(shown["url"].removeprefix("/api/v1"))).json()["order"] == shown


async def test_texts_are_in_the_language_that_is_asked_for(api: ApiBench) -> None:
    client = await api.reader()
    path = "/orders/main/1046"
    english = await client.get(path)
    georgian = await client.get(path, headers={"accept-language": "ka-GE,ka;q=0.9,en;q=0.5"})
    assert (english.headers["content-language"], georgian.headers["content-language"]) == ("en", "ka")
    assert "exported at" in english.json()["order"]["why"]
    assert any("ა" <= one <= "ჰ" for one in georgian.json()["order"]["why"])
    assert english.headers["etag"] != georgian.headers["etag"]


async def test_a_list_is_read_page_by_page_and_misses_and_repeats_nothing(api: ApiBench) -> None:
    client = await api.reader()
    whole = [one["order_id"] for one in (await client.get("/orders", params={"limit": 500})).json()["orders"]]
    found: list[int] = []
    path: str | None = "/api/v1/orders?limit=17"
    while path:
        answer = await client.get(path.removeprefix("/api/v1"))
        found += [one["order_id"] for one in answer.json()["orders"]]
        path = answer.links["next"]["url"] if answer.json()["next"] else None
        await api.data.take(another(5000 + len(found)))
    assert [one for one in found if one in whole] == whole
    assert len(found) == len(set(found)) >= len(whole) > 70


async def test_filters_are_those_of_the_query(api: ApiBench) -> None:
    client = await api.reader()
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({"state": ["reserved", "not readable"]}, [7]),
        ({"text": "POT-2"}, [ORDER]),
        ({"total": "50.00", "state": "in the books"}, [ORDER]),
        ({"status": "on-hold"}, [1046]),
        ({"has_dead_letter": "true", "text": "1043"}, [1043]),
        ({"shop": "second"}, []),
        ({"until": "2001-01-01T00:00:00Z"}, [7]),
    ]
    for given, wanted in cases:
        answer = await client.get("/orders", params=given)
        assert [one["order_id"] for one in answer.json()["orders"]] == wanted, (given, answer.text)


async def test_dead_letters_are_grouped_listed_and_explained(api: ApiBench) -> None:
    client = await api.reader()
    groups = (await client.get("/dead-letter-groups", params={"owner": "accountant"})).json()["groups"]
    (group,) = [one for one in groups if one["reason"] == "balance.period-closed"]
    listed = {"reason": group["reason"], "order_id": "1043"}
    (one,) = (await client.get("/dead-letters", params={**listed, "open": "true"})).json()["dead_letters"]
    found = (await client.get(one["url"].removeprefix("/api/v1"))).json()
    assert (found["dead_letter"], found["explanation"]) == (one, group["explanation"])
    assert group["explanation"]["fix"].endswith(".")
    assert [entry["type"] for entry in found["history"]] == ["davtari.DeadLettered.v1"]
    assert (found["delivery"], found["record"]) == (None, None)
    await api.data.take(settled_dead_letter(open_dead_letter(one["about"], one["subject"]), "overtaken"))
    assert (await client.get("/dead-letters", params={**listed, "open": "true"})).json()["dead_letters"] == []
    (closed,) = (await client.get("/dead-letters", params={**listed, "open": "false"})).json()["dead_letters"]
    assert (closed["state"], closed["order_id"]) == ("overtaken", 1043)


async def test_the_same_data_is_sent_once(api: ApiBench) -> None:
    client = await api.reader()
    first = await client.get(f"/orders/main/{ORDER}")
    tag = first.headers["etag"]
    await api.data.take(another(6000))
    for given in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = await client.get(f"/orders/main/{ORDER}", headers={"if-none-match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert int(again.headers["davtari-position"]) > int(first.headers["davtari-position"])
    await api.data.take(BOUGHT.model_copy(update={"status": "completed"}))
    assert (await client.get(f"/orders/main/{ORDER}", headers={"if-none-match": tag})).status_code == 200


NONSENSE: list[tuple[str, str]] = [
    ("/orders?limit=0", "limit"),
    ("/orders?limit=501", "limit"),
    ("/orders?limit=ten", "limit"),
    ("/orders?state=perfect", "state.0"),
    ("/orders?shop=NO%20SHOP", "shop"),
    ("/orders?since=yesterday", "since"),
    ("/orders?since=2026-01-01T00:00:00", "since"),
    ("/orders?since=0001-01-01T00:00:00Z", "since"),
    ("/orders?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", ""),
    ("/orders?total=NaN", "total"),
    ("/orders?total=1e999", "total"),
    ("/orders?text=%00", "text"),
    ("/orders?text=" + "x" * 201, "text"),
    ("/orders?colour=red", "colour"),
    ("/orders?people=perhaps", "people"),
    ("/orders?" + "&".join(["state=due"] * 21), "state"),
    ("/orders/main/one", "order_id"),
    ("/orders/main/0", "order_id"),
    ("/orders/main/9223372036854775808", "order_id"),
    ("/orders/MAIN/1", "shop"),
    ("/dead-letters?open=perhaps", "open"),
    ("/dead-letters?order_id=-1", "order_id"),
    ("/dead-letter-groups?owner=nobody", "owner"),
    (f"/dead-letters/{'x' * 201}", "id"),
]


async def test_nonsensical_parameters_are_named(api: ApiBench) -> None:
    client = await api.reader()
    for path, name in NONSENSE:
        found = problem_of(await client.get(path), 400, ProblemCode.PARAMETER_INVALID)
        assert [one["parameter"] for one in found["errors"]] == [name], (path, found)
        assert found["fix"].endswith(".")


async def test_a_cursor_is_valid_only_for_its_list_and_its_filters(api: ApiBench) -> None:
    client = await api.reader()
    cursor = (await client.get("/orders", params={"limit": 5, "status": "processing"})).json()["next"]
    assert (
        await client.get("/orders", params={"limit": 9, "status": "processing", "after": cursor})
    ).status_code == 200
    wrong = [
        ("/orders", {"after": cursor}),
        ("/orders", {"after": cursor, "status": "on-hold"}),
        ("/dead-letters", {"after": cursor}),
        ("/orders", {"after": cursor.swapcase(), "status": "processing"}),
        *[("/orders", {"after": given}) for given in ("", "x", "WzFd.x", "\u10d0", "W10", "." * 500)],
    ]
    for path, params in wrong:
        problem_of(await client.get(path, params=params), 400, ProblemCode.CURSOR_INVALID)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/orders/main/999999", ProblemCode.UNKNOWN_RESOURCE),
        ("/orders/second/1042", ProblemCode.UNKNOWN_RESOURCE),
        ("/dead-letters/none", ProblemCode.UNKNOWN_RESOURCE),
        ("/problems/api.none", ProblemCode.UNKNOWN_RESOURCE),
        ("/orders/", ProblemCode.UNKNOWN_ADDRESS),
        ("/nothing", ProblemCode.UNKNOWN_ADDRESS),
        ("/../v2/orders", ProblemCode.UNKNOWN_ADDRESS),
        ("/%2e%2e/%2e%2e/etc/passwd", ProblemCode.UNKNOWN_ADDRESS),
    ],
)
async def test_what_does_not_exist_is_a_problem(api: ApiBench, path: str, reason: ProblemCode) -> None:
    problem_of(await (await api.reader()).get(path), 404, reason)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_nothing_can_be_changed_by_reading_addresses(api: ApiBench, method: str) -> None:
    answer = await (await api.reader()).request(method, "/orders", content=b"{}")
    problem_of(answer, 405, ProblemCode.WRONG_METHOD)
    assert answer.headers["allow"] == "GET"


async def test_a_body_that_nobody_asked_for_is_refused_unread(api: ApiBench) -> None:
    client = await api.reader()
    problem_of(await client.request("GET", "/orders", content=b"x" * 200_000), 413, ProblemCode.BODY_TOO_LARGE)
    assert (await client.get("/orders")).status_code == 200


async def test_every_problem_is_explained_in_both_languages(api: ApiBench) -> None:
    client = api.client(None)
    for code in ProblemCode:
        english = (await client.get(f"/problems/{code}")).json()
        georgian = (await client.get(f"/problems/{code}", headers={"accept-language": "ka"})).json()
        assert english["status"] == georgian["status"]
        for name in ("title", "fix"):
            assert english[name].endswith(".")
            assert any("ა" <= one <= "ჰ" for one in georgian[name]), (code, name)


async def test_while_it_catches_up_answers_say_how_much_is_missing(api: ApiBench) -> None:
    client = await api.reader()
    row = (await api.data.ask(_positions))[0]
    for missing in (7, 0):
        api.log_ends.ends = {(row.topic, row.partition): row.next_offset + missing}
        assert (await client.get("/orders")).json()["as_of"]["behind"] == missing


async def _positions(connection: Any) -> list[Any]:
    return list(await connection.execute(text("SELECT topic, partition, next_offset FROM positions")))


async def test_a_database_that_does_not_answer_is_a_problem_without_details(api: ApiBench) -> None:
    client = await api.reader()
    async with api.data.engine.database.write() as connection:
        await connection.execute(text("DROP TABLE orders"))
    answer = await client.get("/orders")
    problem_of(answer, 503, ProblemCode.UNAVAILABLE)
    assert answer.headers["retry-after"] == "30"
    assert "SELECT" not in answer.text
    assert (await client.get("/dead-letters")).status_code == 200
