"""Every text for people exists in every language, and the compiled catalogues are those of the sources."""

from __future__ import annotations

import tomllib
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

from contracts.reason_texts import all_texts
from tests.support.shared_broker import ROOT

CATALOGUES = sorted((ROOT / "services" / "locale").glob("*/LC_MESSAGES/davtari.po"))


def texts_in_code() -> set[str]:
    """What `make catalogues` collects."""
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["babel"]["mappings"]
    methods = [(mapping["pattern"], mapping["method"]) for mapping in mappings]
    found = extract_from_dir(ROOT, methods, keywords={"_": None}, directory_filter=is_source)
    return {text for _, _, text, _, _ in found if isinstance(text, str)}


def is_source(folder: str) -> bool:
    """The virtual environment and caches hold none."""
    return not Path(folder).name.startswith((".", "_"))


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_every_text_is_translated(path: Path) -> None:
    translated = {message.id for message in catalogue(path) if message.id and message.string}
    missing, obsolete = texts_in_code() - translated, translated - texts_in_code()
    assert missing == set(), "make catalogues, then translate them"
    assert obsolete == set(), "make catalogues takes them out"


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_translations_keep_the_placeholders(path: Path) -> None:
    for message in catalogue(path):
        names = {part.split("}")[0] for part in str(message.id).split("{")[1:]}
        assert {part.split("}")[0] for part in str(message.string).split("{")[1:]} == names, message.id


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_the_compiled_catalogue_is_that_of_its_source(path: Path) -> None:
    fresh = BytesIO()
    write_mo(fresh, catalogue(path))
    fresh.seek(0)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    assert {m.id: m.string for m in read_mo(fresh) if m.id} == {m.id: m.string for m in compiled if m.id}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_writing_a_catalogue_again_changes_nothing(path: Path) -> None:
    """Babel fills a header that is missing with a placeholder or with the current time."""
    again = BytesIO()
    write_po(again, catalogue(path), width=120)
    assert again.getvalue() == path.read_bytes()


def test_the_reason_codes_are_collected_too() -> None:
    assert {text.fix for text in all_texts().values()} <= texts_in_code()


def test_there_is_a_georgian_catalogue() -> None:
    assert [path.parts[-3] for path in CATALOGUES] == ["ka"]
