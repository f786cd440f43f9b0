"""Finds public classes that share a name: `python -m ops.lint.names [FOLDER...]`."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

FOLDERS = ("contracts", "services")


def shared_names(folders: Iterable[Path]) -> dict[str, list[str]]:
    """Names of public top-level classes that more than one module defines, with these modules."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            for name in _public_classes(path):
                found[name].append(str(path))
    return {name: paths for name, paths in sorted(found.items()) if len(paths) > 1}


def _public_classes(path: Path) -> list[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return [node.name for node in body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


def main(folders: Iterable[str]) -> int:
    """Print every shared name; 1 if there is any."""
    shared = shared_names(map(Path, folders))
    for name, paths in shared.items():
        print(f"{name}: {', '.join(paths)}")
    print(f"{len(shared)} class names are used more than once" if shared else "every class name is used once")
    return 1 if shared else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or FOLDERS))
