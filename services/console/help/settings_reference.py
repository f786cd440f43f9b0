"""Every setting of `davtari.toml`: its key, what it takes, its default and its description, from the models."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from services.settings.base import Section
from services.settings.model import Settings


@dataclass(frozen=True, slots=True)
class SettingEntry:
    """One setting. `key` has NAME where the file has a name of your own, such as that of a shop."""

    key: str
    takes: str
    default: str
    description: str
    section: str


@cache
def list_settings() -> dict[str, SettingEntry]:
    """Every setting by its key, in the order of the models."""
    return {entry.key: entry for entry in _entries(Settings, "")}


def _entries(model: type[Section], prefix: str) -> Iterator[SettingEntry]:
    for name, field in model.model_fields.items():
        key = prefix + name.replace("_", "-")
        inner, many = _inner_section(field.annotation)
        if inner is not None:
            yield from _entries(inner, f"{key}.NAME." if many else f"{key}.")
        else:
            section = (model.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
            yield SettingEntry(key, describe_type(field.annotation), _default(field), field.description or "", section)


def _inner_section(annotation: Any) -> tuple[type[Section] | None, bool]:
    """The model of a table of settings, and whether there is one for each name."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, False
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is dict:
        return _inner_section(inside[1])[0], True
    if origin in (Union, types.UnionType):
        return next(((found, False) for one in inside if (found := _inner_section(one)[0])), (None, False))
    return None, False


_NAMES: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}


def describe_type(annotation: Any) -> str:
    """What a setting takes, in words."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " | ".join(str(value) for value in inside)
    if origin in (Union, types.UnionType):
        return " | ".join(describe_type(one) for one in inside if one is not type(None))
    if origin is dict:
        return f"table: {describe_type(inside[0])} = {describe_type(inside[1])}"
    if origin in (list, tuple, set, frozenset):
        return f"list of {describe_type(inside[0])}"
    if origin is not None and hasattr(annotation, "__metadata__"):
        return describe_type(inside[0])
    return _NAMES.get(annotation, str(getattr(annotation, "__name__", annotation)).lower())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value in (None, PydanticUndefined) else _toml(value)


def _toml(value: Any) -> str:
    """A value as the settings file writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    return f'"{value.value if isinstance(value, Enum) else value}"'
