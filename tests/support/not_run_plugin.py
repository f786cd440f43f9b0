"""Names the tests that were not run when a run is cut, by a limit or by Ctrl-C: silence would look like success."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

SHOWN = 20


class NotRun:
    """Compares what was collected with what has ended; on the controller only, which hears of all workers."""

    def __init__(self) -> None:
        self.collected: set[str] = set()
        self.ended: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.collected.update(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        self.collected.update(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self.ended.add(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        if config.option.collectonly or not (missing := sorted(self.collected - self.ended)):
            return
        terminalreporter.section(f"NOT RUN: {len(missing)} of {len(self.collected)} tests", red=True)
        for name in missing[:SHOWN]:
            terminalreporter.write_line(name)
        if len(missing) > SHOWN:
            terminalreporter.write_line(f"… and {len(missing) - SHOWN} more")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(NotRun(), "not-run")
