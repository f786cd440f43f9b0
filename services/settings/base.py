"""The base of all sections of the settings, and the types of their values."""

from __future__ import annotations

import re
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from stat import S_IRWXO, S_IWGRP
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr


def address_fault(text: str) -> str:
    """What is wrong with a web address; empty when nothing is."""
    if any(character.isspace() or not character.isprintable() for character in text):
        return "contains a space or a character that cannot be printed"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        return f"is not a web address ({error})"
    if parts.scheme not in ("http", "https"):
        return "must begin with http:// or https://"
    if not parts.hostname or port == 0:
        return "names no server, such as https://shop.example.ge"
    return ""


def is_unencrypted(address: str) -> bool:
    """Whether a call to this address crosses a network in clear: http, and not to this machine itself."""
    parts = urlsplit(address)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, seen from itself only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _usable(text: str) -> str:
    if fault := address_fault(text):
        raise ValueError(f"{text!r} {fault}")
    return text


WebAddress = Annotated[str, AfterValidator(_usable)]
"""An http or https address with a host; one that no client could call is refused when the settings are read."""


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]
"""A regular expression."""


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, int) and not isinstance(value, bool) else value


def _each_once(value: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(value))


Categories = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1), BeforeValidator(_several), AfterValidator(_each_once)
]
"""Category ids of a shop: `17`, or `[17, 21]`."""


def _text_only(value: object) -> object:
    if isinstance(value, float):
        raise ValueError('write an amount as text, e.g. "0.05": a float is not exact')
    return value


Amount = Annotated[Decimal, BeforeValidator(_text_only)]
"""An exact amount, written as text."""


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class Section(BaseModel):
    """A table of `davtari.toml`: keys in kebab-case, unknown keys refused, values frozen."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=_kebab, populate_by_name=True, defer_build=True
    )


OPEN_TO_OTHERS = S_IWGRP | S_IRWXO
"""Permissions that no secret may have. A group may read it: orchestrators pass secrets to containers in that way."""


class SecretMissing(Exception):
    """A secret's file is missing or empty, or everybody on this machine may read it."""


def read_secret(path: Path, key: str) -> SecretStr:
    """The secret in a file, without the line end. Raises `SecretMissing`, naming the settings key and the file."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        raise SecretMissing(f"{key}: cannot read {path} ({error.strerror}); write the secret into that file") from None
    if mode & OPEN_TO_OTHERS:
        raise SecretMissing(f"{key}: other users of this machine can read or change {path}; run: chmod 600 {path}")
    if not text:
        raise SecretMissing(f"{key}: the file {path} is empty; write the secret into it")
    return SecretStr(text)
