"""Every reason code that is raised is in the catalogue, every one in the catalogue is raised, and a test shows it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from contracts.reason_texts import all_texts
from contracts.reasons import Reason

pytestmark = pytest.mark.claim("K18")
ROOT = Path(__file__).parents[2]
CATALOGUE = {"reasons.py", "reason_texts.py"}
REASON_WORDS = ("Reason", "Undecodable", *Reason)
every_reason = pytest.mark.parametrize("reason", list(Reason))


@cache
def trees(folder: str) -> dict[Path, ast.Module]:
    """The syntax trees of the modules in a folder that may name a code, the catalogue itself aside."""
    found = [path for path in (ROOT / folder).rglob("*.py") if path.name not in CATALOGUE and path != Path(__file__)]
    texts = {path: path.read_text(encoding="utf-8") for path in found}
    return {path: ast.parse(text) for path, text in texts.items() if any(word in text for word in REASON_WORDS)}


def members(tree: ast.AST) -> Iterator[str]:
    """Names that are used as `Reason.NAME`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason":
            yield node.attr


def raised_codes(tree: ast.AST) -> Iterator[str]:
    """Codes given as text to `Undecodable`: the contracts do not know which services make what of them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Undecodable":
            yield from (part.value for part in node.args[:1] if isinstance(part, ast.Constant))


@cache
def raised() -> frozenset[str]:
    """Every code that services and contracts can give a dead letter, a plan or an alert."""
    code = [*trees("services").values(), *trees("contracts").values()]
    named = {Reason[name].value for tree in code for name in members(tree) if name in Reason.__members__}
    return frozenset(named | {text for tree in code for text in raised_codes(tree)})


@cache
def shown() -> frozenset[str]:
    """Every code that a test names: as `Reason.NAME`, or as its text."""
    code = list(trees("tests").values())
    texts = {node.value for tree in code for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    named = {Reason[name].value for tree in code for name in members(tree) if name in Reason.__members__}
    return frozenset(named | {text for text in texts if isinstance(text, str) and text in set(Reason)})


def test_no_code_is_raised_that_the_catalogue_does_not_have() -> None:
    unknown = [
        f"{path.relative_to(ROOT)}: Reason.{name}"
        for folder in ("services", "contracts", "tests")
        for path, tree in trees(folder).items()
        for name in members(tree)
        if name not in Reason.__members__
    ]
    assert unknown == []
    assert raised() <= {str(reason) for reason in all_texts()}


@every_reason
def test_every_code_in_the_catalogue_is_raised_somewhere(reason: Reason) -> None:
    assert reason in raised()


@every_reason
def test_every_code_is_shown_by_a_test(reason: Reason) -> None:
    assert reason in shown()


def test_codes_are_never_made_of_pieces_so_that_this_page_sees_them_all() -> None:
    pieces = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in trees("services").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason"
        if not _reads_a_known_code(node)
    ]
    assert pieces == []


def _reads_a_known_code(call: ast.Call) -> bool:
    """`Reason(row.blocked_reason)` reads back what was written; a text put together could be anything."""
    return not any(isinstance(part, ast.JoinedStr | ast.BinOp | ast.Constant) for part in ast.walk(call))
