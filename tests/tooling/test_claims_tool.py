"""`make claims`: which claims have a proof, which are open, and which do not apply."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.claims.__main__ import report
from ops.claims.report import Run, lines, proofs, unknown_claims
from ops.claims.table import Table, read

TESTS = Path(__file__).resolve().parents[1]
TABLE = Table({"S0.1": "items arrive", "S0.2": "orders arrive", "K1": "no oversell"}, {"S0.30": "no chat"})


def test_the_table_numbers_every_claim_once_and_without_a_gap() -> None:
    table = read()
    numbered = {*table.claims, *table.not_applicable}
    sizes = {"S0.": 51, "S1.": 19, "S2.": 26, "S3.": 58, "S4.": 31, "K": 36, "I": 20}
    assert numbered == {f"{head}{number}" for head, size in sizes.items() for number in range(1, size + 1)}
    assert not table.claims.keys() & table.not_applicable.keys()


def test_every_claim_is_one_line() -> None:
    table = read()
    assert all(5 <= len(words.split()) <= 14 and "\n" not in words for words in table.claims.values())
    assert all(table.not_applicable.values()), "a claim that does not apply gives its reason"


def marked() -> Iterator[tuple[str, str]]:
    """Each id in a `mark.claim(...)` anywhere in the tests, with its place."""
    for file in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.claim"):
                yield from ((str(ast.literal_eval(each)), f"{file.name}:{node.lineno}") for each in node.args)


def test_every_id_that_marks_a_test_exists() -> None:
    places = list(marked())
    assert [place for claim, place in places if read().unknown([claim])] == []


def test_a_claim_is_proven_by_its_passing_tests_and_undone_by_a_failing_one() -> None:
    run = Run(1, {"a": (["S0.1", "K1"], "passed"), "b": (["S0.1"], "skipped"), "c": (["K1"], "failed")})
    assert proofs(TABLE, run) == {"S0.1": ["a"], "S0.2": [], "K1": []}


def test_the_last_line_counts_only_claims_that_apply() -> None:
    run = Run(0, {"a": (["S0.1", "S0.30"], "passed")})
    listed = list(lines(TABLE, proofs(TABLE, run)))
    assert listed[-1] == "claims: 1 proven of 3"
    assert any("n/a" in line and "no chat" in line for line in listed)


def test_a_test_that_names_an_unknown_claim_is_named() -> None:
    assert unknown_claims(TABLE, Run(0, {"a": (["S0.1", "S7.1"], "passed")})) == ["a names unknown claims: S7.1"]


@pytest.mark.parametrize(("exit_status", "claim", "status"), [(0, "K1", 0), (1, "K1", 1), (0, "S9.9", 1)])
def test_the_tool_fails_with_failing_tests_and_unknown_claims_but_writes_its_list(
    tmp_path: Path, exit_status: int, claim: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    Run(exit_status, {"t.py::test_a": ([claim], "passed")}).write(tmp_path / "run.json")
    assert report(tmp_path / "run.json", tmp_path / "out" / "claims.json") == status
    written = json.loads((tmp_path / "out" / "claims.json").read_text())
    assert written["K1"] == (["t.py::test_a"] if claim == "K1" else [])
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("claims: ")
