"""`python -m services.sandbox …`: the same as `davtari sandbox …`."""

from __future__ import annotations

from services.sandbox.command import cli

if __name__ == "__main__":
    cli()
