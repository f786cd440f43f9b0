"""The OpenAPI document: frozen, and true of every answer that the API gives to generated requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.console.access.roles import ConsoleRole
from services.console.access.tokens import Scope
from services.console.api.freeze import FROZEN, main, make_document
from tests.console.api_bench import serve_api
from tests.console.story import ORDER

DOCUMENT: dict[str, Any] = json.loads(make_document())
STREAMS = ("/v1/changes",)
KNOWN = {"shop": ["main"], "order_id": [ORDER, 7, 1043], "state": ["in the books"], "code": ["api.failed"]}
"""Values that lead to data, among all the others."""
NAMES = ("{id}", "{uid}", "{sku}")
"""Of what no generated request finds."""


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            if path not in STREAMS and method == "get":
                yield path, operation


def test_the_committed_document_is_that_of_the_api_and_breaks_no_client(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_a_breaking_change_is_not_written_in_passing(tmp_path: Path) -> None:
    path, lines = tmp_path / "openapi.json", list[str]()
    released = json.loads(make_document())
    released["components"]["schemas"]["OrderResource"]["properties"]["colour"] = {"type": "string"}
    path.write_text(json.dumps(released), encoding="utf-8")
    assert main([], path, lines.append) == 1
    assert "GET /v1/orders 200.orders[].colour: removed field" in lines[0]
    assert json.loads(path.read_text(encoding="utf-8")) == released
    assert main(["--unreleased"], path) == 0
    assert path.read_text(encoding="utf-8") == FROZEN.read_text(encoding="utf-8")


def test_a_stale_document_is_named_and_renewed(tmp_path: Path) -> None:
    path, lines = tmp_path / "openapi.json", list[str]()
    released = json.loads(make_document())
    del released["paths"]["/v1/token"]
    path.write_text(json.dumps(released), encoding="utf-8")
    assert main(["--check"], path, lines.append) == 1
    assert "stale" in lines[0]
    assert main([], path) == 0
    assert main(["--check"], path) == 0


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    return DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _values(name: str, schema: dict[str, Any]) -> st.SearchStrategy[str]:
    """Values that fit the schema of a parameter, and others."""
    found: list[st.SearchStrategy[str]] = [st.text(max_size=20), st.sampled_from(["", "0", "-1", "null", "ა", "1e9"])]
    for branch in schema.get("anyOf", [schema]):
        found += _fitting(branch)
    known = [str(value) for value in KNOWN.get(name, [])]
    return st.one_of(*found, *[st.sampled_from(known)] * (3 if known else 0))


def _fitting(schema: dict[str, Any]) -> Iterator[st.SearchStrategy[str]]:
    match schema:
        case {"enum": allowed}:
            yield st.sampled_from([str(value) for value in allowed])
        case {"type": "array", "items": item}:
            yield from _fitting(item)
        case {"type": "integer"}:
            yield st.integers(schema.get("minimum", -(2**70)), schema.get("maximum", 2**70)).map(str)
        case {"type": "boolean"}:
            yield st.sampled_from(["true", "false"])
        case {"type": "number"}:
            yield st.decimals().map(str)
        case {"format": "date"}:
            yield st.sampled_from(["2026-03-01", "2026-03-02"])
        case {"format": "date-time"}:
            yield st.datetimes().map(lambda at: at.isoformat() + "Z")


@st.composite
def _requests(draw: st.DrawFn, path: str, parameters: list[dict[str, Any]]) -> tuple[str, list[tuple[str, str]]]:
    query: list[tuple[str, str]] = []
    for one in parameters:
        values = _values(one["name"], one["schema"])
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", httpx.QueryParams({"v": draw(values)}).__str__()[2:] or "x")
        elif one.get("required") or draw(st.integers(0, 3)) == 0:
            query += [(one["name"], draw(values)) for _ in range(draw(st.integers(1, 2)))]
    return path, query


def _require_documented(answer: httpx.Response, operation: dict[str, Any]) -> None:
    """The answer has a status, type and content that the document names, and is no failure of the API."""
    assert answer.status_code < 500, answer.text
    described = operation["responses"].get(str(answer.status_code), operation["responses"]["default"])
    content = described["content"][answer.headers["content-type"]]
    root = {"components": DOCUMENT["components"], **content.get("schema", {})}
    Draft202012Validator(root).validate(answer.json())


def _explore(address: str, token: str, path: str, operation: dict[str, Any], seen: set[int]) -> None:
    with httpx.Client(base_url=f"{address}/api", headers={"authorization": f"Bearer {token}"}, timeout=20) as client:

        @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(_requests(path, operation.get("parameters", [])))
        def explore(request: tuple[str, list[tuple[str, str]]]) -> None:
            found, query = request
            answer = client.get(found, params=query)
            seen.add(answer.status_code)
            _require_documented(answer, operation)

        explore()


async def test_every_answer_to_a_generated_request_is_as_documented(tmp_path: Path) -> None:
    async with serve_api(tmp_path) as api:
        token = await api.token(ConsoleRole.ACCOUNTANT, list(Scope))
        for path, operation in _operations():
            seen = set[int]()
            await asyncio.to_thread(_explore, api.address, token, path, operation, seen)
            assert 200 in seen or any(name in path for name in NAMES), (path, seen)
