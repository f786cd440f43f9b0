"""Calls to `/wp-json/wc/v3`: URLs, JSON with exact numbers, and detection of answers that are not WooCommerce's."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar

import httpx

from contracts.reasons import Reason
from services.connectors.http.errors import build_foreign_error
from services.connectors.http.responses import Explanation, excerpt
from services.connectors.http.upstream import Upstream
from services.connectors.woocommerce import answers, diagnosis, php
from services.connectors.woocommerce.access import PREFIX, Access
from services.connectors.woocommerce.answers import BrokenAnswer, NotAnAnswer
from services.connectors.woocommerce.refusals import is_missing_plugin_record
from services.engine.outbox.upstream_errors import AccessDenied, ForeignAnswer, NotFound, ReadFailed, UpstreamError

log = logging.getLogger(__name__)
ROUTES = "/wc/v3"
UNCACHED: Mapping[str, str] = {"Cache-Control": "no-cache", "Pragma": "no-cache"}
"""Every read asks caches to ask the shop. Many ignore that, so `fresh` reads also carry a parameter that changes."""
SIZES = (100, 50, 25, 5, 1)
"""WooCommerce fact 31: more than 100 is refused. Each divides the next one, so pages of different sizes align."""
PER_PAGE = SIZES[0]
PATIENCE = 32
"""At most this many pages must succeed before a larger page is tried again."""
CACHE_HEADERS = (
    "Age", "X-Cache", "X-Cache-Status", "CF-Cache-Status", "X-LiteSpeed-Cache", "X-Proxy-Cache", "X-Varnish",
    "X-WC-Cache", "Last-Modified",
)  # fmt: skip
ShapeT = TypeVar("ShapeT")
AnswerT = TypeVar("AnswerT")
Shape = Callable[[Any], ShapeT]
"""Turns the JSON of an answer into the requested value. Raises `NotAnAnswer`."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `total_pages` is None when a proxy removed the header.

    `odd` are the positions, from 0, that do not contain a record; `rows` are the others.
    """

    rows: list[dict[str, Any]]
    total_pages: int | None
    odd: tuple[int, ...] = ()


@dataclass(slots=True)
class PageSize:
    """The current page size of a list: smaller after a page that failed, larger again after successes."""

    level: int = 0
    successes: int = 0
    patience: int = 1

    def at(self, position: int) -> int:
        """The size of the page that begins at this position: a divisor of it."""
        return next(size for size in SIZES[self.level :] if position % size == 0)

    def shrink(self, size: int) -> None:
        """A page of this size failed: use smaller ones, and wait longer before trying a larger one again."""
        self.level = min(SIZES.index(size) + 1, len(SIZES) - 1)
        self.successes, self.patience = 0, min(2 * self.patience, PATIENCE)

    def count_success(self) -> None:
        """A full page succeeded; a shorter one proves nothing about the size."""
        self.successes += 1
        if self.level == 0:
            self.patience = 1
        elif self.successes >= self.patience:
            self.level, self.successes = self.level - 1, 0

    def reset_patience(self) -> None:
        """A single record was at fault, not the size: try larger pages soon."""
        self.patience = 1


class ShopApi:
    """One shop's REST API. Every call raises an `UpstreamError` when it fails."""

    def __init__(self, upstream: Upstream, shop: str, access: Access, token: Callable[[], str]) -> None:
        """`token` returns a different text on each call, for fresh reads."""
        self.shop = shop
        self.php_output = ""
        """The beginning of the last PHP output found in an answer; empty while there was none."""
        self._page_sizes: dict[str, PageSize] = {}
        self.time: datetime | None = None
        """The shop's own time at its last answer to a read, to the second; None while no answer has stated it."""
        self._upstream, self._access, self._token = upstream, access, token

    @property
    def discovered_prefix(self) -> str:
        """The REST prefix named by the shop's home page; empty while the usual or the configured one is used."""
        return self._access.discovered

    async def index(self, **params: str) -> dict[str, Any]:
        """The site's own description, `/wp-json/`."""
        return await self._ask("/", params, partial(self._parse, _to_site))

    async def get(self, route: str, *, fresh: bool = False, **params: str | int) -> dict[str, Any]:
        """A single record; if the route ends with a number, the answer must be the record with that id.

        `fresh` bypasses caches. Raises `NotFound` when WooCommerce states that there is none.
        """
        last = route.rpartition("/")[2]
        wanted = last if last.isdigit() else None
        read = partial(self._parse, lambda value: answers.to_record(value, wanted))
        return await self._read(route, params, read, fresh=fresh)

    async def plugin_answer(self, path: str) -> Any:
        """The JSON of a plugin's own route, e.g. `/wp-json/wc-returns/v1/orders/17`.

        Raises `NotFound` when the plugin states that there is none.
        """
        try:
            return await self._ask(path.removeprefix(f"/{PREFIX}"), {}, partial(self._parse, _to_plugin_value))
        except UpstreamError as error:
            if not is_missing_plugin_record(error):
                raise
            raise NotFound(error.message, reason=Reason.SHOP_REFUSED, status=error.status, code=error.code) from error

    async def page(self, route: str, params: Mapping[str, str | int], *, fresh: bool = False) -> Page:
        """One page of a list."""
        return await self._read(route, params, self._to_page, fresh=fresh)

    def _to_page(self, response: httpx.Response) -> Page:
        total = response.headers.get("X-WP-TotalPages", "")
        pages = int(total) if total.isascii() and total.isdigit() else None
        found = self._parse(answers.to_rows, response)
        odd = tuple(index for index, row in enumerate(found) if not answers.is_record(row))
        return Page([row for row in found if answers.is_record(row)], pages, odd)

    def page_size(self, route: str) -> PageSize:
        """The current page size for lists of this kind."""
        return self._page_sizes.setdefault(_route_kind(route), PageSize())

    def set_page_size(self, route: str, size: PageSize) -> None:
        """Replace the page size for lists of this kind."""
        self._page_sizes[_route_kind(route)] = size

    async def write(self, method: str, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A change, and its echo. Raises `UnknownOutcome` also when the echo cannot be that of this change."""

        async def send(root: str) -> httpx.Response:
            return await self._upstream.request(method, root + ROUTES + route, json=body, writes=True)

        response = await self._call(send)
        return self._parse(lambda value: _to_echo(value, route, body), response, writes=True)

    async def cache_headers(self, route: str) -> str:
        """What the answer to a read states about caches, e.g. `Age 312, CF-Cache-Status HIT`; may be empty."""
        headers = await self._read(route, {}, lambda response: response.headers, fresh=False)
        return ", ".join(f"{name} {headers[name]}" for name in CACHE_HEADERS if name in headers)

    async def _read(
        self, route: str, params: Mapping[str, str | int], read: Callable[[httpx.Response], AnswerT], *, fresh: bool
    ) -> AnswerT:
        return await self._ask(ROUTES + route, {**params, "_": self._token()} if fresh else params, read)

    async def _ask(
        self, path: str, params: Mapping[str, str | int], read: Callable[[httpx.Response], AnswerT]
    ) -> AnswerT:
        async def ask(root: str) -> AnswerT:
            return read(await self._get(root + path, params))

        return await self._call(ask)

    async def _call(self, send: Callable[[str], Awaitable[AnswerT]]) -> AnswerT:
        """Call the API at its current root; call it again when the API is found under another root.

        The errors handled here mean that nothing was done, so a write can be sent again too.
        """
        root = self._access.root
        try:
            return await send(root)
        except (AccessDenied, ForeignAnswer) as error:
            await self._access.resolve(error, root)
        return await send(self._access.root)

    async def _get(self, url: str, params: Mapping[str, str | int]) -> httpx.Response:
        response = await self._upstream.request("GET", url, params=params, headers=UNCACHED, writes=False)
        self.time = _parse_date(response) or self.time
        return response

    def _parse(self, shape: Shape[ShapeT], response: httpx.Response, *, writes: bool = False) -> ShapeT:
        try:
            decoded = answers.decode(response)
            value = shape(decoded.value)
        except NotAnAnswer as error:
            raise self._build_error(response, error, writes=writes) from None
        self._upstream.confirm_answer(response)
        self._access.forget_causes()
        self._log_php_output(decoded.php_output)
        return value

    def _log_php_output(self, output: str) -> None:
        """Log PHP output in an answer once, and again when it changes."""
        shown = excerpt(output)
        if not shown:
            return
        if shown != self.php_output:
            fix = diagnosis.fix_of(Reason.SHOP_PHP_OUTPUT, self.shop)
            log.warning("PHP writes into the shop's answers", extra={"shop": self.shop, "why": shown, "fix": fix})
        self.php_output = shown

    def _build_error(self, response: httpx.Response, error: NotAnAnswer, *, writes: bool) -> UpstreamError:
        call = f"shop {self.shop}: {response.request.method} {response.request.url.path}"
        found = diagnosis.explain(self.shop, response)
        fix = found.fix or diagnosis.fix_of(Reason.SHOP_FOREIGN_ANSWER, self.shop)
        reason = found.reason or Reason.SHOP_FOREIGN_ANSWER
        what = f"{call}: {found.text}, {error}"
        if isinstance(error, BrokenAnswer) and not writes:
            return ReadFailed(f"{what}. {fix}", status=response.status_code, reason=reason)
        return build_foreign_error(what, Explanation(what, fix, reason), writes=writes, status=response.status_code)


def _parse_date(response: httpx.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers.get("Date", "")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _route_kind(route: str) -> str:
    """The route without ids, e.g. one kind for the refunds of any order."""
    return re.sub(r"\d+", "N", route)


def _to_plugin_value(value: Any) -> Any:
    """JSON of a plugin, unless it is a refusal."""
    return answers.to_record(value) if isinstance(value, dict) and value else value


def _to_site(value: Any) -> dict[str, Any]:
    site = answers.to_record(value)
    if not isinstance(site.get("namespaces"), list):
        raise NotAnAnswer("an object that does not describe a WordPress site")
    return site


def _to_echo(value: Any, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The echo of a write: the record itself, the new one, or the results of a batch. An empty batch echoes `[]`."""
    if route.endswith("/batch"):
        return {} if value == [] and not body else answers.to_record(value)
    last = route.rpartition("/")[2]
    if last.isdigit():
        return answers.to_record(value, last)
    created = answers.to_record(value)
    if (php.whole(created.get("id")) or 0) < 1:
        raise NotAnAnswer("an object that is not a new record")
    return created
