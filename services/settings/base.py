"""What every section of the settings has in common."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class Section(BaseModel):
    """A table of `davtari.toml`: keys in kebab-case, unknown keys refused, values frozen."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=_kebab, populate_by_name=True, defer_build=True
    )


class SecretMissing(Exception):
    """A secret's file is missing or empty."""


def read_secret(path: Path, key: str) -> SecretStr:
    """The secret in a file, without the line end. Raises `SecretMissing`, naming the settings key and the file."""
    try:
        text = path.read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        raise SecretMissing(f"{key}: cannot read {path} ({error.strerror}); write the secret into that file") from None
    if not text:
        raise SecretMissing(f"{key}: the file {path} is empty; write the secret into it")
    return SecretStr(text)
