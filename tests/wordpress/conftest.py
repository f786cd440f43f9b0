"""PHP, for the tests that run the companion; without it they are skipped."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Php = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def php() -> Php:
    """Runs PHP with these arguments."""
    program = shutil.which("php")
    if program is None:
        pytest.skip("no PHP here: `ops/setup/packages php-cli` installs it")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [program, "-d", "display_errors=stderr", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    return run
