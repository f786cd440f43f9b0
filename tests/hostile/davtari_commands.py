"""The commands that read the topics, each with arguments that fit the golden samples."""

from __future__ import annotations

import asyncio

import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.cli.app import app
from services.demo.environment import SandboxEnvironment

CLIENT = "0f8d2c66-4b1e-5a77-9c39-1f6f0a5d7b21"
GROUP = "6d1f0a52-9c3e-11ef-8d21-3c0000000010"
ITEM = "6d1f0a52-9c3e-11ef-8d21-3c0000000100"
DEAD_LETTER = "4c1d7a90-0a5e-5d0f-b8cf-91f3a4d5e6b7"
SHOWING = f"""
approvals list
backfill orders --from 2026-11-01 --to 2026-11-30 --dry-run
check
check --last
clients conflicts
clients list
day-close --date 2026-11-20 --dry-run
dead-letters discard --all --reason x --dry-run
dead-letters group
dead-letters list --all --closed
dead-letters replay --all --dry-run
dead-letters show {DEAD_LETTER}
drift
links import links.csv --dry-run
mapping include {GROUP}
order 1042
order 1042 --documents
orders
person export 1042
plan groups
plan items --patience 1
plan shop-only
propose items --dry-run
propose list
rules test 1042
shipping
shop show
status
stock {ITEM}
""".strip().splitlines()
"""They show texts from outside."""
IN_JSON = (
    "check --last", "clients conflicts", "dead-letters list --all --closed", "drift", "order 1042", "orders",
    "person export 1042", "plan groups", "plan shop-only", "propose list", "status",
)  # fmt: skip
OTHERS = f"""
clients show {CLIENT}
explain
export clients --dry-run
forget 1042 --reason r --dry-run --patience 0.1
helpers
import clients --dry-run
links export other.csv
links rebuild --dry-run
mapping list
mapping test TEA-*
opening-stock other.csv
person expire --dry-run --patience 0.1
plan show x
propose export other.csv
rules list
sync-matrix
""".strip().splitlines()
"""They show ids, figures and settings, or have nothing to show here."""


async def davtari(made: SandboxEnvironment, line: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Run a command in the folder of the settings."""
    monkeypatch.chdir(made.folder)
    return await asyncio.to_thread(CliRunner().invoke, app, line.split(" "))
