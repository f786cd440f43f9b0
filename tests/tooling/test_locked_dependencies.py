"""Every dependency is pinned by version and by the hashes of its files, and the bill of materials names them all."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from ops import sbom

ROOT = Path(__file__).parents[2]
SETUP = ROOT / "ops" / "setup"
FILES = ("requirements.txt", "requirements-dev.txt")
LOCKS = {name: sbom.read_lock((SETUP / name).read_text(encoding="utf-8")) for name in FILES}


def constraints() -> set[str]:
    """The pinned versions, with the names as the index spells them."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {_normalized(line) for line in lines if "==" in line and not line.startswith("#")}


def _normalized(line: str) -> str:
    name, _, version = line.partition("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"


def test_every_pinned_version_has_hashes() -> None:
    assert LOCKS["requirements-dev.txt"].keys() == constraints()
    assert all(LOCKS["requirements-dev.txt"].values())


def test_a_service_installs_a_part_of_what_development_installs() -> None:
    assert LOCKS["requirements.txt"].items() <= LOCKS["requirements-dev.txt"].items()


def test_what_the_project_names_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {re.split(r"[\[<>=~!; ]", one)[0].lower() for one in project["dependencies"]}
    assert named <= {one.partition("==")[0] for one in LOCKS["requirements.txt"]}


def test_the_bill_of_materials_names_every_installed_dependency_with_its_hashes() -> None:
    bill = sbom.bill(LOCKS["requirements-dev.txt"])
    named = {one["bom-ref"] for one in bill["components"]}
    assert {f"pkg:pypi/{one.replace('==', '@')}" for one in LOCKS["requirements.txt"]} <= named
    assert all(one["hashes"] for one in bill["components"])
    assert bill == sbom.bill(LOCKS["requirements-dev.txt"])


@pytest.mark.parametrize("path", FILES)
def test_no_address_of_an_index_is_written_down(path: str) -> None:
    assert "://" not in (SETUP / path).read_text(encoding="utf-8")
