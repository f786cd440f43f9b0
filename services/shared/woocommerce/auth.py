"""Who we are to the shop: Basic over https; over plain http, where WooCommerce ignores Basic, OAuth 1.0a."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any, ClassVar

import httpx
from authlib.oauth1 import ClientAuth
from authlib.oauth1.rfc5849.client_auth import generate_nonce
from authlib.oauth1.rfc5849.parameters import prepare_headers
from authlib.oauth1.rfc5849.signature import generate_signature_base_string
from authlib.oauth1.rfc5849.util import escape
from pydantic import SecretStr

HMAC_SHA256 = "HMAC-SHA256"


def auth_for(url: str, key: SecretStr, secret: SecretStr, clock: Callable[[], datetime]) -> httpx.Auth:
    """The way of signing that WooCommerce accepts at this address (API fact: reference section 1)."""
    if url.startswith("https://"):
        return httpx.BasicAuth(key.get_secret_value(), secret.get_secret_value())
    return OAuth1(key, secret, clock)


def _sign_sha256(client: ClientAuth, request: Any) -> str:
    key = f"{escape(client.client_secret)}&".encode()
    digest = hmac.new(key, generate_signature_base_string(request).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class _Signer(ClientAuth):  # type: ignore[misc]
    """authlib's signer with the method that WooCommerce prefers."""

    SIGNATURE_METHODS: ClassVar[dict[str, Any]] = {HMAC_SHA256: _sign_sha256}


class OAuth1(httpx.Auth):
    """One-legged OAuth 1.0a in the Authorization header, HMAC-SHA256, a fresh nonce for every try.

    authlib's own httpx class is not used: it empties JSON bodies. A JSON body is no part of the signature.
    The shop takes timestamps that are at most 15 minutes off.
    """

    def __init__(self, key: SecretStr, secret: SecretStr, clock: Callable[[], datetime]) -> None:
        self._signer = _Signer(key.get_secret_value(), secret.get_secret_value(), signature_method=HMAC_SHA256)
        self._clock = clock

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Signs a request."""
        host = {"Host": request.headers["Host"]}
        params = self._signer.get_oauth_params(generate_nonce(), str(int(self._clock().timestamp())))
        unsigned = prepare_headers(params, host)
        signature = self._signer.get_oauth_signature(request.method, str(request.url), unsigned, b"")
        signed = prepare_headers([*params, ("oauth_signature", signature)], host)
        request.headers["Authorization"] = signed["Authorization"]
        yield request
