"""One broker for all processes of a test run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.demo.kafka import BrokerError
from services.demo.kafka.broker import wait_until_ready
from tests.support.shared_broker import ROOT, SharedBroker

PLUGIN = ("-p", "tests.support.broker_plugin", "-p", "no:cacheprovider")


async def test_all_processes_of_a_run_join_one_broker_and_the_controller_ends_it(tmp_path: Path) -> None:
    controller = SharedBroker(tmp_path, os.getpid(), "archives")
    worker = SharedBroker(tmp_path, os.getpid(), "archives")
    first = controller.join()
    try:
        assert worker.join() == first
    finally:
        controller.leave()
    with pytest.raises(TimeoutError):
        await wait_until_ready(first.bootstrap_servers, seconds=0.3)
    assert controller.running() is None


def test_the_broker_goes_when_its_run_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as run:
        shared = SharedBroker(tmp_path, run.pid, "archives")
        shared.join()
        run.kill()
    assert gone(shared.state, within=10)


def gone(file: Path, within: float) -> bool:
    end = time.monotonic() + within
    while file.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return not file.exists()


def test_a_run_without_a_broker_gives_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="is not a kind of broker"):
        SharedBroker(tmp_path, os.getpid(), "rabbit").join()


@pytest.mark.long
def test_the_run_names_its_broker_and_writes_it_down(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAVTARI_BROKER", "archives")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile("""
        def test_two_prefixes_differ(kafka, topic_prefix, request):
            assert kafka.bootstrap_servers and topic_prefix.endswith(".")
    """)
    result = pytester.runpytest_subprocess(*PLUGIN, "-n", "2", "--broker-run", "used.json")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["broker: Apache Kafka from its Java archives at 127.0.0.1:*"])
    assert '"kind": "archives"' in (pytester.path / "used.json").read_text()
