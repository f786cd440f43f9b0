"""The image: small, without rights, with nothing of the build left in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.containers.composed import docker, run

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600), pytest.mark.xdist_group("containers")]
MB = 1_000_000
SLIM_BASE = 125 * MB
"""What the official slim Python image weighs unpacked; the base under a test may be a heavier stand-in."""


def own_layers(image: str) -> int:
    """Bytes of the layers on top of the base image: those above the imported or official base's last one."""
    history = docker("history", "--no-trunc", "--human=false", "--format", "{{.CreatedBy}}\t{{.Size}}", image)
    made = [line.rpartition("\t") for line in history.splitlines()]
    ours = [int(size) for text, _, size in made if "buildkit" in text]
    assert ours, history
    return sum(ours)


def test_it_weighs_less_than_200_mb_on_a_slim_base(image: str, measured: dict[str, Any]) -> None:
    added = own_layers(image)
    measured["image"] = {"own_layers_mb": round(added / MB, 1), "on_slim_base_mb": round((added + SLIM_BASE) / MB, 1)}
    assert added + SLIM_BASE < 200 * MB


def test_it_runs_as_nobody_special_says_how_it_is_and_stops_on_sigterm(image: str) -> None:
    config = json.loads(docker("image", "inspect", image))[0]["Config"]
    assert config["User"] == "10001:10001"
    assert config["Healthcheck"]["Test"] == ["CMD", "python", "-m", "services.cli.health"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["Entrypoint"] == ["davtari"]


def test_it_works_with_a_read_only_file_system_and_without_rights(image: str) -> None:
    confined = ("run", "--rm", "--read-only", "--cap-drop", "ALL", "--network", "none")
    assert "Davtari connects Balance" in docker(*confined, image, "--help")


def test_nothing_of_the_build_is_left_in_it(image: str) -> None:
    folders = "ls -A /run/secrets /source 2>/dev/null"
    files = "find /opt/davtari -name pip -o -name '*.pem' -not -path '*/certifi/*'"
    tools = "command -v gcc strip || true"
    left = docker("run", "--rm", "--entrypoint", "sh", image, "-c", f"{folders}; {files}; {tools}")
    assert left == ""


def test_missing_settings_are_named_and_end_it(image: str) -> None:
    done = run("docker", "run", "--rm", "--read-only", image, "run", "order-exporter")
    assert done.returncode == 2
    assert "/etc/davtari/davtari.toml does not exist" in done.stderr
    assert "Traceback" not in done.stderr
