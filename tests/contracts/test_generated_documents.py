"""The committed documents are those that the events make, and a breaking change is never written in passing."""

from __future__ import annotations

import json
from inspect import cleandoc
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contracts.generate import ASYNCAPI, HERE, SCHEMAS, broken, documents, main, stale, write
from contracts.json_schema import DECIMAL, DIALECT, released_name, schema_of
from contracts.registry import BY_TYPE, EVENTS
from contracts.shop import OrderChanged

DOCUMENTS = documents()
ORDER = SCHEMAS / "OrderChanged.v1.json"


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A folder as `contracts/` is after a release."""
    write(DOCUMENTS, tmp_path)
    return tmp_path


def edit(root: Path, path: Path, change: str, to: str) -> None:
    """Change the text of a document."""
    text = (root / path).read_text(encoding="utf-8")
    assert change in text
    (root / path).write_text(text.replace(change, to, 1), encoding="utf-8")


def drop_field(root: Path, path: Path, field: str) -> None:
    """Leave a field out of a schema: as it was before an event gained it."""
    schema = json.loads((root / path).read_text(encoding="utf-8"))
    del schema["properties"][field]
    (root / path).write_text(json.dumps(schema), encoding="utf-8")


def test_no_released_schema_is_broken() -> None:
    assert broken(DOCUMENTS) == [], "a breaking change needs a new version beside the released one"


def test_the_committed_documents_are_those_that_the_events_make() -> None:
    assert stale(DOCUMENTS) == [], "run `python -m contracts.generate`"


def test_the_same_events_make_the_same_documents() -> None:
    assert documents() == DOCUMENTS


def test_every_event_has_its_schema_file_and_no_other_lies_there() -> None:
    names = {f"{released_name(type_)}.json" for type_ in BY_TYPE}
    assert {path.name for path in (HERE / SCHEMAS).glob("*.json")} == names


@pytest.mark.parametrize("event", EVENTS, ids=[event.__name__ for event in EVENTS])
def test_a_schema_is_valid_named_and_explained(event: Any) -> None:
    schema = schema_of(event)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT
    assert schema["$id"] == f"urn:davtari:schema:{event.TYPE.removeprefix('davtari.')}"
    assert schema["title"] == event.__name__
    assert schema["description"] == cleandoc(event.__doc__)
    assert schema["x-topic"] == event.TOPIC


def test_amounts_are_described_as_decimal_strings() -> None:
    total = schema_of(OrderChanged)["properties"]["total"]
    assert (total["type"], total["pattern"]) == ("string", DECIMAL)
    assert "decimal number as a string" in total["description"]


def test_no_event_holds_a_floating_number() -> None:
    assert [path for path, text in DOCUMENTS.items() if '"type": "number"' in text] == []


def test_a_fresh_folder_is_filled_and_then_nothing_is_stale(tmp_path: Path) -> None:
    assert main([], tmp_path) == 0
    assert stale(DOCUMENTS, tmp_path) == []


def test_check_names_what_is_stale_and_writes_nothing(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(released, ASYNCAPI, "Davtari", "Another")
    (released / ORDER).unlink()

    assert main(["--check"], released) == 1

    output = capsys.readouterr().out
    assert f"contracts.generate`: {ASYNCAPI}" in output
    assert f"contracts.generate`: {ORDER}" in output
    assert not (released / ORDER).exists()


def test_check_is_content_with_fresh_documents(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], released) == 0
    assert capsys.readouterr().out == ""


def test_a_new_optional_field_is_written(released: Path) -> None:
    drop_field(released, ORDER, "coupon_codes")
    assert main([], released) == 0
    assert stale(DOCUMENTS, released) == []


def test_a_breaking_change_is_named_and_not_written(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(released, ORDER, '"prices_include_tax"', '"prices_with_tax"')
    before = (released / ORDER).read_text(encoding="utf-8")

    assert main([], released) == 1

    assert "OrderChanged.v1 $.prices_with_tax: removed field" in capsys.readouterr().out
    assert (released / ORDER).read_text(encoding="utf-8") == before


def test_check_names_a_breaking_change_too(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drop_field(released, ORDER, "total")
    assert main(["--check"], released) == 1
    assert "OrderChanged.v1 $.total: new required field" in capsys.readouterr().out


def test_what_no_release_holds_may_be_broken_when_asked(released: Path) -> None:
    drop_field(released, ORDER, "total")
    assert main(["--unreleased"], released) == 0
    assert stale(DOCUMENTS, released) == []


def test_an_event_that_is_gone_breaks_whoever_reads_the_log(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (released / SCHEMAS / "OrderPainted.v1.json").write_text("{}", encoding="utf-8")
    assert main(["--check"], released) == 1
    assert "OrderPainted.v1 $: the event is gone" in capsys.readouterr().out


def test_schemas_of_an_older_release_can_be_compared(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--compare", str(released / SCHEMAS)]) == 0
    edit(released, ORDER, '"exclusiveMinimum": 0', '"exclusiveMinimum": 9')
    assert main(["--compare", str(released / SCHEMAS)]) == 1
    assert "$.order_id: changed exclusiveMinimum: 9 → 0" in capsys.readouterr().out
