"""`python -m services.console.api.freeze` writes `contracts/openapi.json`; run it after every change of the API.

- `--check` writes nothing and exits 1 when the file is stale, or when the API would break a client of it.
- A breaking change is not written: it needs a new address beside the old one. `--unreleased` writes it all the same:
  right only for what no release holds yet.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import contracts
from contracts.api_compatibility import api_changes
from services.console.api.application import build_api

FROZEN = Path(contracts.__file__).with_name("openapi.json")
Say = Callable[[str], None]


def make_document() -> str:
    """The document as it should be."""
    return json.dumps(build_api().openapi(), ensure_ascii=False, indent=2) + "\n"


def main(arguments: Sequence[str] | None = None, path: Path = FROZEN, say: Say = print) -> int:
    """The command. Returns its exit code: 0, or 1 for a stale file or a breaking change."""
    asked = _parser().parse_args(arguments)
    wanted, known = make_document(), path.read_text(encoding="utf-8") if path.exists() else None
    breaking = api_changes(json.loads(known), json.loads(wanted)) if known else []
    if breaking and not asked.unreleased:
        for change in breaking:
            say(f"breaks clients, make a new address beside it: {change}")
        return 1
    if known != wanted and asked.check:
        say("stale, run `python -m services.console.api.freeze`: openapi.json")
        return 1
    path.write_text(wanted, encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.console.api.freeze", description="The document of the API"
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--check", action="store_true", help="write nothing; exit 1 when the document is stale")
    group.add_argument("--unreleased", action="store_true", help="write breaking changes too: nothing is released yet")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
