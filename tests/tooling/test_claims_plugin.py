"""`@pytest.mark.claim`: every test's claims and outcome end up in one file, whatever process ran it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.claims.report import Run
from tests.support.shared_broker import ROOT

TESTS = """
    import pytest

    pytestmark = pytest.mark.claim("K1")

    @pytest.mark.claim("S0.31", "S0.5")
    def test_passes():
        assert True

    @pytest.mark.claim("S0.5")
    @pytest.mark.parametrize("figure", [1, 2])
    def test_fails_for_one_figure(figure):
        assert figure == 1

    @pytest.mark.claim("S0.6")
    @pytest.mark.xfail(reason="not yet")
    def test_is_expected_to_fail():
        assert False

    @pytest.mark.claim("S0.7")
    @pytest.mark.skip(reason="not here")
    def test_is_skipped():
        assert False

    @pytest.fixture
    def breaks_at_the_end():
        yield
        raise RuntimeError

    @pytest.mark.claim("S0.8")
    def test_breaks_while_tidying_up(breaks_at_the_end):
        assert True
"""


def run(pytester: pytest.Pytester, *options: str) -> tuple[pytest.RunResult, Run]:
    pytester.makeini("[pytest]\nmarkers =\n    claim(*ids): claims")
    result = pytester.runpytest_subprocess(
        "-p", "tests.support.claims_plugin", "-p", "no:cacheprovider", "--claims-run", "out/run.json", *options
    )
    return result, Run.read(pytester.path / Path("out/run.json"))


@pytest.fixture(autouse=True)
def finds_the_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.mark.parametrize(
    "workers",
    [
        pytest.param([], id="one process"),
        pytest.param(["-n", "2", "--dist", "loadgroup"], id="two workers", marks=pytest.mark.long),
    ],
)
def test_each_test_is_written_with_its_claims_and_outcome(pytester: pytest.Pytester, workers: list[str]) -> None:
    pytester.makepyfile(test_orders=TESTS)
    _, written = run(pytester, *workers)
    assert written.exit_status == 1
    assert {test.partition("::")[2]: how for test, how in written.tests.items()} == {
        "test_passes": (["K1", "S0.31", "S0.5"], "passed"),
        "test_fails_for_one_figure[1]": (["K1", "S0.5"], "passed"),
        "test_fails_for_one_figure[2]": (["K1", "S0.5"], "failed"),
        "test_is_expected_to_fail": (["K1", "S0.6"], "skipped"),
        "test_is_skipped": (["K1", "S0.7"], "skipped"),
        "test_breaks_while_tidying_up": (["K1", "S0.8"], "failed"),
    }


def test_the_sum_is_among_the_closing_lines(pytester: pytest.Pytester) -> None:
    pytester.makepyfile('import pytest\n@pytest.mark.claim("K1", "K2")\ndef test_passes(): assert True')
    result, _ = run(pytester)
    result.stdout.fnmatch_lines(["claims: 2 proven of *", "*1 passed*"])


@pytest.mark.long
def test_the_group_that_xdist_appends_is_no_part_of_a_tests_id(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_one='import pytest\n@pytest.mark.claim("K1")\n@pytest.mark.xdist_group("own")\ndef test_a(): assert True'
    )
    result, written = run(pytester, "-n", "2", "--dist", "loadgroup", "-v")
    result.stdout.fnmatch_lines(["*PASSED*::test_a@own*"])
    assert list(written.tests) == ["test_one.py::test_a"]


def test_a_claim_that_does_not_exist_is_an_error_of_its_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile('import pytest\n@pytest.mark.claim("S9.9")\ndef test_a(): assert True')
    result, written = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no such claim in ops/claims/claims.toml: S9.9*"])
    assert written.tests["test_a_claim_that_does_not_exist_is_an_error_of_its_test.py::test_a"] == (["S9.9"], "failed")
