"""The container tests need an engine (`make test-containers` starts one); the others in this folder only read files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.containers.composed import IMAGE, ROOT, Project, run


@pytest.fixture(scope="session")
def image() -> str:
    """The image, built from the tree as it is. Skips where no Docker engine with Compose answers."""
    if (
        shutil.which("docker") is None
        or run("docker", "compose", "version").returncode
        or run("docker", "info").returncode
    ):
        pytest.skip("no Docker engine with Compose answers here: make test-containers starts one")
    built = run("ops/containers/image", IMAGE, patience=400)
    assert built.returncode == 0, built.stdout + built.stderr
    return IMAGE


def _answers() -> bool:
    asked = (("docker", "info"), ("docker", "compose", "version"))
    return shutil.which("docker") is not None and all(run(*words).returncode == 0 for words in asked)


@pytest.fixture(scope="module")
def sandbox(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The project with the profile `sandbox`, for a user who has no settings at all."""
    project = Project("davtari-sandbox-test", tmp_path_factory.mktemp("nothing"), profiles=("sandbox",))
    try:
        yield project
    finally:
        project.try_compose("down", "--volumes", "--timeout", "5")


@pytest.fixture(scope="module")
def own(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The project without a profile; its folder of settings is still empty."""
    project = Project("davtari-own-test", tmp_path_factory.mktemp("own"))
    try:
        yield project
    finally:
        project.try_compose("down", "--volumes", "--timeout", "5")


@pytest.fixture(scope="session")
def measured() -> Iterator[dict[str, Any]]:
    """Figures for people; they are left in build/containers.json."""
    figures: dict[str, Any] = {}
    yield figures
    build = Path(ROOT / "build")
    build.mkdir(exist_ok=True)
    (build / "containers.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
