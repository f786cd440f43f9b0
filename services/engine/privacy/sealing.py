"""A personal part, sealed and opened: a JWE in compact form (RFC 7516), encrypted with the key itself (A256GCM).

The five parts are put together here, since every order passes through and a JOSE library takes several times as long;
the tests hold it against one.
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

KEY_BYTES = 32
_IV_BYTES, _TAG_BYTES = 12, 16
_METHOD = {"alg": "dir", "enc": "A256GCM"}


class BrokenSeal(ValueError):
    """What is sealed is no JWE of ours, was changed, or belongs to somebody else."""


@dataclass(frozen=True, slots=True)
class PersonKey:
    """The key of a person at one service. `ref` is the `person_ref` that it stands for, `secret` is 32 bytes."""

    kid: str
    ref: str
    secret: bytes = field(repr=False)


def seal(person: Any, key: PersonKey, within: bytes) -> str:
    """The part, sealed. The header, which tells key and person, is authenticated with it.

    `within` is the whole that the part stands in: the same sealed again is the same to the byte, so that an event which
    is published twice stays one event. Another whole has another IV, as A256GCM demands.
    """
    header, iv = _header(key.kid, key.ref), _iv(within, key)
    made = AESGCM(key.secret).encrypt(iv, orjson.dumps(person), header)
    parts = (header, b"", encoded(iv), encoded(made[:-_TAG_BYTES]), encoded(made[-_TAG_BYTES:]))
    return b".".join(parts).decode()


def kid_of(sealed: str) -> str:
    """The id of the key that opens it. Raises `BrokenSeal`."""
    kid = _read(sealed.partition(".")[0]).get("kid")
    if not isinstance(kid, str):
        raise BrokenSeal("sealed names no key")
    return kid


def unseal(sealed: str, ref: str | None, key: PersonKey) -> Any:
    """The part, opened for the record of this `person_ref`. Raises `BrokenSeal`."""
    try:
        head, wrapped, iv, text, tag = sealed.split(".")
        part = AESGCM(key.secret).decrypt(decoded(iv), decoded(text) + decoded(tag), head.encode())
    except (ValueError, InvalidTag) as error:
        raise BrokenSeal(f"sealed does not open with the key {key.kid}: {type(error).__name__}") from None
    header = _read(head)
    if wrapped or not _METHOD.items() <= header.items():
        raise BrokenSeal(f"sealed is encrypted in another way than {_METHOD}")
    if not header.get("ref") == key.ref == ref:
        raise BrokenSeal(f"sealed is of another person than this record, by the key {key.kid}")
    return orjson.loads(part)


def _iv(within: bytes, key: PersonKey) -> bytes:
    return blake2b(within, digest_size=_IV_BYTES, key=key.secret, person=b"davtari-seal-iv").digest()


@lru_cache(maxsize=1024)
def _header(kid: str, ref: str) -> bytes:
    return encoded(orjson.dumps({**_METHOD, "kid": kid, "ref": ref}))


def _read(header: str) -> dict[str, Any]:
    try:
        found = orjson.loads(decoded(header))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BrokenSeal("sealed is no JWE")
    return found


def encoded(raw: bytes) -> bytes:
    """Base64url without padding, as JOSE writes it."""
    return urlsafe_b64encode(raw).rstrip(b"=")


def decoded(text: str) -> bytes:
    """The bytes out of it. Raises `ValueError`."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


# The value of a record with its person sealed, and opened again; whatever names nobody stays as it is.

UNNAMED = "unnamed"
"""Stands for whoever is in a `person` without a reference: nothing personal leaves unsealed."""
_CLEAR = b'"person":{'
_SEALED, _OPEN = b'"sealed"', b'"sealed":null'


def in_clear(value: bytes) -> dict[str, Any] | None:
    """The content of a value that we are about to write, if it tells something of a person; else None."""
    content = orjson.loads(value) if _CLEAR in value else {}
    return content if content.get("person") else None


def whose(content: dict[str, Any]) -> str:
    """Whose data it is."""
    return content.get("person_ref") or UNNAMED


def sealed(content: dict[str, Any], key: PersonKey) -> bytes:
    """The value with its person sealed."""
    token = seal(content["person"], key, within=orjson.dumps(content))
    return orjson.dumps({**content, "person_ref": key.ref, "person": None, "sealed": token})


def under_seal(value: bytes | None) -> dict[str, Any] | None:
    """The content of a value that is sealed; None for any other (what is no JSON is told of by whoever decodes it)."""
    if value is None or _SEALED not in value or _OPEN in value:
        return None
    try:
        content = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return content if isinstance(content, dict) and isinstance(content.get("sealed"), str) else None


def opened(content: dict[str, Any], key: PersonKey | None) -> bytes:
    """The value with its person opened; without a key the person was forgotten. Raises `BrokenSeal`."""
    person = unseal(content["sealed"], content.get("person_ref"), key) if key else None
    return orjson.dumps({**content, "person": person, "sealed": None})
