"""`@pytest.mark.claim("S0.31")`: checks the ids, and with `--claims-run FILE` writes which test proved what."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ops.claims.report import Run, proofs, summary
from ops.claims.table import read

# What xdist's loadgroup adds to a test's id.
GROUP = re.compile(r"@[^\]/]*$")


class Recorder:
    """Gathers each test's outcome where all reports arrive: in the only process, or in xdist's controller."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.claims: dict[str, list[str]] = {}
        self.outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test has passed if its call passed and no phase failed; an expected failure proves nothing."""
        test = GROUP.sub("", report.nodeid)
        self.claims[test] = list(dict(report.user_properties).get("claims", ()))  # type: ignore[call-overload]
        if report.failed:
            self.outcomes[test] = "failed"
        elif report.skipped or hasattr(report, "wasxfail"):
            self.outcomes.setdefault(test, "skipped")
        elif report.when == "call":
            self.outcomes.setdefault(test, "passed")

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the run; tests without claims are left out."""
        marked = {test: claims for test, claims in sorted(self.claims.items()) if claims}
        tests = {test: (claims, self.outcomes.get(test, "skipped")) for test, claims in marked.items()}
        Run(int(exitstatus), tests).write(self.file)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The sum of the claims, among pytest's own closing lines."""
        table = read()
        terminalreporter.write_line(summary(proofs(table, Run.read(self.file))))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--claims-run", type=Path, metavar="FILE", help="write each test's claims and outcome to FILE")


def pytest_configure(config: pytest.Config) -> None:
    file: Path | None = config.getoption("--claims-run")
    if file is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(file), "claims-recorder")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.user_properties.append(("claims", claims_of(item)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    unknown = read().unknown(claims_of(item))
    if unknown:
        pytest.fail(f"no such claim in ops/claims/claims.toml: {', '.join(unknown)}", pytrace=False)


def claims_of(item: pytest.Item) -> list[str]:
    """The ids that mark a test, its class and its module, each once."""
    ids: list[Any] = [each for mark in item.iter_markers("claim") for each in mark.args]
    return sorted({str(each) for each in ids})
