"""One-legged OAuth 1.0a, as WooCommerce wants it over plain HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, unquote

from services.sandbox.woocommerce.errors import RestError
from services.sandbox.woocommerce.settings import Key

if TYPE_CHECKING:
    from services.sandbox.woocommerce.shop import Shop

HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
NEEDED = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
WINDOW = 15 * 60
HEADER_PART = re.compile(r'(oauth_\w+)="([^"]*)"')


class Asked(Protocol):
    """The parts of a request that are signed."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def query(self) -> Mapping[str, str]: ...
    @property
    def authorization(self) -> str: ...


class OAuth1:
    """Checks signatures, timestamps (15 minutes) and that no nonce comes twice."""

    def __init__(self, shop: Shop, keys: Mapping[str, Key]) -> None:
        self.shop = shop
        self.keys = keys
        self._nonces: dict[str, int] = {}

    def key_of(self, asked: Asked) -> Key | None:
        """The key that signed the request; None if it is not signed at all; 401 if the signature is no good."""
        signed = {**asked.query, **header_parts(asked.authorization)}
        if not any(name in signed for name in NEEDED):
            return None
        if missing := [name for name in NEEDED if not signed.get(name)]:
            raise refused(f"Missing OAuth parameter {', '.join(missing)}")
        key = self.keys.get(signed["oauth_consumer_key"])
        if key is None:
            raise refused("Consumer key is invalid.")
        self._check_signature(asked, signed, key)
        self._check_nonce(signed)
        return key

    def _check_signature(self, asked: Asked, signed: Mapping[str, str], key: Key) -> None:
        if signed["oauth_signature_method"] not in HASHES:
            raise refused("Invalid signature - signature method is invalid.")
        expected = signature(asked.method, self._home(asked.url), signed, key.consumer_secret)
        if not hmac.compare_digest(expected, signed["oauth_signature"]):
            raise refused("Invalid signature - provided signature does not match.")

    def _home(self, url: str) -> str:
        """The signed URL is that of the site's home with http, not the one dialled (API fact: reference section 1)."""
        path = re.sub(r"^\w+://[^/]*", "", url)
        return re.sub(r"^https:", "http:", self.shop.url(path))

    def _check_nonce(self, signed: Mapping[str, str]) -> None:
        now = int(self.shop.now().timestamp())
        stamp = int(signed["oauth_timestamp"]) if signed["oauth_timestamp"].isdecimal() else 0
        if abs(now - stamp) > WINDOW:
            raise refused("Invalid timestamp.")
        self._nonces = {nonce: seen for nonce, seen in self._nonces.items() if now - seen <= WINDOW}
        if signed["oauth_nonce"] in self._nonces:
            raise refused("Invalid nonce - nonce has already been used.")
        self._nonces[signed["oauth_nonce"]] = stamp


def signature(method: str, url: str, parameters: Mapping[str, str], secret: str) -> str:
    """The base64 HMAC of a request's base string (RFC 5849 section 3.4), keyed with the secret and an empty token."""
    pairs = sorted((quoted(k), quoted(v)) for k, v in parameters.items() if k != "oauth_signature")
    base = "&".join((method.upper(), quoted(url), quoted("&".join(f"{k}={v}" for k, v in pairs))))
    made = hmac.new(f"{quoted(secret)}&".encode(), base.encode(), HASHES[parameters["oauth_signature_method"]])
    return base64.b64encode(made.digest()).decode()


def quoted(text: str) -> str:
    """Percent-encoding of everything that is not unreserved."""
    return quote(text, safe="-._~")


def header_parts(header: str) -> dict[str, str]:
    """The oauth parameters of an Authorization header."""
    if not header.lower().startswith("oauth "):
        return {}
    return {name: unquote(value) for name, value in HEADER_PART.findall(header)}


def refused(message: str) -> RestError:
    """A signature that does not hold."""
    return RestError(401, "woocommerce_rest_authentication_error", message)
