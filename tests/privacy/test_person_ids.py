"""Ids and digests of people: keyed with the installation's secret, so nobody else can confirm a guess."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from uuid import RFC_4122, UUID

import pytest
from typer.testing import CliRunner

from contracts.json_text import digest_of
from services.accounting.documents.ids import client_uid, contact_ref, former_client_uid
from services.cli.app import app
from services.connectors.woocommerce.customers import (
    account_ref,
    former_person_ref,
    order_ref,
    person_ref,
)
from services.connectors.woocommerce.order import order_changed
from services.connectors.woocommerce.order_json import OrderJson
from services.engine.outbox.dead_letters import dead_letter_digest
from services.engine.person_ids import SecretNotLoaded, person_id, personal_digest, use_secret
from services.settings.base import SecretMissing
from services.settings.model import PrivacySettings
from tests.support.secret import SECRET

pytestmark = pytest.mark.claim("K35")
NUMBER, PHONE, EMAIL = "01001000001", "+995599000001", "nino@example.test"
ORDER = {
    "id": 1042, "number": "1042", "status": "processing", "currency": "GEL", "total": "0.00", "total_tax": "0.00",
    "prices_include_tax": True, "date_created_gmt": "2026-03-02T08:00:00", "date_modified_gmt": "2026-03-02T08:00:00",
    "billing": {"email": EMAIL, "phone": PHONE}, "line_items": [], "customer_id": 0,
}  # fmt: skip


def guest(**billing: str) -> OrderJson:
    return OrderJson.model_validate(ORDER | {"billing": billing})


IDS: dict[str, Callable[[], str]] = {
    "client by number": lambda: client_uid(NUMBER),
    "client by contacts": lambda: contact_ref({"phone": PHONE, "email": EMAIL}),
    "owner of an account": lambda: account_ref("main", 7),
    "guest by e-mail": lambda: person_ref("main", guest(email=EMAIL), None),
    "guest by phone": lambda: person_ref("main", guest(phone=PHONE), None),
    "guest by number": lambda: person_ref("main", guest(), NUMBER),
    "order without a person": lambda: order_ref("main", 1042),
    "digest of an order": lambda: personal_digest(ORDER),
    "digest of a dead letter": lambda: dead_letter_digest({"person": {"ID": NUMBER}}, None),
}


@pytest.mark.parametrize("made", IDS.values(), ids=IDS.keys())
def test_an_id_is_the_same_with_the_same_secret_and_another_one_with_another(made: Callable[[], str]) -> None:
    first = made()
    assert made() == first
    use_secret(lambda: SECRET + "!")
    assert made() != first


def test_an_id_is_an_hmac_in_the_form_of_a_uuid() -> None:
    message = json.dumps(["davtari-id", ["client", NUMBER]], separators=(",", ":")).encode()
    expected = hmac.digest(SECRET.encode(), message, hashlib.sha256).hex()
    found = UUID(client_uid(NUMBER))
    assert (found.version, found.variant) == (8, RFC_4122)
    assert (found.hex[:12], found.hex[13:16], found.hex[17:]) == (expected[:12], expected[13:16], expected[17:32])


def test_the_digest_is_not_the_one_that_everybody_can_compute() -> None:
    assert personal_digest(ORDER) not in (digest_of(ORDER), hashlib.sha256(json.dumps(ORDER).encode()).hexdigest())
    assert personal_digest({"a": 1, "b": 2}) == personal_digest({"b": 2, "a": 1})


def test_parts_of_an_id_cannot_be_confused() -> None:
    assert person_id("person", "a", "b:c") != person_id("person", "a:b", "c")
    assert person_id("contact", "email=x") != person_id("client", "email=x")


def test_without_a_secret_no_id_is_made() -> None:
    def missing() -> str:
        raise SecretNotLoaded("nothing")

    use_secret(missing)
    with pytest.raises(SecretNotLoaded):
        client_uid(NUMBER)


def test_the_ids_of_earlier_versions_are_still_known() -> None:
    assert former_client_uid("99001012345") == "ce1bab2f-c576-5fa2-a3b3-aeb532212e0a"
    assert former_person_ref(order_changed("main", ORDER)) == "01b6c3d5-c61c-52e4-9654-61ac5c3ed595"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "privacy.secret-file is not set; write random characters into secrets/privacy"),
        ("too short\n", "has 9 characters; write random characters"),
        ("", "is empty"),
    ],
)
def test_settings_without_a_usable_secret_say_what_to_do(content: str | None, says: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "privacy").write_text(content, encoding="utf-8")
    settings = PrivacySettings(secret_file=None if content is None else tmp_path / "privacy")
    with pytest.raises(SecretMissing, match=says.replace("(", r"\(")):
        settings.secret()


SETTINGS = """
[balance]
application-id = "1234"
user-name = "davtari"
password-file = "none"
[shops.main]
url = "https://shop.example"
key-file = "none"
secret-file = "none"
"""


@pytest.mark.parametrize("arguments", [("up",), ("run", "store-feed")], ids=lambda given: given[0])
def test_services_refuse_to_start_without_the_secret(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "davtari.toml").write_text(SETTINGS, encoding="utf-8")
    done = CliRunner().invoke(app, ["--settings", str(tmp_path / "davtari.toml"), *arguments])
    assert (done.exit_code, "privacy.secret-file is not set" in done.output) == (2, True)
    assert not (tmp_path / "var").exists()
