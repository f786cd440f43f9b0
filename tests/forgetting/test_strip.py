"""Which part of a remembered thing is personal: `person` beside the reference of the one who is forgotten."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import orjson
import pytest

from services.engine.privacy.forgetting import without_person

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
        ({"letter": NINO, "state": "open"}, {"letter": NOBODY, "state": "open"}, ("person",)),
        ([NINO, OTHER, SEALED], [NOBODY, OTHER, {**NOBODY, "sealed": None}], ("person", "sealed")),
        ({"payload": {"person": NINO["person"]}}, {"payload": {"person": None}}, ("person",)),
        ({"client": "c-1", "person_ref": "p-1"}, {"client": "c-1", "person_ref": "p-1"}, ()),
    ],
)  # fmt: skip
def test_only_the_person_who_is_forgotten_goes(held: Any, left: Any, copies: tuple[str, ...]) -> None:
    assert without_person(held, "p-1") == (left, copies)


def kafka(value: bytes | None) -> dict[str, Any]:
    """A record as a dead letter holds it."""
    text = None if value is None else b64encode(value).decode()
    return {"topic": "davtari.shop.orders", "partition": 0, "offset": 7, "key": "bWFpbg==", "value": text}


def test_a_record_in_a_dead_letter_loses_the_person_in_its_bytes_and_nothing_else() -> None:
    content, copies = without_person({"record": kafka(orjson.dumps({"total": "1", **NINO}))}, "p-1")

    assert orjson.loads(b64decode(content["record"]["value"])) == {"total": "1", **NOBODY}
    assert (content["record"]["offset"], copies) == (7, ("person",))


@pytest.mark.parametrize(
    ("value", "left", "copies"),
    [
        (b'{"broken": "p-1", "email": "nino@', None, ("person",)),
        (b'{"broken": "p-2"', b'{"broken": "p-2"', ()),
        (orjson.dumps(OTHER), orjson.dumps(OTHER), ()),
        (None, None, ()),
    ],
)
def test_bytes_that_nobody_can_read_go_whole_if_they_name_the_person(
    value: bytes | None, left: bytes | None, copies: tuple[str, ...]
) -> None:
    assert without_person(kafka(value), "p-1") == (kafka(left), copies)
