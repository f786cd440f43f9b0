"""Where a shop's REST API is, and what keeps us from it: found out by asking once when a call was refused.

Three causes do not show in the refusal itself: WordPress has another REST prefix, its permalinks are Plain, or the web
server removes the Authorization header. They are looked for again only after the shop has answered in between.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from contracts.reasons import Reason
from services.connectors.http.http import Upstream
from services.connectors.woocommerce.answers import NoAnswer, decoded
from services.connectors.woocommerce.diagnosis import fix_of
from services.engine.outbox.upstream_errors import AccessDenied, Misaddressed, UpstreamError

PREFIX = "wp-json"
_API_LINK = "https://api.w.org/"
"""The relation under which the home page's `Link` header names the API (WordPress, source)."""
_NOT_THE_API = frozenset({Reason.SHOP_ADDRESS_WRONG, Reason.SHOP_FOREIGN_ANSWER, Reason.SHOP_REDIRECTED})
_UNAUTHORIZED = 401
_WITHOUT_KEY = "woocommerce_rest_cannot_"
"""With 401, how WooCommerce refuses a call in which it found no key that it knows (API fact: recorded, auth-*)."""
_KEY_JUDGED = "woocommerce_rest_authentication_error"
"""WooCommerce found the key and refused it: wrong secret, or a permission that is missing."""


class Access:
    """The address of one shop's REST API."""

    def __init__(self, upstream: Upstream, shop: str, url: str, prefix: str, key: SecretStr, secret: SecretStr) -> None:
        """`prefix` is the one of the settings; empty: `wp-json`, or the one that the home page names."""
        self._upstream, self._shop, self._url = upstream, shop, url.rstrip("/")
        self._key, self._secret = key, secret
        self._configured = prefix.strip("/")
        self._prefix = self._configured or PREFIX
        self._causes: dict[Reason | None, Reason | None] = {}
        self._looking = asyncio.Lock()

    @property
    def root(self) -> str:
        """The address of the API, without a slash at its end."""
        return f"{self._url}/{self._prefix}"

    @property
    def discovered(self) -> str:
        """The REST prefix that the home page named; empty while the usual or the configured one is used."""
        return "" if self._prefix in (self._configured, PREFIX) else self._prefix

    def answered(self) -> None:
        """The API has answered: what was found out about earlier refusals no longer counts."""
        self._causes.clear()

    async def resolve(self, error: UpstreamError, root: str) -> None:
        """Find the cause of a refused call under `root`. Returns when the call can be made again under another root.

        Raises the error otherwise, with its cause where that was found.
        """
        async with self._looking:
            if self.root == root and error.reason not in self._causes:
                self._causes[error.reason] = await self._cause(error)
        if self.root != root:
            return
        cause = self._causes.get(error.reason)
        raise error if cause is None else self._with_cause(error, cause)

    async def _cause(self, error: UpstreamError) -> Reason | None:
        if error.reason in _NOT_THE_API and not error.code:
            return await self._look_elsewhere()
        anonymous = error.status == _UNAUTHORIZED and error.code.startswith(_WITHOUT_KEY)
        if anonymous and self._url.startswith("https://") and await self._accepts_key_in_query():
            return Reason.SHOP_AUTHORIZATION_REMOVED
        return None

    async def _look_elsewhere(self) -> Reason | None:
        """Use the prefix that the home page names, if the API answers there; else see whether permalinks are Plain."""
        named = await self._named_by_home_page()
        if named and named != self._prefix:
            if not self._configured and await self._is_api(f"{self._url}/{named}/"):
                self._prefix = named
            return None
        plain = await self._is_api(f"{self._url}/?rest_route=/")
        return Reason.SHOP_PLAIN_PERMALINKS if plain else None

    async def _named_by_home_page(self) -> str:
        """The REST prefix in the home page's `Link` header; empty where there is none, as with Plain permalinks."""
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
        """Whether WordPress's REST API describes itself there."""
        site = await self._json(url, {"_fields": "namespaces"})
        return isinstance(site, dict) and isinstance(site.get("namespaces"), list)

    async def _accepts_key_in_query(self) -> bool:
        """Whether WooCommerce sees the key in the query, where no web server removes it. Only over https."""
        key = {"consumer_key": self._key.get_secret_value(), "consumer_secret": self._secret.get_secret_value()}
        found = await self._json(f"{self.root}/wc/v3/products", {"per_page": "1", "_fields": "id", **key})
        return isinstance(found, list) or found == _KEY_JUDGED

    async def _json(self, url: str, params: dict[str, str]) -> object:
        """The JSON that answers a GET, or the error code of a refusal."""
        try:
            return decoded(await self._upstream.request("GET", url, params=params, writes=False)).value
        except UpstreamError as error:
            return error.code
        except NoAnswer:
            return None

    def _with_cause(self, error: UpstreamError, cause: Reason) -> UpstreamError:
        kind = Misaddressed if cause is Reason.SHOP_PLAIN_PERMALINKS else AccessDenied
        general = fix_of(error.reason, self._shop) if error.reason else ""
        message = error.message.removesuffix(general) + fix_of(cause, self._shop)
        return kind(message, status=error.status, reason=cause, code=error.code)
