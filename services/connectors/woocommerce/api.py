"""Calls to `/wp-json/wc/v3`: addresses, JSON with exact numbers, and answers that cannot be WooCommerce's."""

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
from services.connectors.http.descriptions import beginning
from services.connectors.http.http import Upstream
from services.connectors.http.statuses import foreign
from services.connectors.http.voice import Explanation
from services.connectors.woocommerce import answers, diagnosis, php
from services.connectors.woocommerce.access import PREFIX, Access
from services.connectors.woocommerce.answers import BrokenAnswer, NoAnswer
from services.connectors.woocommerce.pace import Pace
from services.connectors.woocommerce.refusals import plugin_has_none
from services.engine.outbox.upstream_errors import AccessDenied, ForeignAnswer, NotFound, ReadFailed, UpstreamError

log = logging.getLogger(__name__)
ROUTES = "/wc/v3"
UNCACHED: Mapping[str, str] = {"Cache-Control": "no-cache", "Pragma": "no-cache"}
"""Every read asks caches to ask the shop. Many ignore that: `fresh` reads carry a parameter that changes besides."""
ShapeT = TypeVar("ShapeT")
AnswerT = TypeVar("AnswerT")
Shape = Callable[[Any], ShapeT]
"""From the JSON of an answer to what it is asked for. Raises `NoAnswer`."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `total_pages` is None when a proxy swallowed the header.

    `odd` are the places, from 0, in which something else stands than a record; `rows` are the others.
    """

    rows: list[dict[str, Any]]
    total_pages: int | None
    odd: tuple[int, ...] = ()


class Api:
    """One shop's REST API. Every call raises an `UpstreamError` when it fails."""

    def __init__(self, upstream: Upstream, shop: str, access: Access, token: Callable[[], str]) -> None:
        """`token` gives another text each time, for fresh reads."""
        self.shop = shop
        self.php_output = ""
        """The beginning of what PHP wrote into an answer last; empty while it has written into none."""
        self._paces: dict[str, Pace] = {}
        self.time: datetime | None = None
        """The shop's own time when it answered a read last, to the second; None where no answer has told it."""
        self._upstream, self._access, self._token = upstream, access, token

    @property
    def discovered_prefix(self) -> str:
        """The REST prefix that the shop's home page named; empty while the usual or the configured one is used."""
        return self._access.discovered

    async def index(self, **params: str) -> dict[str, Any]:
        """The site's own description, `/wp-json/`."""
        return await self._ask("/", params, partial(self._read_as, _index))

    async def get(self, route: str, *, fresh: bool = False, **params: str | int) -> dict[str, Any]:
        """A single record; a route that ends with a number is answered with the record of that id.

        `fresh` bypasses caches. Raises `NotFound` when WooCommerce says that there is none.
        """
        last = route.rpartition("/")[2]
        wanted = last if last.isdigit() else None
        read = partial(self._read_as, lambda value: answers.table(value, wanted))
        return await self._read(route, params, read, fresh=fresh)

    async def answer(self, path: str) -> Any:
        """The JSON of a plugin's own route, e.g. `/wp-json/wc-returns/v1/orders/17`.

        Raises `NotFound` when the plugin says that there is none.
        """
        try:
            return await self._ask(path.removeprefix(f"/{PREFIX}"), {}, partial(self._read_as, _anything))
        except UpstreamError as error:
            if not plugin_has_none(error):
                raise
            raise NotFound(error.message, reason=Reason.SHOP_REFUSED, status=error.status, code=error.code) from error

    async def page(self, route: str, params: Mapping[str, str | int], *, fresh: bool = False) -> Page:
        """One page of a list."""
        return await self._read(route, params, self._page, fresh=fresh)

    def _page(self, response: httpx.Response) -> Page:
        total = response.headers.get("X-WP-TotalPages", "")
        pages = int(total) if total.isascii() and total.isdigit() else None
        found = self._read_as(answers.rows, response)
        odd = tuple(index for index, row in enumerate(found) if not answers.is_record(row))
        return Page([row for row in found if answers.is_record(row)], pages, odd)

    def pace(self, route: str) -> Pace:
        """How large the pages of lists like this one may be at present."""
        return self._paces.setdefault(_kind(route), Pace())

    def set_pace(self, route: str, pace: Pace) -> None:
        """Set it."""
        self._paces[_kind(route)] = pace

    async def write(self, method: str, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A change, and its echo. Raises `UnknownOutcome` also when the echo cannot be that of this change."""

        async def sent(root: str) -> httpx.Response:
            return await self._upstream.request(method, root + ROUTES + route, json=body, writes=True)

        response = await self._call(sent)
        return self._read_as(lambda value: _echo(value, route, body), response, writes=True)

    async def cache_marks(self, route: str) -> str:
        """What the answer to a read says of caches on its way, e.g. `Age 312, CF-Cache-Status HIT`; may be empty."""
        headers = await self._read(route, {}, lambda response: response.headers, fresh=False)
        return ", ".join(f"{name} {headers[name]}" for name in _CACHE_HEADERS if name in headers)

    async def _read(
        self, route: str, params: Mapping[str, str | int], read: Callable[[httpx.Response], AnswerT], *, fresh: bool
    ) -> AnswerT:
        asked = {**params, "_": self._token()} if fresh else params
        return await self._ask(ROUTES + route, asked, read)

    async def _ask(
        self, path: str, params: Mapping[str, str | int], read: Callable[[httpx.Response], AnswerT]
    ) -> AnswerT:
        async def asked(root: str) -> AnswerT:
            return read(await self._get(root + path, params))

        return await self._call(asked)

    async def _call(self, made: Callable[[str], Awaitable[AnswerT]]) -> AnswerT:
        """A call to the API at the address that it is given; made again where the API is found at another address.

        These errors mean that nothing was done, so a write can be sent again too.
        """
        root = self._access.root
        try:
            return await made(root)
        except (AccessDenied, ForeignAnswer) as error:
            await self._access.resolve(error, root)
        return await made(self._access.root)

    async def _get(self, url: str, params: Mapping[str, str | int]) -> httpx.Response:
        response = await self._upstream.request("GET", url, params=params, headers=UNCACHED, writes=False)
        self.time = _date(response) or self.time
        return response

    def _read_as(self, shape: Shape[ShapeT], response: httpx.Response, *, writes: bool = False) -> ShapeT:
        try:
            found = answers.decoded(response)
            value = shape(found.value)
        except NoAnswer as error:
            raise self._no_answer(response, error, writes=writes) from None
        self._upstream.believed(response)
        self._access.answered()
        self._note_php_output(found.php_output)
        return value

    def _note_php_output(self, output: str) -> None:
        """Say once that PHP writes into the answers, and again when it writes something else."""
        shown = beginning(output)
        if not shown:
            return
        if shown != self.php_output:
            fix = diagnosis.fix_of(Reason.SHOP_PHP_OUTPUT, self.shop)
            log.warning("PHP writes into the shop's answers", extra={"shop": self.shop, "why": shown, "fix": fix})
        self.php_output = shown

    def _no_answer(self, response: httpx.Response, error: NoAnswer, *, writes: bool) -> UpstreamError:
        call = f"shop {self.shop}: {response.request.method} {response.request.url.path}"
        found = diagnosis.explain(self.shop, response)
        fix = found.fix or diagnosis.fix_of(Reason.SHOP_FOREIGN_ANSWER, self.shop)
        reason = found.reason or Reason.SHOP_FOREIGN_ANSWER
        what = f"{call}: {found.words}, {error}"
        if isinstance(error, BrokenAnswer) and not writes:
            return ReadFailed(f"{what}. {fix}", status=response.status_code, reason=reason)
        return foreign(what, Explanation(what, fix, reason), writes=writes, status=response.status_code)


def _date(response: httpx.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers.get("Date", "")).astimezone(UTC)
    except ValueError:
        return None


_CACHE_HEADERS = (
    "Age", "X-Cache", "X-Cache-Status", "CF-Cache-Status", "X-LiteSpeed-Cache", "X-Proxy-Cache", "X-Varnish",
    "X-WC-Cache", "Last-Modified",
)  # fmt: skip


def _kind(route: str) -> str:
    """The lists of one kind, e.g. the refunds of any order."""
    return re.sub(r"\d+", "N", route)


def _anything(value: Any) -> Any:
    """JSON of a plugin, unless it is a refusal."""
    return answers.table(value) if isinstance(value, dict) and value else value


def _index(value: Any) -> dict[str, Any]:
    site = answers.table(value)
    if not isinstance(site.get("namespaces"), list):
        raise NoAnswer("an object that is no description of a WordPress")
    return site


def _echo(value: Any, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The echo of a write: the record itself, the new one, or the results of a batch. An empty batch echoes `[]`."""
    if route.endswith("/batch"):
        return {} if value == [] and not body else answers.table(value)
    last = route.rpartition("/")[2]
    if last.isdigit():
        return answers.table(value, last)
    made = answers.table(value)
    if (php.whole(made.get("id")) or 0) < 1:
        raise NoAnswer("an object that is no new record")
    return made
