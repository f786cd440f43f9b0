"""`python -m ops.claims RUN OUT`: list every claim with the tests that prove it, and write that to OUT."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ops.claims.report import Run, lines, proofs, unknown_claims
from ops.claims.table import read


def main() -> None:
    """Exit status 1 when a test names an unknown claim or when the tests failed; open claims are no error."""
    parser = argparse.ArgumentParser(prog="python -m ops.claims", description=__doc__)
    parser.add_argument("run", type=Path, help="what `pytest --claims-run RUN` wrote")
    parser.add_argument("out", type=Path, help="claim id → passing tests, as JSON")
    wish = parser.parse_args()
    sys.exit(report(wish.run, wish.out))


def report(run_file: Path, out: Path) -> int:
    """Print the report, write `out`, and return the exit status."""
    table, run = read(), Run.read(run_file)
    proven = proofs(table, run)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(proven, indent=1) + "\n", encoding="utf-8")
    problems = unknown_claims(table, run) + (["the tests failed"] if run.exit_status else [])
    for problem in problems:
        print(f"claims: {problem}", file=sys.stderr)
    print("\n".join(lines(table, proven)))
    return 1 if problems else 0


if __name__ == "__main__":
    main()
