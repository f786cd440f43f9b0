"""`python -m contracts.generate` writes the JSON Schemas and the AsyncAPI document; run it after every change here.

- `--check` writes nothing and exits 1, naming every file that is stale, and what in it would break a subscriber.
- `--compare OLD_DIR` writes nothing and exits 1, naming every breaking change since the schemas in that folder.
- A breaking change of a schema is not written: it needs a new version or type. `--unreleased` writes it all the same:
  right only for a schema that no release holds yet.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from contracts.asyncapi import document
from contracts.compatibility import breaking_changes
from contracts.json_schema import released_name, schema_of
from contracts.registry import EARLIER, EARLIER_TOPIC, EVENTS
from contracts.sample import samples

HERE = Path(__file__).parent
SCHEMAS = Path("schemas")
ASYNCAPI = Path("asyncapi.json")
Documents = dict[Path, str]


def documents() -> Documents:
    """Every generated document as it should be, by its path below `contracts/`."""
    schemas = {released_name(event): schema_of(event) for event in EVENTS}
    schemas |= {released_name(type_): schema_of(event, type_, EARLIER_TOPIC) for type_, event in EARLIER.items()}
    files = {SCHEMAS / f"{name}.json": _json(schema) for name, schema in schemas.items()}
    return files | {ASYNCAPI: _json(document(tuple(samples())))}


def stale(wanted: Documents, root: Path = HERE) -> list[str]:
    """The documents below `root` that are missing, differ from what is generated, or belong to no event any more."""
    there = {path.relative_to(root) for path in (root / SCHEMAS).glob("*.json")}
    different = {path for path, text in wanted.items() if _read(root / path) != text}
    return sorted(str(path) for path in different | (there - wanted.keys()))


def broken(wanted: Documents, folder: Path = HERE / SCHEMAS) -> list[str]:
    """Every breaking change from the schemas in `folder` to the generated ones, as `OrderChanged.v1 $.total: …`."""
    return [f"{path.stem} {change}" for path in sorted(folder.glob("*.json")) for change in _changes(path, wanted)]


def write(wanted: Documents, root: Path = HERE) -> list[str]:
    """Make the documents below `root` what they should be; answers the names of those that were stale."""
    changed = stale(wanted, root)
    for name in changed:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text := wanted.get(Path(name)):
            path.write_text(text, encoding="utf-8")
        else:
            path.unlink()
    return changed


def _changes(path: Path, wanted: Documents) -> Iterator[str]:
    text = wanted.get(SCHEMAS / path.name)
    if text is None:
        yield "$: the event is gone; a released event stays in the registry, so that the log can be read"
    else:
        yield from breaking_changes(json.loads(path.read_text(encoding="utf-8")), json.loads(text))


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


Say = Callable[[str], None]
STALE = "stale, run `python -m contracts.generate`"
BREAKS = "breaks subscribers, make a new version beside it"


def main(arguments: Sequence[str] | None = None, root: Path = HERE, say: Say = print) -> int:
    """The command. Answers its exit code: 0 well, 1 stale or breaking."""
    asked = _parser().parse_args(arguments)
    if asked.compare is not None:
        return _report(say, "breaks since the older schemas", broken(documents(), asked.compare))
    wanted = documents()
    breaking = broken(wanted, root / SCHEMAS)
    if asked.check:
        return max(_report(say, STALE, stale(wanted, root)), _report(say, BREAKS, breaking))
    if breaking and not asked.unreleased:
        return _report(say, BREAKS, breaking)
    for name in write(wanted, root):
        say(f"renewed: {name}")
    return 0


def _report(say: Say, what: str, found: list[str]) -> int:
    for line in found:
        say(f"{what}: {line}")
    return 1 if found else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m contracts.generate", description="The documents of the contracts")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--check", action="store_true", help="write nothing; exit 1 when a document is stale")
    group.add_argument("--compare", type=Path, metavar="OLD_DIR", help="name what breaks since the schemas there")
    group.add_argument("--unreleased", action="store_true", help="write breaking changes too: nothing is released yet")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
