"""Test modules do not import from each other: what several need is in a helper module, named for its content."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]


def imported_tests(source: str) -> Iterator[str]:
    """The test modules that a module imports from."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tests."):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            yield from (name for name in names if name.rpartition(".")[2].startswith("test_"))


def test_no_test_module_imports_from_another_one() -> None:
    files = {str(path.relative_to(TESTS)): path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")}
    found = {name for name, source in files.items() if next(imported_tests(source), None)}
    assert found == set(), "move what is shared to a helper module"


def test_both_forms_of_import_are_found() -> None:
    assert list(imported_tests("from tests.cli.test_plans import linked")) == ["tests.cli.test_plans"]
    assert list(imported_tests("from tests.cli import test_plans")) == ["tests.cli.test_plans"]
    assert list(imported_tests("from tests.cli.plans import linked")) == []
