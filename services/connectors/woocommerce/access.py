"""Access to a shop's REST API: its root URL, authentication, and the cause of a refused call.

Three causes do not show in the refusal itself: WordPress has another REST prefix, its permalinks are Plain, or the web
server removes the Authorization header. They are looked up once per refusal, and again only after a successful answer.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Generator
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import httpx
from authlib.oauth1.rfc5849.client_auth import generate_nonce
from authlib.oauth1.rfc5849.parameters import prepare_headers
from authlib.oauth1.rfc5849.signature import construct_base_string
from authlib.oauth1.rfc5849.util import escape
from pydantic import SecretStr

from contracts.reasons import Reason
from services.connectors.http.upstream import Upstream
from services.connectors.woocommerce.answers import NotAnAnswer, decode
from services.connectors.woocommerce.diagnosis import fix_of
from services.engine.outbox.upstream_errors import AccessDenied, Misaddressed, UpstreamError

PREFIX = "wp-json"
_API_LINK = "https://api.w.org/"
"""The relation under which the home page's `Link` header names the API (WooCommerce fact 7)."""
_NOT_THE_API = frozenset({Reason.SHOP_ADDRESS_WRONG, Reason.SHOP_FOREIGN_ANSWER, Reason.SHOP_REDIRECTED})
_UNAUTHORIZED = 401
_WITHOUT_KEY = "woocommerce_rest_cannot_"
"""With 401: WooCommerce found no key that it knows in the call (WooCommerce fact 2)."""
_KEY_REFUSED = "woocommerce_rest_authentication_error"
"""WooCommerce found the key and refused it: wrong secret or missing permission (WooCommerce fact 3)."""


class Access:
    """The root URL of one shop's REST API."""

    def __init__(self, upstream: Upstream, shop: str, url: str, prefix: str, key: SecretStr, secret: SecretStr) -> None:
        """`prefix` comes from the settings; when empty, `wp-json` or the one named by the home page is used."""
        self._upstream, self._shop, self._url = upstream, shop, url.rstrip("/")
        self._key, self._secret = key, secret
        self._configured = prefix.strip("/")
        self._prefix = self._configured or PREFIX
        self._causes: dict[Reason | None, Reason | None] = {}
        self._lock = asyncio.Lock()

    @property
    def root(self) -> str:
        """The URL of the API, without a slash at its end."""
        return f"{self._url}/{self._prefix}"

    @property
    def discovered(self) -> str:
        """The REST prefix named by the home page; empty while the usual or the configured one is used."""
        return "" if self._prefix in (self._configured, PREFIX) else self._prefix

    def forget_causes(self) -> None:
        """The API has answered, so causes found for earlier refusals are outdated."""
        self._causes.clear()

    async def resolve(self, error: UpstreamError, root: str) -> None:
        """Find the cause of a refused call under `root`. Returns when the call can be repeated under another root.

        Otherwise raises the error, with its cause if one was found.
        """
        async with self._lock:
            if self.root == root and error.reason not in self._causes:
                self._causes[error.reason] = await self._find_cause(error)
        if self.root != root:
            return
        cause = self._causes.get(error.reason)
        raise error if cause is None else self._with_cause(error, cause)

    async def _find_cause(self, error: UpstreamError) -> Reason | None:
        if error.reason in _NOT_THE_API and not error.code:
            return await self._find_other_root()
        anonymous = error.status == _UNAUTHORIZED and error.code.startswith(_WITHOUT_KEY)
        if anonymous and self._url.startswith("https://") and await self._accepts_key_in_query():
            return Reason.SHOP_AUTHORIZATION_REMOVED
        return None

    async def _find_other_root(self) -> Reason | None:
        """Use the prefix named by the home page if the API answers there; otherwise check for Plain permalinks."""
        prefix = await self._read_prefix_from_home_page()
        if prefix and prefix != self._prefix:
            if not self._configured and await self._is_api(f"{self._url}/{prefix}/"):
                self._prefix = prefix
            return None
        plain = await self._is_api(f"{self._url}/?rest_route=/")
        return Reason.SHOP_PLAIN_PERMALINKS if plain else None

    async def _read_prefix_from_home_page(self) -> str:
        """The REST prefix in the home page's `Link` header; empty if there is none, as with Plain permalinks."""
        try:
            async with self._upstream.stream_get(f"{self._url}/", headers={"Accept": "text/html"}) as response:
                link = response.links.get(_API_LINK, {}).get("url", "")
        except UpstreamError:
            return ""
        found, home = urlsplit(link), urlsplit(self._url).path
        if "rest_route" in parse_qs(found.query) or not found.path.startswith(f"{home}/"):
            return ""
        return found.path.removeprefix(home).strip("/")

    async def _is_api(self, url: str) -> bool:
        """Whether WordPress's REST API describes itself at this URL."""
        site = await self._read_json(url, {"_fields": "namespaces"})
        return isinstance(site, dict) and isinstance(site.get("namespaces"), list)

    async def _accepts_key_in_query(self) -> bool:
        """Whether WooCommerce sees the key in the query, which no web server removes. Only used over https."""
        key = {"consumer_key": self._key.get_secret_value(), "consumer_secret": self._secret.get_secret_value()}
        found = await self._read_json(f"{self.root}/wc/v3/products", {"per_page": "1", "_fields": "id", **key})
        return isinstance(found, list) or found == _KEY_REFUSED

    async def _read_json(self, url: str, params: dict[str, str]) -> object:
        """The JSON that answers a GET, or the error code of a refusal."""
        try:
            return decode(await self._upstream.request("GET", url, params=params, writes=False)).value
        except UpstreamError as error:
            return error.code
        except NotAnAnswer:
            return None

    def _with_cause(self, error: UpstreamError, cause: Reason) -> UpstreamError:
        kind = Misaddressed if cause is Reason.SHOP_PLAIN_PERMALINKS else AccessDenied
        general = fix_of(error.reason, self._shop) if error.reason else ""
        message = error.message.removesuffix(general) + fix_of(cause, self._shop)
        return kind(message, status=error.status, reason=cause, code=error.code)


def build_auth(url: str, key: SecretStr, secret: SecretStr, clock: Callable[[], datetime]) -> httpx.Auth:
    """The authentication accepted at this URL: Basic over https, else OAuth (WooCommerce facts 1 and 4)."""
    if url.startswith("https://"):
        return httpx.BasicAuth(key.get_secret_value(), secret.get_secret_value())
    return OAuth1(key, secret, clock)


class OAuth1(httpx.Auth):
    """One-legged OAuth 1.0a in the Authorization header, HMAC-SHA256, a new nonce for each attempt.

    Only authlib's RFC 5849 functions are used: its clients refuse plain http, and its httpx class empties JSON bodies.
    A JSON body is not part of the signature. The shop accepts timestamps that are at most 15 minutes off.
    """

    def __init__(self, key: SecretStr, secret: SecretStr, clock: Callable[[], datetime]) -> None:
        self._key, self._secret, self._clock = key, secret, clock

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign a request."""
        params = [
            ("oauth_consumer_key", self._key.get_secret_value()),
            ("oauth_nonce", generate_nonce()),
            ("oauth_signature_method", "HMAC-SHA256"),
            ("oauth_timestamp", str(int(self._clock().timestamp()))),
            ("oauth_version", "1.0"),
        ]
        signed = [*params, ("oauth_signature", self._sign(request, params))]
        request.headers["Authorization"] = prepare_headers(signed)["Authorization"]
        yield request

    def _sign(self, request: httpx.Request, params: list[tuple[str, str]]) -> str:
        all_params = [*request.url.params.multi_items(), *params]
        base = construct_base_string(request.method, str(request.url), all_params, request.headers["Host"])
        key = f"{escape(self._secret.get_secret_value())}&"
        return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()
