"""An installation with every service: the settings that `davtari init` writes, and secrets that are no real ones."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from services.cli.command_keys import create_key_pair
from services.cli.init.interview import write_secret
from services.settings import Settings, load

SECRETS = ("balance-password", "main-key", "main-secret", "main-webhook")
ALERTS = '\n[alerts.recipients.owner]\nurl-file = "secrets/alert"\n'


def sample_settings(folder: Path) -> Settings:
    """Write the files and read them."""
    template = files("services.cli.init").joinpath("template.toml").read_text(encoding="utf-8")
    (folder / "davtari.toml").write_text(template + ALERTS, encoding="utf-8")
    for name in SECRETS:
        write_secret(folder / "secrets" / name, "not-a-real-one")
    write_secret(folder / "secrets" / "privacy", "not-a-real-one-but-as-long-as-a-real-one-is")
    create_key_pair(folder)
    write_secret(folder / "secrets" / "alert", "jsons://alerts.invalid")
    return load(folder / "davtari.toml", environ={})
