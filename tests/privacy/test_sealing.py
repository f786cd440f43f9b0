"""Sealed personal data opens only with the key of the person, in any JOSE library."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwe import JWERegistry, decrypt_compact, encrypt_compact
from joserfc.jwk import OctKey
from joserfc.registry import HeaderParameter

from contracts.envelope import value, wrap
from contracts.shop import OrderChanged
from services.engine.privacy.keys import Keys
from services.engine.privacy.sealing import (
    UNNAMED,
    BrokenSeal,
    SealingKey,
    encrypt,
    kid_of,
    open_value,
    person_content,
    person_of,
    seal,
    seal_value,
    sealed_content,
    unseal,
)
from tests.privacy.people import GIORGI, NINO, NOW, PRIVATE, made, nino, order

KEY = SealingKey("k1", NINO, bytes(range(32)))
EVENT = b'{"order_id":7}'
PERSON = {"person_ref": NINO, "email": "nino@example.ge", "comment": "მეორე სართული"}


def test_a_sealed_value_opens_with_its_key() -> None:
    token = seal(PERSON, KEY, EVENT)
    assert kid_of(token) == "k1"
    assert unseal(token, NINO, KEY) == PERSON


def test_only_a_repeated_event_has_the_same_bytes() -> None:
    token = seal(PERSON, KEY, EVENT)
    assert seal(PERSON, KEY, EVENT) == token
    others = [seal(PERSON, KEY, EVENT + b" "), seal(PERSON, replace(KEY, secret=bytes(32)), EVENT)]
    ivs = {one.split(".")[2] for one in (token, *others)}
    assert len(ivs) == 3


def test_a_comment_of_megabytes_is_sealed_too() -> None:
    long = {"comment": "x" * 2_000_000}
    assert unseal(seal(long, KEY, EVENT), NINO, KEY) == long


REGISTRY = JWERegistry({"ref": HeaderParameter("person_ref", "str")}, algorithms=["dir", "A256GCM"])


def test_a_jose_library_opens_our_token() -> None:
    token = decrypt_compact(seal(PERSON, KEY, EVENT), OctKey.import_key(KEY.secret), registry=REGISTRY)
    assert token.headers() == {"alg": "dir", "enc": "A256GCM", "kid": "k1", "ref": NINO}
    assert orjson.loads(token.plaintext or b"") == PERSON


def test_a_token_of_a_jose_library_opens() -> None:
    header = {"alg": "dir", "enc": "A256GCM", "kid": "k1", "ref": NINO}
    token = encrypt_compact(header, orjson.dumps(PERSON), OctKey.import_key(KEY.secret), registry=REGISTRY)
    assert unseal(token, NINO, KEY) == PERSON


def test_a_token_with_another_algorithm_does_not_open() -> None:
    header = {"alg": "A256GCMKW", "enc": "A256GCM", "kid": "k1", "ref": NINO}
    registry = JWERegistry({"ref": HeaderParameter("person_ref", "str")}, algorithms=["A256GCMKW", "A256GCM"])
    token = encrypt_compact(header, orjson.dumps(PERSON), OctKey.import_key(KEY.secret), registry=registry)
    with pytest.raises(BrokenSeal):
        unseal(token, NINO, KEY)


RFC_7516_A1 = {
    "text": b"The true sign of intelligence is not knowledge but imagination.",
    "header": b"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ",
    "iv": bytes.fromhex("e3c575fc02dbe944b4e14ddb"),
    "secret": bytes.fromhex("b1a1f480548fe1733fb403ff6b9ad4f68a076e5b702e22692f82cb2e7aea40fc"),
}
GCM_CASE_16 = {
    "text": bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    ),
    "header": bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
    "iv": bytes.fromhex("cafebabefacedbaddecaf888"),
    "secret": bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2),
}


def test_the_compact_form_is_that_of_the_example_in_rfc_7516() -> None:
    # appendix A.1, without its encrypted key, which `dir` does not have
    assert encrypt(**RFC_7516_A1).split(".") == [
        RFC_7516_A1["header"].decode(), "", "48V1_ALb6US04U3b",
        "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A",
        "XFBoMYUZodetZdvTiFvSkQ",
    ]  # fmt: skip


def test_the_cipher_passes_the_test_vector_of_its_standard() -> None:
    # McGrew and Viega, The Galois/Counter Mode of Operation, test case 16; its additional data is no header of a JWE
    encrypted = AESGCM(GCM_CASE_16["secret"]).encrypt(*(GCM_CASE_16[name] for name in ("iv", "text", "header")))
    text, tag = encrypted[:-16], encrypted[-16:]
    assert (text.hex(), tag.hex()) == (
        (
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        ),
        "76fc6ece0f4e1768cddf8853bb2d551b",
    )


SIMILAR = (
    {"order": 1, "person": {"email": "a@b.ge"}},
    {"order": "1", "person": {"email": "a@b.ge"}},
    {"order": 1, "person": {"email": "a@b.g"}},
    {"order": 1, "person": {"email": "a@b.ge", "phone": ""}},
    {"order": 1, "person": {"phone": "a@b.ge"}},
    {"order": 1, "person": "a@b.ge"},
    {"order": 1, "note": None, "person": {"email": "a@b.ge"}},
    {"order": 1, "email": "a@b.ge", "person": {}},
    {"order": 1, "person": ["email", "a@b.ge"]},
    {"order": 1, "person": {"email": "a@b.ge "}},
)


def test_the_same_key_and_vector_never_encrypt_different_contents() -> None:
    sealed = [seal_value(dict(content), KEY) for content in SIMILAR]
    vectors = [orjson.loads(each)["sealed"].split(".")[2] for each in sealed]
    assert len(set(vectors)) == len(SIMILAR)
    reordered = {"person": {"email": "a@b.ge"}, "order": 1}
    assert orjson.loads(seal_value(reordered, KEY))["sealed"] == orjson.loads(sealed[0])["sealed"]
    other = replace(KEY, secret=bytes(32))
    assert orjson.loads(seal_value(dict(SIMILAR[0]), other))["sealed"].split(".")[2] != vectors[0]


def decode_part(part: str) -> bytes:
    """Decode a part of a compact token by the standard."""
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def with_flipped_bit(token: str, place: int) -> str:
    """The token with one bit of a part flipped."""
    parts = token.split(".")
    raw = bytearray(decode_part(parts[place]))
    raw[0] ^= 1
    parts[place] = urlsafe_b64encode(raw).decode().rstrip("=")
    return ".".join(parts)


@pytest.mark.parametrize("place", [2, 3, 4], ids=["initialization vector", "text", "tag"])
def test_a_changed_token_does_not_open(place: int) -> None:
    with pytest.raises(BrokenSeal, match="k1"):
        unseal(with_flipped_bit(seal(PERSON, KEY, EVENT), place), NINO, KEY)


def test_a_token_whose_header_names_another_person_does_not_open() -> None:
    parts = seal(PERSON, KEY, EVENT).split(".")
    parts[0] = seal(PERSON, replace(KEY, ref=GIORGI), EVENT).split(".")[0]
    with pytest.raises(BrokenSeal):
        unseal(".".join(parts), GIORGI, replace(KEY, ref=GIORGI))


def test_a_token_does_not_open_in_a_record_of_another_person() -> None:
    with pytest.raises(BrokenSeal, match="another person"):
        unseal(seal(PERSON, KEY, EVENT), GIORGI, KEY)


def test_a_token_does_not_open_with_another_key() -> None:
    with pytest.raises(BrokenSeal):
        unseal(seal(PERSON, KEY, EVENT), NINO, replace(KEY, secret=bytes(32)))


@pytest.mark.parametrize("token", ["", "a.b", "bm8.x.y.z.t", "W10.a.b.c.d", "e30.a.b.c.d", "eyJraWQiOjd9.a.b.c.d"])
def test_an_invalid_token_is_reported(token: str) -> None:
    with pytest.raises(BrokenSeal):
        kid_of(token)
    with pytest.raises(BrokenSeal):
        unseal(token, NINO, KEY)


def event_value(event: OrderChanged) -> bytes:
    """The value of an event as it is published."""
    return value(wrap(event, version=1, source="store-feed", time=NOW))


def test_a_sealed_value_contains_no_personal_data_and_opens_unchanged() -> None:
    key = made(Keys())
    content = person_content(event_value(order()))
    assert content and person_of(content) == NINO
    on_the_wire = seal_value(content, key)
    assert [text for text in PRIVATE if text.encode() in on_the_wire] == []
    assert OrderChanged.model_validate_json(on_the_wire).person is None
    again = sealed_content(on_the_wire)
    assert again
    assert OrderChanged.model_validate_json(open_value(again, key)) == order()


def test_without_a_key_only_the_personal_data_is_lost() -> None:
    content = person_content(event_value(order()))
    assert content
    again = sealed_content(seal_value(content, made(Keys())))
    assert again
    assert OrderChanged.model_validate_json(open_value(again, None)) == order().model_copy(update={"person": None})


def _sealed(key: SealingKey, event: OrderChanged) -> dict[str, Any]:
    content = person_content(event_value(event))
    assert content
    found: dict[str, Any] = orjson.loads(seal_value(content, key))
    return found


def test_a_sealed_part_moved_to_another_event_is_refused() -> None:
    key = made(Keys())
    here, there = _sealed(key, order()), _sealed(key, order().model_copy(update={"order_id": 8}))
    assert open_value(here, key) and open_value(there, key)
    for record, token in ((here, there["sealed"]), (there, here["sealed"])):
        with pytest.raises(BrokenSeal, match="another event"):
            open_value(record | {"sealed": token}, key)
    with pytest.raises(BrokenSeal, match="another event"):
        open_value(here | {"status": "refunded"}, key)


def test_the_order_of_keys_does_not_matter_to_a_seal() -> None:
    key = made(Keys())
    content = _sealed(key, order())
    assert orjson.loads(open_value(dict(reversed(content.items())), key)) == orjson.loads(open_value(content, key))


def test_values_sealed_before_the_binding_are_still_readable() -> None:
    key = replace(made(Keys()), binds=False)
    moved = _sealed(key, order()) | {"order_id": 8}
    assert orjson.loads(open_value(moved, key))["person"]


UNSEALED = [None, b"", b"{", b"[]", b'"sealed"', b'{"sealed":7}', b'["sealed"]', b'\xff"sealed"', event_value(order())]


@pytest.mark.parametrize("read", UNSEALED)
def test_an_unsealed_value_is_not_changed(read: bytes | None) -> None:
    assert sealed_content(read) is None


def test_a_value_without_personal_data_is_not_sealed() -> None:
    assert person_content(event_value(order().model_copy(update={"person": None}))) is None
    assert person_content(b'{"payload":{"person":{}},"person":null}') is None


def test_a_person_without_a_reference_is_sealed_too() -> None:
    content = {"person_ref": None, "person": {"email": "nino@example.ge"}}
    key = made(Keys(), person_of(content))
    again = sealed_content(seal_value(content, key))
    assert again and person_of(content) == UNNAMED
    assert orjson.loads(open_value(again, key))["person"] == content["person"]
    assert nino().email.encode() not in seal_value(content, key)


@pytest.mark.claim("S2.16", "I7")
def test_the_sample_code_for_subscribers_opens_a_token() -> None:
    page = (Path(__file__).parents[2] / "contracts" / "README.md").read_text(encoding="utf-8")
    (lines,) = [
        block for block in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL) if "person_of" in block
    ]
    program: dict[str, Any] = {}
    exec(lines, program)
    keys = Keys()
    created = keys.create(NINO, "store-feed", NOW)
    keys.apply(created)
    content, key = person_content(event_value(order())), keys.current(NINO, "store-feed")
    assert content and key
    on_the_wire = orjson.loads(seal_value(content, key))
    assert program["person_of"](on_the_wire, {created.data.kid: created.data.key_base64url}) == content["person"]
    assert program["person_of"](on_the_wire, {}) is None
    assert program["person_of"](content, {}) == content["person"]
    with pytest.raises(AssertionError):
        program["person_of"](on_the_wire | {"person_ref": GIORGI}, {created.data.kid: created.data.key_base64url})
