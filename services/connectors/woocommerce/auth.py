"""Who we are to the shop: Basic over https; over plain http, where WooCommerce ignores Basic, OAuth 1.0a."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Generator
from datetime import datetime

import httpx
from authlib.oauth1.rfc5849.client_auth import generate_nonce
from authlib.oauth1.rfc5849.parameters import prepare_headers
from authlib.oauth1.rfc5849.signature import construct_base_string
from authlib.oauth1.rfc5849.util import escape
from pydantic import SecretStr


def auth_for(url: str, key: SecretStr, secret: SecretStr, clock: Callable[[], datetime]) -> httpx.Auth:
    """The way of signing that WooCommerce accepts at this address (API fact: reference section 1)."""
    if url.startswith("https://"):
        return httpx.BasicAuth(key.get_secret_value(), secret.get_secret_value())
    return OAuth1(key, secret, clock)


class OAuth1(httpx.Auth):
    """One-legged OAuth 1.0a in the Authorization header, HMAC-SHA256, a fresh nonce for every try.

    Of authlib only the parts of RFC 5849 are used: its clients refuse plain http, and its httpx class empties JSON
    bodies. A JSON body is no part of the signature. The shop takes timestamps that are at most 15 minutes off.
    """

    def __init__(self, key: SecretStr, secret: SecretStr, clock: Callable[[], datetime]) -> None:
        self._key, self._secret, self._clock = key, secret, clock

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Signs a request."""
        params = [
            ("oauth_consumer_key", self._key.get_secret_value()),
            ("oauth_nonce", generate_nonce()),
            ("oauth_signature_method", "HMAC-SHA256"),
            ("oauth_timestamp", str(int(self._clock().timestamp()))),
            ("oauth_version", "1.0"),
        ]
        signed = [*params, ("oauth_signature", self._signature(request, params))]
        request.headers["Authorization"] = prepare_headers(signed)["Authorization"]
        yield request

    def _signature(self, request: httpx.Request, params: list[tuple[str, str]]) -> str:
        every = [*request.url.params.multi_items(), *params]
        base = construct_base_string(request.method, str(request.url), every, request.headers["Host"])
        key = f"{escape(self._secret.get_secret_value())}&"
        return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()
