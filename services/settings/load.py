"""Reading the settings: the file, then the environment (`DAVTARI__KAFKA__BOOTSTRAP_SERVERS=…`) on top."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from contracts.validation import problem
from services.settings.base import is_unencrypted
from services.settings.model import Settings

ENV_PREFIX = "DAVTARI__"


class SettingsError(Exception):
    """The settings cannot be used; the message names each key and what to write there."""


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a file and the environment. Relative paths of secrets count from the file's folder.

    Raises `SettingsError`, naming every key that is wrong.
    """
    data = _merge(_read(path), _from_environment(environ))
    try:
        settings = Settings.model_validate(_absolute(data, path.parent.resolve()))
    except ValidationError as error:
        raise SettingsError(_explain(path, error)) from None
    if faults := list(find_unencrypted(settings)):
        raise SettingsError("\n".join([f"{path} cannot be used:", *faults]))
    return settings


def find_unencrypted(settings: Settings) -> Iterator[str]:
    """The addresses to which a password or key would be sent in clear without a person having allowed it."""
    balance, key = settings.balance, "{section}.url: {url} would receive the {secret} unencrypted"
    fix = "use its https:// address, or set {section}.allow-http = true if the network in between is trusted"
    text = f"  {key}; {fix}"
    if is_unencrypted(balance.base_url()) and not balance.allow_http:
        yield text.format(section="balance", url=balance.base_url(), secret="password")
    for name, shop in settings.shops.items():
        if is_unencrypted(shop.url) and not shop.allow_http:
            yield text.format(section=f"shops.{name}", url=shop.url, secret="key")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path} does not exist; `davtari init` creates one") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in environ.items():
        if name.startswith(ENV_PREFIX):
            *path, last = [part.lower().replace("_", "-") for part in name.removeprefix(ENV_PREFIX).split("__")]
            table = found
            for part in path:
                table = table.setdefault(part, {})
            table[last] = value
    return found


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _absolute(data: Any, folder: Path, key: str = "") -> Any:
    if isinstance(data, dict):
        return {name: _absolute(value, folder, name) for name, value in data.items()}
    if isinstance(data, list):
        return [_absolute(value, folder, key) for value in data]
    if isinstance(data, str) and (key.endswith(("-file", "-files")) or key == "directory"):
        return str(folder / data)
    return data


def _explain(path: Path, error: ValidationError) -> str:
    lines = [f"  {'.'.join(map(str, fault['loc'])) or '(file)'}: {_describe(fault)}" for fault in error.errors()]
    return "\n".join([f"{path} cannot be used:", *lines])


def _describe(fault: ErrorDetails) -> str:
    """What is wrong, the expected form, and what to do. An unknown key may hold a secret, so its value is not shown."""
    match fault["type"]:
        case "missing":
            return "is missing; add it (davtari init writes a file with every key and an example)"
        case "extra_forbidden":
            return "unknown setting; fix the name or remove it (davtari init writes a file with every key)"
        case "value_error":
            return str(fault["ctx"]["error"])
        case _:
            given = fault["input"]
            return problem(fault) + (f"; it is {given!r}" if isinstance(given, str | int | float) else "")
