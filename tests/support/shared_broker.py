"""One broker for all processes of a test run: the first that needs it starts it, the run's controller stops it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.demo.kafka import Broker, BrokerError
from tests.support.locks import locked

ROOT = Path(__file__).resolve().parents[2]
# The first start ever may install Java and fetch the archives.
START_SECONDS = 220.0
STOP_SECONDS = 45.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class SharedBroker:
    """`folder` is the run's own; `owner` the controller's process, whose end is the broker's end too."""

    folder: Path
    owner: int
    kind: str | None

    @property
    def state(self) -> Path:
        return self.folder / "broker.json"

    def join(self) -> Broker:
        """The run's broker, started now if nobody has yet. Raises `BrokerError` with the reasons."""
        with locked(self.folder / "lock"):
            if not self.state.exists():
                self._start()
        return self._read()

    def running(self) -> Broker | None:
        """The broker that this run has used so far, if any."""
        return self._read() if self.state.exists() and "error" not in self.state.read_text() else None

    def leave(self) -> None:
        """Stop it, if it was started. Called once, by the controller."""
        if self.running() is None:
            return
        os.kill(int((self.folder / "pid").read_text()), signal.SIGTERM)
        _until(lambda: not self.state.exists(), STOP_SECONDS, "the test run's broker did not stop")

    def _start(self) -> None:
        command = [sys.executable, "-m", "services.demo.kafka", str(self.state), "--owner", str(self.owner)]
        command += ["--kind", self.kind] if self.kind else []
        with (self.folder / "log").open("wb") as log:
            keeper = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        (self.folder / "pid").write_text(str(keeper.pid))
        _until(lambda: self.state.exists() or keeper.poll() is not None, START_SECONDS, "no broker in time")

    def _read(self) -> Broker:
        if not self.state.exists():
            raise BrokerError(f"the broker ended while starting: {(self.folder / 'log').read_text()}")
        content = json.loads(self.state.read_text())
        if "error" in content:
            raise BrokerError(f"{content['error']}\n{(self.folder / 'log').read_text()}")
        return Broker(**content)


def _until(true: Callable[[], bool], seconds: float, complaint: str) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise BrokerError(f"{complaint} ({seconds:g} s)")
        time.sleep(LOOK_SECONDS)
