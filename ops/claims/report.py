"""Which claims a run of the tests has proven."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ops.claims.table import Table


@dataclass(frozen=True)
class Run:
    """A run of the tests: test → its claims and its outcome (passed, failed, skipped), and pytest's exit status."""

    exit_status: int
    tests: dict[str, tuple[list[str], str]]

    @classmethod
    def read(cls, file: Path) -> Run:
        """Raises `FileNotFoundError` when `pytest --claims-run FILE` has not been run."""
        content = json.loads(file.read_text(encoding="utf-8"))
        return cls(content["exit_status"], {test: (claims, how) for test, (claims, how) in content["tests"].items()})

    def write(self, file: Path) -> None:
        """Create the file and its folder again."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def proofs(table: Table, run: Run) -> dict[str, list[str]]:
    """Claim id → its passing tests, for every claim that applies. One failing test undoes a claim's proof."""
    return {claim: _passing(claim, run) for claim in table.claims}


def _passing(claim: str, run: Run) -> list[str]:
    outcomes = {test: outcome for test, (claims, outcome) in run.tests.items() if claim in claims}
    return [] if "failed" in outcomes.values() else sorted(t for t, outcome in outcomes.items() if outcome == "passed")


def unknown_claims(table: Table, run: Run) -> list[str]:
    """One line for each test that names a claim which does not exist."""
    return [
        f"{test} names unknown claims: {', '.join(unknown)}"
        for test, (claims, _) in sorted(run.tests.items())
        if (unknown := table.unknown(claims))
    ]


def lines(table: Table, proven: dict[str, list[str]]) -> Iterator[str]:
    """The report, claim by claim; the last line is the sum."""
    for claim, words in table.claims.items():
        yield f"{'proven' if proven[claim] else 'open':>7}  {claim:<6} {words}"
        yield from (f"{'':>17}{test}" for test in proven[claim])
    for claim, reason in table.not_applicable.items():
        yield f"{'n/a':>7}  {claim:<6} {reason}"
    yield summary(proven)


def summary(proven: dict[str, list[str]]) -> str:
    """How many of the claims that apply have a proof."""
    return f"claims: {sum(map(bool, proven.values()))} proven of {len(proven)}"
