"""`make sbom`: writes `build/sbom.cdx.json`, the bill of materials of this environment in CycloneDX 1.6.

Each component is a distribution that is installed here, with its version, its licence and the hashes of the files that
`ops/setup/requirements-dev.txt` allows for it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions, version
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "ops" / "setup" / "requirements-dev.txt"
OUT = ROOT / "build" / "sbom.cdx.json"
OWN = "davtari"
_ENTRY = re.compile(r"^([a-z0-9.-]+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE)


def main() -> int:
    """The command; gives its exit code."""
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(bill(read_lock(LOCK.read_text(encoding="utf-8"))), indent=2) + "\n", encoding="utf-8")
    print(f"{OUT.relative_to(ROOT)} written")
    return 0


def read_lock(text: str) -> Mapping[str, tuple[str, ...]]:
    """The SHA-256 hashes by `name==version`, as the lock file states them."""
    return {
        f"{name}=={number}": tuple(re.findall(r"sha256:([0-9a-f]{64})", hashes))
        for name, number, hashes in _ENTRY.findall(text)
    }


def bill(hashes: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The bill of materials. The same environment gives the same bill, to the byte."""
    components = sorted(_components(hashes), key=lambda each: str(each["bom-ref"]))
    content = json.dumps(components, sort_keys=True)
    own = {"type": "application", "name": OWN, "version": version(OWN), "bom-ref": OWN}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {"component": own},
        "components": components,
    }


def _components(allowed: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, Any]]:
    for each in distributions():
        name = re.sub(r"[-_.]+", "-", each.metadata["Name"]).lower()
        known = allowed.get(f"{name}=={each.version}")
        if known:
            reference = f"pkg:pypi/{name}@{each.version}"
            identity = {
                "type": "library",
                "name": name,
                "version": each.version,
                "purl": reference,
                "bom-ref": reference,
            }
            yield identity | {"hashes": [{"alg": "SHA-256", "content": one} for one in known]} | _licences(each)


def _licences(each: Distribution) -> dict[str, Any]:
    if expressions := each.metadata.get_all("License-Expression"):
        return {"licenses": [{"expression": str(expressions[0])}]}
    names = [line.rpartition(" :: ")[2] for line in each.metadata.get_all("Classifier") or () if "License ::" in line]
    return {"licenses": [{"license": {"name": name}} for name in names]} if names else {}


if __name__ == "__main__":
    sys.exit(main())
