"""The fixtures `kafka` and `topic_prefix`: one real broker for all processes of a test run."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.demo.kafka import Broker
from services.demo.kafka.choice import KIND_VARIABLE
from tests.support.shared_broker import SharedBroker

SHARED = pytest.StashKey[SharedBroker]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--broker-run", type=Path, metavar="FILE", help="write which broker the tests ran on to FILE")


def pytest_configure(config: pytest.Config) -> None:
    shared: dict[str, Any] | None = getattr(config, "workerinput", {}).get("davtari_broker")
    config.stash[SHARED] = (
        SharedBroker(Path(shared["folder"]), shared["owner"], shared["kind"]) if shared else _create()
    )


def _create() -> SharedBroker:
    return SharedBroker(
        Path(tempfile.mkdtemp(prefix="davtari-tests-")), os.getpid(), os.environ.get(KIND_VARIABLE) or None
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: pass the folder of the shared broker to each worker."""
    shared = node.config.stash[SHARED]
    node.workerinput["davtari_broker"] = {"folder": str(shared.folder), "owner": shared.owner, "kind": shared.kind}


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Broker:
    """The run's broker, one for all workers. Tests keep apart by `topic_prefix` and by names of consumer groups."""
    return pytestconfig.stash[SHARED].join()


@pytest.fixture
def topic_prefix() -> str:
    """A prefix for topics and groups that no other test has, ending with a dot as the real one does."""
    return f"t{uuid4().hex[:12]}."


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    used = config.stash[SHARED].running()
    if used is not None:
        terminalreporter.write_line(f"broker: {used.description} at {used.bootstrap_servers}")
    file: Path | None = config.getoption("--broker-run")
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(used) if used else None), encoding="utf-8")


def pytest_unconfigure(config: pytest.Config) -> None:
    shared = config.stash.get(SHARED, None)
    if shared is None or hasattr(config, "workerinput"):
        return
    shared.leave()
    shutil.rmtree(shared.folder, ignore_errors=True)
