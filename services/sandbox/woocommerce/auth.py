"""Authentication: Basic and query keys over TLS, OAuth 1.0a over plain HTTP (WooCommerce facts 1 to 4)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, unquote

from services.sandbox.woocommerce.errors import RestError
from services.sandbox.woocommerce.shop import SandboxApiKey, SandboxShop

if TYPE_CHECKING:
    from services.sandbox.woocommerce.shop import SandboxShop


SIGNATURE_METHODS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
OAUTH_PARAMETERS = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
TIMESTAMP_WINDOW = 15 * 60
HEADER_PART = re.compile(r'(oauth_\w+)="([^"]*)"')


class SignedRequest(Protocol):
    """The parts of a request that are signed."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def query(self) -> Mapping[str, str]: ...
    @property
    def authorization(self) -> str: ...


class OAuth1Verifier:
    """Checks signatures, timestamps (15 minutes) and that no nonce comes twice."""

    def __init__(self, shop: SandboxShop, keys: Mapping[str, SandboxApiKey]) -> None:
        self.shop = shop
        self.keys = keys
        self._nonces: dict[str, int] = {}

    def key_of(self, asked: SignedRequest) -> SandboxApiKey | None:
        """Returns the key that signed the request; None if it is not signed. RestError 401 for an invalid signature."""
        signed = {**asked.query, **parse_oauth_header(asked.authorization)}
        if not any(name in signed for name in OAUTH_PARAMETERS):
            return None
        if missing := [name for name in OAUTH_PARAMETERS if not signed.get(name)]:
            raise oauth_error(f"Missing OAuth parameter {', '.join(missing)}")
        key = self.keys.get(signed["oauth_consumer_key"])
        if key is None:
            raise oauth_error("Consumer key is invalid.")
        self._check_signature(asked, signed, key)
        self._check_nonce(signed)
        return key

    def _check_signature(self, asked: SignedRequest, signed: Mapping[str, str], key: SandboxApiKey) -> None:
        if signed["oauth_signature_method"] not in SIGNATURE_METHODS:
            raise oauth_error("Invalid signature - signature method is invalid.")
        expected = sign_request(asked.method, self._home(asked.url), signed, key.consumer_secret)
        if not hmac.compare_digest(expected, signed["oauth_signature"]):
            raise oauth_error("Invalid signature - provided signature does not match.")

    def _home(self, url: str) -> str:
        """The URL to sign: the site's home address with http, not the requested one (WooCommerce fact 4)."""
        path = re.sub(r"^\w+://[^/]*", "", url)
        return re.sub(r"^https:", "http:", self.shop.url(path))

    def _check_nonce(self, signed: Mapping[str, str]) -> None:
        now = int(self.shop.now().timestamp())
        stamp = int(signed["oauth_timestamp"]) if signed["oauth_timestamp"].isdecimal() else 0
        if abs(now - stamp) > TIMESTAMP_WINDOW:
            raise oauth_error("Invalid timestamp.")
        self._nonces = {nonce: seen for nonce, seen in self._nonces.items() if now - seen <= TIMESTAMP_WINDOW}
        if signed["oauth_nonce"] in self._nonces:
            raise oauth_error("Invalid nonce - nonce has already been used.")
        self._nonces[signed["oauth_nonce"]] = stamp


def sign_request(method: str, url: str, parameters: Mapping[str, str], secret: str) -> str:
    """The base64 HMAC of a request's base string (RFC 5849 section 3.4), keyed with the secret and an empty token."""
    pairs = sorted((percent_encode(k), percent_encode(v)) for k, v in parameters.items() if k != "oauth_signature")
    base = "&".join((method.upper(), percent_encode(url), percent_encode("&".join(f"{k}={v}" for k, v in pairs))))
    made = hmac.new(
        f"{percent_encode(secret)}&".encode(), base.encode(), SIGNATURE_METHODS[parameters["oauth_signature_method"]]
    )
    return base64.b64encode(made.digest()).decode()


def percent_encode(text: str) -> str:
    """Percent-encoding of everything that is not unreserved."""
    return quote(text, safe="-._~")


def parse_oauth_header(header: str) -> dict[str, str]:
    """The oauth parameters of an Authorization header."""
    if not header.lower().startswith("oauth "):
        return {}
    return {name: unquote(value) for name, value in HEADER_PART.findall(header)}


def oauth_error(message: str) -> RestError:
    """The error for an invalid signature."""
    return RestError(401, "woocommerce_rest_authentication_error", message)


READ_METHODS = ("GET", "HEAD", "OPTIONS")
REFUSALS = {
    "list": ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    "view": ("woocommerce_rest_cannot_view", "Sorry, you cannot view this resource."),
    "create": ("woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources."),
    "edit": ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    "delete": ("woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource."),
    "batch": ("woocommerce_rest_cannot_batch", "Sorry, you are not allowed to batch manipulate this resource."),
}


@dataclass(frozen=True)
class RequestCredentials:
    """The credentials of a request: `url` as requested without its query, `authorization` the header."""

    method: str
    url: str
    secure: bool
    query: Mapping[str, str]
    authorization: str


class KeyAuthenticator:
    """Checks the keys of requests against those of a shop."""

    def __init__(self, shop: SandboxShop) -> None:
        self.shop = shop
        self.keys = {key.consumer_key: key for key in shop.settings.keys}
        self.oauth1 = OAuth1Verifier(shop, self.keys)

    def authorize(self, asked: RequestCredentials, action: str) -> None:
        """Raises RestError 401 unless the request may do the action (a key of REFUSALS).

        No key, an unknown key and Basic over plain HTTP are all refused alike; a wrong secret and a key without the
        permission are named (WooCommerce facts 2 and 3).
        """
        key = self._by_secret(asked) if asked.secure else self.oauth1.key_of(asked)
        if key is None:
            code, message = REFUSALS[action]
            raise RestError(401, code, message)
        need = "read" if asked.method in READ_METHODS else "write"
        if need not in key.permissions:
            raise authentication_error(f"The API key provided does not have {need} permissions.")

    def _by_secret(self, asked: RequestCredentials) -> SandboxApiKey | None:
        name, secret = parse_basic_key(asked.authorization) or read_query_key(asked.query)
        key = self.keys.get(name)
        if key and not hmac.compare_digest(key.consumer_secret.encode(), secret.encode()):
            raise authentication_error("Consumer secret is invalid.")
        return key


def parse_basic_key(header: str) -> tuple[str, str] | None:
    """Key and secret of a Basic header; None if there is none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def read_query_key(query: Mapping[str, str]) -> tuple[str, str]:
    """Key and secret as query parameters."""
    return query.get("consumer_key", ""), query.get("consumer_secret", "")


def authentication_error(message: str) -> RestError:
    """The error for a key that may not do this."""
    return RestError(401, "woocommerce_rest_authentication_error", message)
