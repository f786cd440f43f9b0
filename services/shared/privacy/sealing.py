"""A personal part, sealed and opened: a JWE in compact form (RFC 7516), encrypted with the key itself (A256GCM)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry, decrypt_compact, encrypt_compact
from joserfc.jwk import OctKey
from joserfc.registry import HeaderParameter
from joserfc.util import urlsafe_b64decode

KEY_BYTES = 32


class BrokenSeal(ValueError):
    """What is sealed is no JWE of ours, was changed, or belongs to somebody else."""


@dataclass(frozen=True, slots=True)
class PersonKey:
    """The key of a person at one service. `ref` is the `person_ref` that it stands for, `secret` is 32 bytes."""

    kid: str
    ref: str
    secret: bytes = field(repr=False)


class _Registry(JWERegistry):
    """A comment of a buyer may be long: as long as a record may be."""

    max_ciphertext_length = 16 * 1024 * 1024


_REGISTRY = _Registry(
    header_registry={"ref": HeaderParameter("The person_ref that is meant", "str")}, algorithms=["dir", "A256GCM"]
)


def seal(person: Any, key: PersonKey) -> str:
    """The part, sealed. The header, which tells key and person, is authenticated with it."""
    header = {"alg": "dir", "enc": "A256GCM", "kid": key.kid, "ref": key.ref}
    return encrypt_compact(header, orjson.dumps(person), _jwk(key.secret), registry=_REGISTRY)


def kid_of(sealed: str) -> str:
    """The id of the key that opens it. Raises `BrokenSeal`."""
    try:
        kid = orjson.loads(urlsafe_b64decode(sealed.partition(".")[0].encode()))["kid"]
    except (ValueError, LookupError, TypeError):
        kid = None
    if not isinstance(kid, str):
        raise BrokenSeal("sealed is no JWE that names its key")
    return kid


def unseal(sealed: str, ref: str | None, key: PersonKey) -> Any:
    """The part, opened for the record of this `person_ref`. Raises `BrokenSeal`."""
    try:
        token = decrypt_compact(sealed, _jwk(key.secret), registry=_REGISTRY)
        part = orjson.loads(token.plaintext or b"")
    except (JoseError, ValueError) as error:
        raise BrokenSeal(f"sealed does not open with the key {key.kid}: {type(error).__name__}") from None
    if not token.headers().get("ref") == key.ref == ref:
        raise BrokenSeal(f"sealed is of another person than this record, by the key {key.kid}")
    return part


@lru_cache(maxsize=1024)
def _jwk(secret: bytes) -> OctKey:
    return OctKey.import_key(secret)
