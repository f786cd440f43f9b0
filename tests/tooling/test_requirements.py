"""What the machine lacks is found before anything else is done, all of it together."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.shared_broker import ROOT

TOOLS = ("bash", "cat", "dirname", "head", "sed", "id", "env", "grep")
JAVA = "echo 'openjdk version \"{version}.0.2\" 2026-01-20' >&2"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The folder of commands of a machine without apt-get, Java, Maven and Docker."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool) or pytest.fail(f"no {tool} here"))
    add(folder, "python3", "exit 0")
    return folder


def add(folder: Path, command: str, script: str) -> None:
    file = folder / command
    file.write_text(f"#!/bin/bash\n{script}\n")
    file.chmod(0o755)


def check(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "ops" / "setup" / "requirements", *options],
        env={"PATH": str(folder), "HOME": os.environ["HOME"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_missing_packages_are_in_one_line_to_type(machine: Path) -> None:
    done = check(machine)
    assert done.returncode == 1
    assert "apt-get install -y --no-install-recommends default-jre-headless maven\n" in done.stderr


def test_an_old_java_counts_as_missing(machine: Path) -> None:
    add(machine, "java", JAVA.format(version=11))
    add(machine, "mvn", "exit 0")
    assert "--no-install-recommends default-jre-headless\n" in check(machine).stderr


@pytest.mark.parametrize("version", [17, 21, 25])
def test_nothing_is_missing_with_java_17_or_newer_and_maven(machine: Path, version: int) -> None:
    add(machine, "java", JAVA.format(version=version))
    add(machine, "mvn", "exit 0")
    assert check(machine).returncode == 0


def test_a_kafka_that_is_named_needs_no_java_here(machine: Path) -> None:
    assert check(machine, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9092").returncode == 0


def test_a_python_that_cannot_create_environments_is_named_too(machine: Path) -> None:
    add(machine, "python3", "exit 1")
    assert "python3-venv default-jre-headless maven\n" in check(machine).stderr


@pytest.mark.parametrize(
    ("fonts", "wanted"), [("exit 0", "chromium fontconfig fonts-noto-core"), ("echo NotoSansGeorgian", "chromium")]
)
def test_the_tests_need_a_browser_and_a_georgian_font(machine: Path, fonts: str, wanted: str) -> None:
    add(machine, "fc-list", fonts)
    done = check(machine, "--php", "--browser", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9092")
    assert done.stderr.endswith(f"--no-install-recommends php-cli {wanted}\n")


def test_a_browser_with_a_georgian_font_is_enough(machine: Path) -> None:
    add(machine, "chromium", "exit 0")
    add(machine, "fc-list", "echo NotoSansGeorgian")
    assert check(machine, "--browser", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9092").returncode == 0
