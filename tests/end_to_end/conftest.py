"""The report of a failed test includes the logs of the services."""

from __future__ import annotations

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    system = getattr(item, "funcargs", {}).get("system")
    if report.failed and system is not None:
        report.sections += [(f"log of {name}", text) for name, text in system.programs.logs()]
    return report
