"""A Compose project under test: the files of this repository, as a user has them, under a name and ports of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMAGE = "davtari:tested"
PORTS = ("RECEIVER", "KAFKA", "PROMETHEUS", "GRAFANA")


def free_port() -> str:
    """A port of this machine that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def run(*command: str, patience: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program at the root of the project; returns its output."""
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=patience, check=False
    )


def docker(*arguments: str, patience: float = 60) -> str:
    """What `docker` printed. AssertionError, with what it complained of, when it failed."""
    done = run("docker", *arguments, patience=patience)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


@dataclass(frozen=True)
class Project:
    """One project; `config` is the folder in which a user keeps davtari.toml and secrets."""

    name: str
    config: Path
    profiles: Sequence[str] = ()
    ports: dict[str, str] = field(default_factory=lambda: {f"DAVTARI_{name}_PORT": free_port() for name in PORTS})

    def try_compose(self, *arguments: str, patience: float = 240) -> subprocess.CompletedProcess[str]:
        """`docker compose …`, however it ends."""
        profiles = [word for profile in self.profiles for word in ("--profile", profile)]
        environment = self.ports | {"DAVTARI_IMAGE": IMAGE, "DAVTARI_CONFIG": str(self.config)}
        command = ("docker", "compose", "--project-name", self.name, *profiles, *arguments)
        return run(*command, patience=patience, **environment)

    def compose(self, *arguments: str, patience: float = 240) -> str:
        """`docker compose …`, which must succeed; gives what it printed."""
        done = self.try_compose(*arguments, patience=patience)
        assert done.returncode == 0, f"compose {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def play(self, *part: str, patience: float = 240) -> str:
        """Have a part of the demonstration played against what runs; gives its last line."""
        output = self.compose("run", "--rm", "--no-TTY", "--no-deps", "story", *part, patience=patience)
        return output.strip().splitlines()[-1]

    def state(self, service: str) -> Container:
        """The container of a service, as it is now."""
        found = json.loads(docker("inspect", self._id(service)))[0]
        return Container.read(found)

    def kill(self, service: str) -> None:
        """End its process at once, as a crash would. Only the restart policy may bring it back."""
        os.kill(self.state(service).pid, signal.SIGKILL)

    def logs(self, service: str) -> str:
        """The logs of a service."""
        return self.compose("logs", "--no-log-prefix", service)

    def _id(self, service: str) -> str:
        return self.compose("ps", "--all", "--quiet", service).strip()


@dataclass(frozen=True)
class Container:
    """What Docker knows of a container."""

    id: str
    pid: int
    running: bool
    exit_code: int
    health: str | None
    restarts: int
    started: datetime

    @classmethod
    def read(cls, found: dict[str, object]) -> Container:
        """From `docker inspect`."""
        state = found["State"]
        assert isinstance(state, dict)
        return cls(
            id=str(found["Id"]),
            pid=state["Pid"],
            running=state["Running"],
            exit_code=state["ExitCode"],
            health=state.get("Health", {}).get("Status"),
            restarts=int(str(found["RestartCount"])),
            started=datetime.fromisoformat(state["StartedAt"]),
        )
