"""The personal part of a stored value: `person` beside the reference of the forgotten person."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import orjson
import pytest

from services.engine.privacy.stripping import without_person

pytestmark = pytest.mark.claim("S2.16")
NINO: dict[str, Any] = {"person_ref": "p-1", "person": {"person_ref": "p-1", "email": "nino@example.test"}}
NOBODY: dict[str, Any] = {"person_ref": "p-1", "person": None}
OTHER: dict[str, Any] = {"person_ref": "p-2", "person": {"person_ref": "p-2", "email": "gia@example.test"}}
SEALED: dict[str, Any] = {"person_ref": "p-1", "person": None, "sealed": "eyJ…"}


@pytest.mark.parametrize(
    ("held", "left", "copies"),
    [
        ({"total": "12.00", **NINO}, {"total": "12.00", **NOBODY}, ("person",)),
        (SEALED, {**NOBODY, "sealed": None}, ("sealed",)),
        ({**NINO, "sealed": "eyJ…"}, {**NOBODY, "sealed": None}, ("person",)),
        (NOBODY, NOBODY, ()),
        (OTHER, OTHER, ()),
        ({"dead_letter": NINO, "state": "open"}, {"dead_letter": NOBODY, "state": "open"}, ("person",)),
        ([NINO, OTHER, SEALED], [NOBODY, OTHER, {**NOBODY, "sealed": None}], ("person", "sealed")),
        ({"payload": {"person": NINO["person"]}}, {"payload": {"person": None}}, ("person",)),
        ({"client": "c-1", "person_ref": "p-1"}, {"client": "c-1", "person_ref": "p-1"}, ()),
    ],
)  # fmt: skip
def test_only_the_forgotten_person_is_removed(held: Any, left: Any, copies: tuple[str, ...]) -> None:
    assert without_person(held, "p-1") == (left, copies)


def kafka(value: bytes | None) -> dict[str, Any]:
    """A record as a dead letter stores it."""
    text = None if value is None else b64encode(value).decode()
    return {"topic": "davtari.shop.orders", "partition": 0, "offset": 7, "key": "bWFpbg==", "value": text}


def test_only_the_person_is_removed_from_the_bytes_in_a_dead_letter() -> None:
    content, copies = without_person({"record": kafka(orjson.dumps({"total": "1", **NINO}))}, "p-1")

    assert orjson.loads(b64decode(content["record"]["value"])) == {"total": "1", **NOBODY}
    assert (content["record"]["offset"], copies) == (7, ("person",))


@pytest.mark.parametrize(
    ("value", "left", "copies"),
    [
        (b'{"broken": "p-1", "email": "nino@', None, ("person",)),
        (b'{"broken": "p-2"', b'{"broken": "p-2"', ()),
        (orjson.dumps(OTHER), orjson.dumps(OTHER), ()),
        (b'{"person_ref": "p-1", "note": ' + b"[" * 900 + b"]" * 900 + b"}", None, ("person",)),
        (None, None, ()),
    ],
)
def test_unreadable_bytes_that_contain_the_person_are_removed_completely(
    value: bytes | None, left: bytes | None, copies: tuple[str, ...]
) -> None:
    assert without_person(kafka(value), "p-1") == (kafka(left), copies)


@pytest.mark.parametrize("text", ["x", "é", "="])
def test_what_only_looks_like_a_record_stops_nothing(text: str) -> None:
    odd = {"partition": 0, "offset": 7, "value": text}
    assert without_person([odd, NINO], "p-1") == ([odd, NOBODY], ("person",))
