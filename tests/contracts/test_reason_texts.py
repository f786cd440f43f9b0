"""Every reason code states what happened, what it means and what to do, in English and Georgian."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from contracts.reason_texts import SENTENCES, SOURCE, ReasonText, all_texts, text_of
from contracts.reasons import Reason
from services.settings.model import Settings
from services.settings.translation import translate_reason

GEORGIAN = re.compile(r"[\u10d0-\u10ff]{2,}")
CODE = re.compile(r"`([^`]+)`")
COMMANDS = re.compile(
    r"davtari (up|check|rights users DIR|rights apply|plan (items|groups)"
    r"|mapping set GROUP CATEGORY|mapping (in|ex)clude GROUP"
    r"|apply PLAN|import (items|prices|stock)( --accept-loss)?|order ORDER --shop SHOP"
    r"|approvals list|approve document DOCUMENT|approve shape SHAPE"
    r"|dead-letters list|dead-letters (show|replay|discard) ID"
    r"|push order ORDER --shop SHOP|push refund ORDER REFUND --shop SHOP"
    r"|push return-request ORDER --shop SHOP"
    r"|links add ITEM PRODUCT|backfill orders --from DAY --to DAY --shop SHOP"
    r'|shop show --shop SHOP|shop accept --shop SHOP --reason "…")'
)
every_reason = pytest.mark.parametrize("reason", list(Reason))


def georgian(text: ReasonText) -> ReasonText:
    return translate_reason(text, "ka")


def sentences(text: ReasonText) -> list[str]:
    return [getattr(text, name) for name in SENTENCES]


def quoted(text: ReasonText) -> list[str]:
    """What a text says is to be typed, in both languages: commands and settings keys."""
    return [found for one in (text, georgian(text)) for sentence in sentences(one) for found in CODE.findall(sentence)]


@pytest.mark.claim("K18")
@every_reason
def test_every_code_has_all_texts_in_both_languages(reason: Reason) -> None:
    english, translated = sentences(text_of(reason)), sentences(georgian(text_of(reason)))
    for sentence in (*english, *translated):
        assert sentence.strip() == sentence
        assert sentence.endswith(".")
    assert not any(map(GEORGIAN.search, english))
    assert all(map(GEORGIAN.search, translated))


def test_no_text_belongs_to_a_code_that_is_gone() -> None:
    assert tomllib.loads(SOURCE.read_text(encoding="utf-8")).keys() == set(Reason)
    assert list(all_texts()) == list(Reason), "keep the texts in the order of the codes"


@every_reason
def test_both_languages_name_the_same_commands_and_settings(reason: Reason) -> None:
    text, translated = text_of(reason), georgian(text_of(reason))
    assert CODE.findall(text.fix) == CODE.findall(translated.fix)
    assert CODE.findall(text.cause) == CODE.findall(translated.cause)


@every_reason
def test_every_command_in_a_text_exists(reason: Reason) -> None:
    commands = [found for found in quoted(text_of(reason)) if found.startswith("davtari")]
    assert [command for command in commands if not COMMANDS.fullmatch(command)] == []


@every_reason
def test_every_setting_in_a_text_exists(reason: Reason) -> None:
    settings = [found for found in quoted(text_of(reason)) if "." in found and not found.startswith("davtari")]
    assert [key for key in settings if not exists(Settings, key.split("."))] == []


@every_reason
def test_what_does_not_resolve_by_itself_names_the_command_that_ends_it(reason: Reason) -> None:
    text = text_of(reason)
    ends = ("davtari dead-letters replay ID", "davtari dead-letters discard ID")
    assert text.resolves_by_itself or any(end in text.fix for end in ends)


def test_a_settings_key_that_does_not_exist_would_be_found() -> None:
    assert exists(Settings, ["shops", "SHOP", "orders", "vat-rates"])
    assert not exists(Settings, ["shops", "SHOP", "orders", "vat-rate"])


def test_no_text_is_written_twice_for_different_causes() -> None:
    causes = [text.cause for text in all_texts().values()]
    assert len(set(causes)) == len(causes)


def exists(hint: Any, steps: list[str]) -> bool:
    """Whether a settings key leads somewhere in the model of the settings."""
    if not steps:
        return True
    if get_origin(hint) in (dict, Mapping):
        return exists(get_args(hint)[1], steps[1:])
    fields = {info.alias: info.annotation for info in hint.model_fields.values()} if _is_model(hint) else {}
    return steps[0] in fields and exists(fields[steps[0]], steps[1:])


def _is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)
