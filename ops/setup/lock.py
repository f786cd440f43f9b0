"""`make lock`: writes every dependency with its version and the hashes of its wheels.

The versions are those of `constraints.txt`. With hashes pip installs these files and no others: a wheel that was
replaced after its release is refused. `requirements.txt` is what a service needs, `requirements-dev.txt` adds what
development and tests need. Both list the wheels for each Python and processor that Davtari is installed on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
RUNTIME = Path(__file__).with_name("requirements.txt")
DEVELOPMENT = Path(__file__).with_name("requirements-dev.txt")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("x86_64", "aarch64")
GLIBC = ("manylinux1", "manylinux_2_5", "manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34")
HEAD = "# Generated: make lock. The dependencies of constraints.txt with the hashes of their wheels.\n"
Hashes = Mapping[str, set[str]]
"""Hashes (`sha256:...`) by `name==version`."""


def main() -> int:
    """The command; gives its exit code."""
    found: dict[str, set[str]] = defaultdict(set)
    for python in PYTHONS:
        for machine in MACHINES:
            print(f"Python {python} on {machine}", file=sys.stderr)
            for requirement, hashes in hashes_of(report(python, machine)).items():
                found[requirement] |= hashes
    needed = runtime()
    DEVELOPMENT.write_text(HEAD + "".join(lines(found)), encoding="utf-8")
    RUNTIME.write_text(
        HEAD + "".join(lines({r: h for r, h in found.items() if name_of(r) in needed})), encoding="utf-8"
    )
    return 0


def runtime() -> set[str]:
    """The names of what a service needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = _report("--constraint", str(CONSTRAINTS), *project["dependencies"])
    return {name_of(requirement) for requirement in hashes_of(found)}


def name_of(requirement: str) -> str:
    """The name in `name==version`."""
    return requirement.partition("==")[0]


def report(python: str, machine: str) -> Mapping[str, Any]:
    """What pip would install there, as its installation report; nothing is installed."""
    platforms = [word for tag in GLIBC for word in ("--platform", f"{tag}_{machine}")]
    with tempfile.TemporaryDirectory() as target:
        wheels = ["--only-binary=:all:", "--implementation", "cp", "--python-version", python, *platforms]
        return _report("--no-deps", *wheels, "--target", target, "--requirement", str(CONSTRAINTS))


def _report(*wanted: str) -> Mapping[str, Any]:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    done = subprocess.run([*command, *wanted], stdout=subprocess.PIPE, check=True)
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def hashes_of(found: Mapping[str, Any]) -> Hashes:
    """The hashes in an installation report."""
    hashes: dict[str, set[str]] = defaultdict(set)
    for one in found["install"]:
        name, version = one["metadata"]["name"].lower().replace("_", "-"), one["metadata"]["version"]
        for kind, digest in one["download_info"]["archive_info"]["hashes"].items():
            hashes[f"{name}=={version}"].add(f"{kind}:{digest}")
    return hashes


def lines(found: Hashes) -> Iterable[str]:
    """The lines of the file, in order of the names."""
    for requirement in sorted(found):
        yield " \\\n    ".join([requirement, *(f"--hash={digest}" for digest in sorted(found[requirement]))]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
