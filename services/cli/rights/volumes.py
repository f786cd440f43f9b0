"""`python -m services.cli.rights.volumes GIVEN VOLUMES PASSWORDS`: the first job of `docker compose up`.

It lays out in the volume of each container what that container needs, and nothing else: your davtari.toml, of your
secrets those that it reads, the password of its Kafka user, and the token of health and metrics. The passwords and the
token are made at the first start and kept in a volume that only this job mounts. Without a davtari.toml the services
get no settings, and `rights` says so (or the profile `sandbox` brings settings of its own, after this job).
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from services.cli.command_keys import KEY_FILE, PUBLIC_KEY_FILE, create_key_pair
from services.cli.init.interview import write_secret
from services.cli.rights.roles import roles
from services.cli.rights.secrets import EVERY_SERVICE, OPERATOR, lay_out
from services.cli.rights.users import ADMINISTRATOR, BROKER_FILE, create_users
from services.settings import Settings, SettingsError, load

TOKEN, PASSWORD = "telemetry-token", "kafka-password"
STATE = Path("/var/lib/davtari")
"""Where each container mounts its own state."""
DAVTARI, KAFKA, PROMETHEUS = 10001, 1000, 65534
"""The users of the images."""
ADMINISTRATION, BROKER, MONITORING, DEMONSTRATION = "administrator", "broker", "prometheus", "demo"
PARTS = (*EVERY_SERVICE, OPERATOR, ADMINISTRATION)
"""Containers that run `davtari`."""
DEMONSTRATED = (f"davtari-{OPERATOR}", "davtari-balance-feed", "davtari-catalog-importer")
"""The Kafka users of the demonstration, which runs two services itself for the first plan. It has a pair of keys for
its commands too; a company's own keys are beside its davtari.toml.
"""


def lay_out_all(given: Path, volumes: Path, passwords: Path) -> None:
    """Fill every volume. Raises `SettingsError`."""
    create_users(passwords)
    create_key_pair(passwords)
    if not (passwords / TOKEN).exists():
        write_secret(passwords / TOKEN, secrets.token_urlsafe(32))
    settings = load(given / "davtari.toml", environ={}) if (given / "davtari.toml").exists() else None
    for part in PARTS:
        user = ADMINISTRATOR if part == ADMINISTRATION else f"davtari-{part}"
        copies = {PASSWORD: user, TOKEN: TOKEN} if part in EVERY_SERVICE else {PASSWORD: user}
        fill(volumes / part, passwords, copies)
        choose(volumes / part, "own")
        if settings is not None:
            lay_out_settings(volumes / part, "own", given / "davtari.toml", settings)
    keys = {Path(file).name: file for file in (KEY_FILE, PUBLIC_KEY_FILE)}
    fill(volumes / DEMONSTRATION, passwords, {name: name for name in (*DEMONSTRATED, TOKEN)} | keys)
    fill(volumes / BROKER, passwords, {BROKER_FILE: BROKER_FILE})
    fill(volumes / MONITORING, passwords, {TOKEN: TOKEN})


def fill(volume: Path, passwords: Path, copies: dict[str, str]) -> None:
    """Copy files of the passwords under other names; what else is there stays."""
    volume.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, source in copies.items():
        write_secret(volume / name, (passwords / source).read_text(encoding="utf-8").rstrip("\n"))


def choose(volume: Path, name: str) -> None:
    """From now on the container reads the settings of this name, which are empty at first."""
    shutil.rmtree(volume / name, ignore_errors=True)
    (volume / name).mkdir(mode=0o700, parents=True)
    (volume / "chosen").unlink(missing_ok=True)
    (volume / "chosen").symlink_to(name)


def lay_out_settings(
    volume: Path, name: str, settings_file: Path, settings: Settings, state: str | None = None
) -> None:
    """Lay out what the container of this volume needs, with a link to its state."""
    lay_out(settings_file, settings, volume.name, volume / name)
    (volume / name / "state").symlink_to(STATE / (state or name))


def give_to(volume: Path, user: int) -> None:
    """Everything in a volume belongs to the user of its container."""
    for path in (volume, *volume.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)


def main(arguments: Iterable[str]) -> int:
    """The job; returns its exit code."""
    given, volumes, passwords = map(Path, arguments)
    try:
        lay_out_all(given, volumes, passwords)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    for volume in volumes.iterdir():
        give_to(volume, {BROKER: KAFKA, MONITORING: PROMETHEUS}.get(volume.name, DAVTARI))
    print(f"{len(PARTS)} parts and {len(roles())} Kafka users laid out")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
