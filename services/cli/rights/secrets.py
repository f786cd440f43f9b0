"""Which part of an installation needs which file that the settings name, and folders with that and nothing else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel

from services.cli.registry import OPTIONAL_SERVICES, SERVICES
from services.settings.model import Settings

OPERATOR = "operator"
"""The `davtari` command."""
EVERY_SERVICE = (*SERVICES, *OPTIONAL_SERVICES)
CALL_BALANCE = ("balance-feed", "order-exporter", "refund-exporter", OPERATOR)
CALL_SHOPS = ("store-feed", "catalog-importer", "stock-publisher", "order-notifier", OPERATOR)
MERGES_CONTACTS = "order-exporter"
"""It calls a shop only if the contacts of its buyers are merged."""
NEEDED_BY: Mapping[str, tuple[str, ...]] = {
    r"balance\.password-file": CALL_BALANCE,
    r"shops\.[^.]+\.(key|secret)-file": CALL_SHOPS,
    r"shops\.[^.]+\.webhook-secret-files": ("store-feed", OPERATOR),
    r"alerts\.recipients\.[^.]+\.url-file": ("alerts", OPERATOR),
    r"commands\.key-file": (OPERATOR,),
    r"commands\.public-key-file": (*EVERY_SERVICE, OPERATOR),
    r"privacy\.secret-file": (*EVERY_SERVICE, OPERATOR),
    r"telemetry\.token-file": EVERY_SERVICE,
    r"kafka\.[^.]+": (*EVERY_SERVICE, OPERATOR),
    r".*\.ca-file": (*EVERY_SERVICE, OPERATOR),
}
"""By the settings key, the first pattern that fits; a file that nobody is named for is for nobody."""


def named_files(section: BaseModel, path: str = "") -> Iterator[tuple[str, Path]]:
    """Every file that the settings name, with its key."""
    for name, field in type(section).model_fields.items():
        key = f"{path}{field.alias or name}"
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from named_files(value, f"{key}.")
        elif isinstance(value, Mapping):
            for each, part in value.items():
                if isinstance(part, BaseModel):
                    yield from named_files(part, f"{key}.{each}.")
        elif key.endswith(("-file", "-files")):
            yield from ((key, file) for file in (value if isinstance(value, tuple) else (value,)) if file)


def files_of(settings: Settings, who: str) -> list[Path]:
    """The files that a service, or the operator, needs."""
    return [file for key, file in named_files(settings) if who in needed_by(settings, key)]


def needed_by(settings: Settings, key: str) -> tuple[str, ...]:
    """Who needs the file of a settings key."""
    who = next((who for pattern, who in NEEDED_BY.items() if re.fullmatch(pattern, key)), ())
    shop = settings.shops.get(key.split(".")[1]) if key.startswith("shops.") else None
    merges = shop is not None and bool(shop.orders.clients.contacts.by_field())
    return (*who, MERGES_CONTACTS) if merges and who == CALL_SHOPS else who


def lay_out(settings_file: Path, settings: Settings, who: str, folder: Path) -> None:
    """Copy the settings and the files that one part of the installation needs; nobody else can read them.

    A file outside the settings' folder stays where it is.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    for file in [settings_file, *files_of(settings, who)]:
        if file.exists() and file.is_relative_to(settings_file.parent.resolve()):
            target = folder / file.relative_to(settings_file.parent.resolve())
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            target.chmod(0o600)
