"""One broker for many processes, and the stand-in that never passes for Kafka."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.shared.broker import BrokerError, broker
from services.shared.broker.readiness import await_answer
from tests.support.shared_broker import ROOT, SharedBroker

PLUGIN = ("-p", "tests.support.broker_plugin", "-p", "no:cacheprovider")


async def test_the_stand_in_says_loudly_that_it_is_none(capfd: pytest.CaptureFixture[str]) -> None:
    async with broker("stand-in") as found:
        told = capfd.readouterr().err
        await await_answer(found.bootstrap_servers, seconds=5)
    assert "THIS IS NOT KAFKA" in told
    assert not found.real
    assert found.description.startswith("NOT Kafka")


async def test_all_processes_of_a_run_join_one_broker_and_the_controller_ends_it(tmp_path: Path) -> None:
    controller = SharedBroker(tmp_path, os.getpid(), "stand-in")
    worker = SharedBroker(tmp_path, os.getpid(), "stand-in")
    first = controller.join()
    try:
        assert worker.join() == first
    finally:
        controller.leave()
    with pytest.raises(TimeoutError):
        await await_answer(first.bootstrap_servers, seconds=0.3)
    assert controller.running() is None


def test_the_broker_goes_when_its_run_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as run:
        shared = SharedBroker(tmp_path, run.pid, "stand-in")
        shared.join()
        run.kill()
    assert gone(shared.state, within=10)


def gone(file: Path, within: float) -> bool:
    end = time.monotonic() + within
    while file.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return not file.exists()


def test_a_run_without_a_broker_gives_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="names no kind of broker"):
        SharedBroker(tmp_path, os.getpid(), "rabbit").join()


def test_a_run_that_needs_a_real_broker_refuses_the_stand_in(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAVTARI_BROKER", "stand-in")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    result = pytester.runpytest_subprocess(*PLUGIN, "--real-broker")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--real-broker, yet DAVTARI_BROKER=stand-in*"])


@pytest.mark.long
def test_the_run_names_its_broker_and_writes_it_down(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAVTARI_BROKER", "stand-in")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile("""
        def test_two_prefixes_differ(kafka, topic_prefix, request):
            assert kafka.bootstrap_servers and topic_prefix.endswith(".")
    """)
    result = pytester.runpytest_subprocess(*PLUGIN, "-n", "2", "--broker-run", "used.json")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["broker: NOT Kafka: a stand-in in memory at 127.0.0.1:*"])
    assert '"kind": "stand-in"' in (pytester.path / "used.json").read_text()
