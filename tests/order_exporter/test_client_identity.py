"""Who a Sale is booked on: companies and persons by a valid number, everybody else on the retail client."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.shop import Address
from services.accounting.documents.identity import Identity, identity_of
from services.order_exporter.client import client_document, number_remark
from services.settings.balance import ListTexts
from tests.support.exporting import COMPANY_ID, PERSONAL_ID, buyer, line, order

LISTS = ListTexts()


@pytest.mark.claim("I12")
@pytest.mark.parametrize(
    ("person", "identity"),
    [
        ({"personal_id": PERSONAL_ID}, Identity("person", PERSONAL_ID)),
        ({"personal_id": " 990-0101 2345 "}, Identity("person", PERSONAL_ID)),
        ({"company_id": COMPANY_ID}, Identity("company", COMPANY_ID)),
        ({"company_id": COMPANY_ID, "personal_id": PERSONAL_ID}, Identity("company", COMPANY_ID)),
        ({"company_id": PERSONAL_ID}, Identity("company", PERSONAL_ID)),
        ({"company_id": "123", "personal_id": PERSONAL_ID}, Identity("person", PERSONAL_ID)),
        ({"personal_id": COMPANY_ID}, None),
        ({"personal_id": "9900101234"}, None),
        ({"personal_id": "990010123456"}, None),
        ({"personal_id": "٩٩٠٠١٠١٢٣٤٥"}, None),
        ({"personal_id": "9900101234x"}, None),
        ({}, None),
    ],
)
def test_identity_is_a_valid_number_and_a_companys_goes_first(
    person: dict[str, Any], identity: Identity | None
) -> None:
    assert identity_of(buyer(**person)) == identity


def test_without_personal_data_there_is_no_identity() -> None:
    assert identity_of(None) is None
    assert number_remark(None) == ""


def test_only_a_number_that_cannot_be_one_is_remarked_upon() -> None:
    assert number_remark(buyer(personal_id="12")) == "the buyer's number is not valid: retail client"
    assert number_remark(buyer()) == number_remark(buyer(personal_id=PERSONAL_ID)) == ""


@pytest.mark.claim("K10")
def test_the_same_person_is_the_same_client_over_guest_and_account_and_shops() -> None:
    guest = identity_of(buyer(person_ref="p-1", personal_id=PERSONAL_ID))
    account = identity_of(buyer(person_ref="p-2", email="other@example.test", personal_id=f"{PERSONAL_ID} "))
    assert guest is not None
    assert account is not None
    assert guest.ref == account.ref


@pytest.mark.claim("S3.30", "S3.54")
def test_a_persons_client_carries_name_number_and_contacts() -> None:
    bought = order(line(1, "5.00"), person=buyer(personal_id=PERSONAL_ID), customer_id=7)
    identity = Identity("person", PERSONAL_ID)
    assert client_document(identity, bought, LISTS) == {
        "uid": identity.ref,
        "Name": "ნინო სატესტო",
        "FullName": "ნინო სატესტო",
        "ID": PERSONAL_ID,
        "LegalForm": "ფიზიკური პირი",
        "Phone": "+995599000001",
        "Email": "nino@example.test",
        "LegalAddress": "ნიმუშის ქ. 3, თბილისი, GE",
        "PhysicalAddress": "ნიმუშის ქ. 3, თბილისი, GE",
        "ExtCode": "woo-main-7",
    }


def test_a_companys_client_is_called_after_the_company() -> None:
    billing = Address(first_name="ნინო", last_name="სატესტო", company="შპს ნიმუში")
    bought = order(line(1, "5.00"), person=buyer(company_id=COMPANY_ID, billing=billing))
    written = client_document(Identity("company", COMPANY_ID), bought, LISTS)
    assert (written["Name"], written["LegalForm"]) == ("შპს ნიმუში", LISTS.company)


def test_a_client_without_a_name_is_called_by_its_number() -> None:
    bought = order(line(1, "5.00"), person=buyer(personal_id=PERSONAL_ID, billing=Address()))
    assert client_document(Identity("person", PERSONAL_ID), bought, LISTS)["Name"] == PERSONAL_ID


def test_a_long_name_is_cut_to_what_balance_holds() -> None:
    bought = order(line(1, "5.00"), person=buyer(billing=Address(first_name="ნ" * 200)))
    assert len(client_document(Identity("person", PERSONAL_ID), bought, LISTS)["Name"]) == 150
