"""A class name means one thing: the check finds public classes of different modules that share a name."""

from __future__ import annotations

from pathlib import Path

from ops.lint.names import FOLDERS, main, shared_names

ROOT = Path(__file__).parents[2]


def test_a_shared_name_is_found_with_its_modules(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("class Order: ...\nclass _Private: ...\nclass First: ...\n", encoding="utf-8")
    (tmp_path / "two.py").write_text("class Order: ...\nclass _Private: ...\nclass Second: ...\n", encoding="utf-8")
    assert shared_names([tmp_path]) == {"Order": [str(tmp_path / "one.py"), str(tmp_path / "two.py")]}
    assert main([str(tmp_path)]) == 1


def test_names_that_are_used_once_pass(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("class First: ...\n", encoding="utf-8")
    (tmp_path / "two.py").write_text("class Second: ...\n", encoding="utf-8")
    assert main([str(tmp_path)]) == 0


def test_no_class_name_of_the_contracts_and_services_is_used_twice() -> None:
    assert shared_names(ROOT / folder for folder in FOLDERS) == {}
