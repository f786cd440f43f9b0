"""Personal data of customers is in `person` and nowhere else, so that it can be encrypted or erased separately."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contracts.json_schema import schema_of
from contracts.model import Event
from contracts.registry import EVENTS
from contracts.sample import Sample, samples

PERSON = "person"

NAMES_OF_PEOPLE = {"first_name", "last_name", "middle_name", "company", "customer_name", "client_name"}
ADDRESSES = {
    *("billing", "shipping", "address", "address_1", "address_2", "street", "city", "state", "postcode", "country"),
    *("ip_address", "location", "user_agent"),
}
REACHED_BY = {"email", "e_mail", "phone", "mobile", "fax"}
IDENTITIES = {"personal_id", "personal_number", "company_id", "tax_id", "passport", "birth_date", "iban"}
FREE_WORDS = {"comment", "comments", "customer_note", "note", "message", "text"}
FORBIDDEN = NAMES_OF_PEOPLE | ADDRESSES | REACHED_BY | IDENTITIES | FREE_WORDS

OPEN_MAPS = {
    "SaleRecorded.sent": "the Sale as it was put; a client is a Balance uid there",
    "SalePlanned.sent": "the Sale as it would be put",
    "CreditNoteRecorded.sent": "the credit note as it was put",
    "CreditNotePlanned.sent": "the credit note as it would be put",
    "PaymentRecorded.sent": "the receipt as it was put",
    "PaymentPlanned.sent": "the receipt as it would be put",
    "SalesOrderRecorded.sent": "the sales order as it was put, a client as in a Sale",
    "SalesOrderPlanned.sent": "the sales order as it would be put",
    "SaleRecorded.parts.sent": "a part of a Sale as it was put",
    "SalePlanned.parts.sent": "a part of a Sale as it would be put",
    "CreditNoteRecorded.parts.sent": "a part of a credit note as it was put",
    "CreditNotePlanned.parts.sent": "a part of a credit note as it would be put",
    "ReturnPlanned.sent": "the credit note of a return request as it would be put",
    "ReturnPlanned.parts.sent": "a part of it",
    "CommandSettled.figures": "counts",
    "EditRequested.payload": "a refused delivery as an operator has put it right, without its person",
    "DeadLettered.delivery.payload": "the refused delivery without its person; the topic is for operators only",
}
"""Every place whose keys a schema does not name, and why it may be so."""


def fields(event: type[Event]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of an event's schema with its path, however deep, lists and alternatives included."""
    root = schema_of(event)
    yield from _below(root, root, event.__name__)


def _below(root: dict[str, Any], node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if "$ref" in node:
        node = root["$defs"][node["$ref"].rsplit("/", 1)[1]]
    for name, inner in node.get("properties", {}).items():
        yield f"{path}.{name}", inner
        yield from _below(root, inner, f"{path}.{name}")
    for inner in (*node.get("anyOf", ()), *node.get("prefixItems", ()), node.get("items")):
        if isinstance(inner, dict):
            yield from _below(root, inner, path)


ALL_FIELDS = [(path, schema) for event in EVENTS for path, schema in fields(event)]


def test_the_walk_sees_the_fields_inside_of_lists_and_alternatives() -> None:
    paths = {path for path, _ in ALL_FIELDS}
    assert {"OrderChanged.person.billing.city", "OrderChanged.lines.taxes.total", "DeadLettered.record.value"} <= paths


def test_fields_with_personal_data_are_only_in_person() -> None:
    outside = [path for path, _ in ALL_FIELDS if PERSON not in path.split(".")]
    assert [path for path in outside if path.rsplit(".", 1)[1] in FORBIDDEN] == []


def test_person_is_optional_everywhere_and_so_can_be_forgotten() -> None:
    holders = [schema_of(event) for event in EVENTS if PERSON in schema_of(event)["properties"]]
    assert len(holders) == 6
    assert [schema["title"] for schema in holders if PERSON in schema["required"]] == []


def test_whoever_is_in_person_has_a_reference_outside_of_it() -> None:
    holders = [schema_of(event) for event in EVENTS if PERSON in schema_of(event)["properties"]]
    assert [schema["title"] for schema in holders if "person_ref" not in schema["properties"]] == []


def test_every_open_map_is_known() -> None:
    found = {path for path, schema in ALL_FIELDS if "additionalProperties" in schema}
    assert found == OPEN_MAPS.keys(), "an open map can hide personal data: say here why it does not"


def texts(found: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(found, dict | list):
        for inner in found.values() if isinstance(found, dict) else found:
            yield from texts(inner)
    elif isinstance(found, str):
        yield found


WITH_PEOPLE = [sample for sample in samples() if sample.value.get(PERSON)]


@pytest.mark.parametrize("sample", WITH_PEOPLE, ids=[sample.name for sample in WITH_PEOPLE])
def test_what_a_sample_says_of_a_person_it_says_nowhere_else(sample: Sample) -> None:
    person = sample.value[PERSON]
    private = {text for text in texts(person) if len(text) > 3 and text != person["person_ref"]}
    elsewhere = [text for name, part in sample.value.items() if name != PERSON for text in texts(part)]
    assert private
    assert [text for text in [*elsewhere, *sample.headers.values()] if any(part in text for part in private)] == []


def test_the_ledger_never_names_a_person_of_the_samples() -> None:
    private = {text for sample in WITH_PEOPLE for text in texts(sample.value[PERSON]) if len(text) > 3}
    references = {sample.value["person_ref"] for sample in WITH_PEOPLE}
    ledger = [sample for sample in samples() if sample.topic == "ledger.documents"]
    assert ledger
    assert [sample.name for sample in ledger if set(texts(sample.value)) & (private - references)] == []
