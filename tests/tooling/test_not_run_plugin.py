"""A run that is cut names the tests that were not run."""

from __future__ import annotations

import pytest

from tests.support.shared_broker import ROOT

PLUGIN = ("-p", "tests.support.not_run_plugin", "-p", "no:cacheprovider")
TESTS = """
    def test_first(): assert False
    def test_second(): pass
    def test_third(): pass
"""


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_a_run_that_ends_early_names_what_was_not_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_order=TESTS)
    result = pytester.runpytest_subprocess(*PLUGIN, "-x")
    result.stdout.fnmatch_lines(["*NOT RUN: 2 of 3 tests*", "test_order.py::test_second", "test_order.py::test_third"])


def test_the_controller_counts_the_tests_of_all_workers(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_order=TESTS, test_other="def test_fine(): pass")
    result = pytester.runpytest_subprocess(*PLUGIN, "-n", "2")
    assert "NOT RUN" not in result.stdout.str()


def test_a_complete_run_says_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_order="def test_fine(): pass")
    assert "NOT RUN" not in pytester.runpytest_subprocess(*PLUGIN).stdout.str()
