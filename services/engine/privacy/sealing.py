"""Encrypts the `person` of an event into `sealed`, and decrypts it again. Values without personal data are unchanged.

A sealed part is a JWE in compact form (RFC 7516), encrypted directly with the key (A256GCM). The cipher is that of
`cryptography`; only the five parts are assembled here, because every order passes through and a JOSE library takes
several times as long. The tests compare with such a library and with the vectors of RFC 7516 and of the GCM standard.

One key and one vector never encrypt two contents, which would reveal both. The initialization vector is not counted or
drawn, but a keyed hash (BLAKE2b, RFC 7693) of the whole event, its person included, as in a synthetic IV (RFC 5297):

- What is encrypted is part of what is hashed, so equal contents under one key give the same bytes, which reveals only
  that they are equal, and different contents give different vectors unless the 96 bits of their hashes collide. Among
  2^32 events of one person that happens with a probability of 2^-33 (n^2 / 2^97); nobody has that many, since each key
  belongs to one person at one service. Nothing is counted, so a restart, a restored database or a second process cannot
  repeat a vector. Whoever chooses contents cannot search for a collision without the key.
- The hashed form is JSON with sorted keys, in which two contents have the same bytes only if they are equal.
- A reader with the key computes the vector again from what it has read. A sealed part that was moved to another event
  of the same person decrypts there, and is refused because the vectors differ.

Keys from before this check have no `binds`; what they sealed is read without it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.json_text import to_json

KEY_BYTES = 32
UNNAMED = "unnamed"
"""The reference of a `person` without one: no personal data is published unsealed."""
_IV_BYTES, _TAG_BYTES = 12, 16
_METHOD = {"alg": "dir", "enc": "A256GCM"}
_PERSON_FIELD = b'"person":{'
_SEALED_FIELD, _UNSEALED_FIELD = b'"sealed"', b'"sealed":null'


class BrokenSeal(ValueError):
    """A sealed part is not one of our JWEs, was changed, or belongs to another person."""


@dataclass(frozen=True, slots=True)
class SealingKey:
    """The key of a person at one service. `ref` is the person's `person_ref`, `secret` is 32 bytes.

    `binds`: everything that was ever sealed with it is bound to its event.
    """

    kid: str
    ref: str
    secret: bytes = field(repr=False)
    binds: bool = False


def seal(person: Any, key: SealingKey, within: bytes) -> str:
    """Encrypt a personal part. Its header, which names key and person, is authenticated with it.

    `within` is the whole value: sealing the same value again gives the same bytes, so that an event which is published
    twice stays one event. Another value gets another IV, as A256GCM requires.
    """
    return encrypt(orjson.dumps(person), _header(key.kid, key.ref), _iv(within, key), key.secret)


def encrypt(text: bytes, header: bytes, iv: bytes, secret: bytes) -> str:
    """The compact form of a JWE without an encrypted key; `header` is encoded already (RFC 7516, section 5.1)."""
    encrypted = AESGCM(secret).encrypt(iv, text, header)
    parts = (iv, encrypted[:-_TAG_BYTES], encrypted[-_TAG_BYTES:])
    return b".".join((header, b"", *map(encode_base64url, parts))).decode()


def kid_of(token: str) -> str:
    """The id of the key that decrypts it. Raises `BrokenSeal`."""
    kid = _read_header(token.partition(".")[0]).get("kid")
    if not isinstance(kid, str):
        raise BrokenSeal("sealed names no key")
    return kid


def unseal(token: str, ref: str | None, key: SealingKey) -> Any:
    """Decrypt the personal part of a record with this `person_ref`. Raises `BrokenSeal`."""
    try:
        head, wrapped, iv, text, tag = token.split(".")
        encrypted = decode_base64url(text) + decode_base64url(tag)
        part = AESGCM(key.secret).decrypt(decode_base64url(iv), encrypted, head.encode())
    except (ValueError, InvalidTag) as error:
        raise BrokenSeal(f"sealed cannot be decrypted with the key {key.kid}: {type(error).__name__}") from None
    header = _read_header(head)
    if wrapped or not _METHOD.items() <= header.items():
        raise BrokenSeal(f"sealed is not encrypted with {_METHOD}")
    if not header.get("ref") == key.ref == ref:
        raise BrokenSeal(f"sealed belongs to another person than this record, by the key {key.kid}")
    return orjson.loads(part)


def person_content(value: bytes) -> dict[str, Any] | None:
    """The content of a value that is about to be published, if it contains personal data; otherwise None."""
    content = orjson.loads(value) if _PERSON_FIELD in value else {}
    return content if content.get("person") else None


def person_of(content: dict[str, Any]) -> str:
    """The reference of the person whose data it is."""
    return content.get("person_ref") or UNNAMED


def seal_value(content: dict[str, Any], key: SealingKey) -> bytes:
    """The value with its person sealed."""
    token = seal(content["person"], key, within=_bound(content, content["person"], key))
    return orjson.dumps({**content, "person_ref": key.ref, "person": None, "sealed": token})


def sealed_content(value: bytes | None) -> dict[str, Any] | None:
    """The content of a sealed value; None for any other, also for invalid JSON, which the decoder reports."""
    if value is None or _SEALED_FIELD not in value or _UNSEALED_FIELD in value:
        return None
    try:
        content = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return content if isinstance(content, dict) and isinstance(content.get("sealed"), str) else None


def open_value(content: dict[str, Any], key: SealingKey | None) -> bytes:
    """The value with its person decrypted; without a key (the person was forgotten), with none. Raises `BrokenSeal`."""
    person = unseal(content["sealed"], content.get("person_ref"), key) if key else None
    if key and key.binds and _iv_of(content["sealed"]) != _iv(_bound(content, person, key), key):
        raise BrokenSeal(f"sealed belongs to another event than this record, by the key {key.kid}")
    return to_json({**content, "person": person, "sealed": None})


def encode_base64url(raw: bytes) -> bytes:
    """Base64url without padding, as in JOSE."""
    return urlsafe_b64encode(raw).rstrip(b"=")


def decode_base64url(text: str) -> bytes:
    """The bytes of an unpadded base64url text. Raises `ValueError`."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _bound(content: dict[str, Any], person: Any, key: SealingKey) -> bytes:
    """What a sealed part is bound to: the content of its event in a form that does not depend on the order of keys."""
    rest = {name: part for name, part in content.items() if name != "sealed"}
    return to_json({**rest, "person": person, "person_ref": key.ref}, orjson.OPT_SORT_KEYS)


def _iv_of(token: str) -> bytes:
    return decode_base64url(token.split(".")[2])


def _iv(within: bytes, key: SealingKey) -> bytes:
    return blake2b(within, digest_size=_IV_BYTES, key=key.secret, person=b"davtari-seal-iv").digest()


@lru_cache(maxsize=1024)
def _header(kid: str, ref: str) -> bytes:
    return encode_base64url(orjson.dumps({**_METHOD, "kid": kid, "ref": ref}))


def _read_header(header: str) -> dict[str, Any]:
    try:
        found = orjson.loads(decode_base64url(header))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BrokenSeal("sealed is not a JWE")
    return found
