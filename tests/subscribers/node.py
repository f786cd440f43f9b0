"""Node on this machine, and the Node example with its packages in a folder that git ignores."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.locks import locked

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "ops" / "examples" / "node"
INSTALLED = ROOT / ".cache" / "node-example"
NEEDED = (20, 19)
PATIENCE = 90.0


def _missing() -> str | None:
    if not shutil.which("node") or not shutil.which("npm"):
        return "node and npm are not installed"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    found = tuple(int(part) for part in version.lstrip("v").split(".")[:2])
    return None if found >= NEEDED else f"node {version} is too old, the example needs 20.19"


MISSING = _missing()
"""What this machine lacks to run the example, or None."""


def install() -> Path:
    """The folder of the example, ready to run. Packages are fetched once per version of the lock file."""
    lock = (EXAMPLE / "package-lock.json").read_text(encoding="utf-8")
    done = INSTALLED / "installed"
    with locked(INSTALLED.with_suffix(".lock")):
        if not done.exists() or done.read_text(encoding="utf-8") != lock:
            shutil.rmtree(INSTALLED, ignore_errors=True)
            _fetch()
            done.write_text(lock, encoding="utf-8")
        for file in EXAMPLE.glob("*.js"):
            shutil.copy(file, INSTALLED)
    return INSTALLED


def _fetch() -> None:
    INSTALLED.mkdir(parents=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(EXAMPLE / name, INSTALLED)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        pytest.fail(f"npm could not fetch the example's packages: {done.stderr[-400:]}", pytrace=False)
