"""Who may ask: Basic and query keys over TLS, OAuth1 over plain HTTP."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from services.sandbox.woocommerce.errors import RestError
from services.sandbox.woocommerce.oauth1 import OAuth1
from services.sandbox.woocommerce.settings import Key
from services.sandbox.woocommerce.shop import Shop

READS = ("GET", "HEAD", "OPTIONS")
REFUSED = {
    "list": ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    "view": ("woocommerce_rest_cannot_view", "Sorry, you cannot view this resource."),
    "create": ("woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources."),
    "edit": ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    "delete": ("woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource."),
    "batch": ("woocommerce_rest_cannot_batch", "Sorry, you are not allowed to batch manipulate this resource."),
}


@dataclass(frozen=True)
class Credentials:
    """What a request says of itself: `url` as dialled without query, `authorization` the header."""

    method: str
    url: str
    secure: bool
    query: Mapping[str, str]
    authorization: str


class Gate:
    """Checks the keys of requests against a shop's."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.keys = {key.consumer_key: key for key in shop.settings.keys}
        self.oauth1 = OAuth1(shop, self.keys)

    def admit(self, asked: Credentials, deed: str) -> None:
        """Raises 401 unless the request may do the deed (a word of REFUSED).

        No key, an unknown key and Basic over plain HTTP are all refused alike; a wrong secret and a key without the
        permission say so (API fact: recorded, auth-*).
        """
        key = self._by_secret(asked) if asked.secure else self.oauth1.key_of(asked)
        if key is None:
            code, message = REFUSED[deed]
            raise RestError(401, code, message)
        need = "read" if asked.method in READS else "write"
        if need not in key.permissions:
            raise unauthorized(f"The API key provided does not have {need} permissions.")

    def _by_secret(self, asked: Credentials) -> Key | None:
        name, secret = basic(asked.authorization) or from_query(asked.query)
        key = self.keys.get(name)
        if key and not hmac.compare_digest(key.consumer_secret.encode(), secret.encode()):
            raise unauthorized("Consumer secret is invalid.")
        return key


def basic(header: str) -> tuple[str, str] | None:
    """Key and secret of a Basic header; None if there is none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def from_query(query: Mapping[str, str]) -> tuple[str, str]:
    """Key and secret as query parameters."""
    return query.get("consumer_key", ""), query.get("consumer_secret", "")


def unauthorized(message: str) -> RestError:
    """A key that is not good enough."""
    return RestError(401, "woocommerce_rest_authentication_error", message)
